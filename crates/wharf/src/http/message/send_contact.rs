use wharf_api::types::message::SendContact;
use wharf_core::message::{self, Envelope, send_contact as rules};

use super::sending;
use crate::http::{Answer, Call};

pub(in crate::http) async fn send_contact(call: Call) -> Answer {
    let request: SendContact = call.json()?;
    let command = rules::Command {
        envelope: Envelope {
            session: request.session_id.clone(),
            to: request.to.clone(),
            reply_to: request.reply_to.clone(),
            manner: sending::manner!(request),
            ..Envelope::default()
        },
        contacts: request.contacts.clone(),
    };
    rules::check(&command)?;
    sending::once(&call, &request, command.envelope.manner.dry_run, |claim| {
        message::send_contact(call.services(), call.caller(), command, claim)
    })
    .await
}
