use wharf_api::types::message::SendLocation;
use wharf_core::message::{self, Envelope, send_location as rules};

use super::sending;
use crate::http::{Answer, Call};

pub(in crate::http) async fn send_location(call: Call) -> Answer {
    let request: SendLocation = call.json()?;
    let command = rules::Command {
        envelope: Envelope {
            session: request.session_id.clone(),
            to: request.to.clone(),
            reply_to: request.reply_to.clone(),
            manner: sending::manner!(request),
            ..Envelope::default()
        },
        latitude: request.latitude,
        longitude: request.longitude,
        name: request.name.clone(),
        address: request.address.clone(),
    };
    rules::check(&command)?;
    sending::once(&call, &request, command.envelope.manner.dry_run, |claim| {
        message::send_location(call.services(), call.caller(), command, claim)
    })
    .await
}
