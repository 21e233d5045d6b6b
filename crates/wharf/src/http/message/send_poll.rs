use wharf_api::types::message::SendPoll;
use wharf_core::message::{self, Envelope, send_poll as rules};

use super::sending;
use crate::http::{Answer, Call};

pub(in crate::http) async fn send_poll(call: Call) -> Answer {
    let request: SendPoll = call.json()?;
    let command = rules::Command {
        envelope: Envelope {
            session: request.session_id.clone(),
            to: request.to.clone(),
            reply_to: request.reply_to.clone(),
            manner: sending::manner!(request),
            ..Envelope::default()
        },
        question: request.question.clone(),
        options: request.options.clone(),
        selectable_count: request.selectable_count,
    };
    rules::check(&command)?;
    sending::once(&call, &request, command.envelope.manner.dry_run, |claim| {
        message::send_poll(call.services(), call.caller(), command, claim)
    })
    .await
}
