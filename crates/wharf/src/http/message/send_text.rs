use wharf_api::types::message::SendText;
use wharf_core::message::{self, Envelope, send_text as rules};

use super::sending;
use crate::http::{Answer, Call};

pub(in crate::http) async fn send_text(call: Call) -> Answer {
    let request: SendText = call.json()?;
    send(&call, &request).await
}

/// Sends what `request` says.
pub(in crate::http) async fn send(call: &Call, request: &SendText) -> Answer {
    let command = rules::Command {
        envelope: Envelope {
            session: request.session_id.clone(),
            to: request.to.clone(),
            audience: Some(request.audience.clone()),
            reply_to: request.reply_to.clone(),
            mentions: request.mentions.clone(),
            forwarded: false,
            manner: sending::manner!(request),
        },
        text: request.text.clone(),
        preview: request.link_preview.clone(),
        background: request.background_color.clone(),
    };
    rules::check(&command)?;
    sending::once(call, request, command.envelope.manner.dry_run, |claim| {
        message::send_text(call.services(), call.caller(), command, claim)
    })
    .await
}
