use wharf_api::types::message::SendReaction;
use wharf_core::message::{self, send_reaction as rules};

use super::sending;
use crate::http::{Answer, Call};

pub(in crate::http) async fn send_reaction(call: Call) -> Answer {
    let request: SendReaction = call.json()?;
    let command = rules::Command { message: request.message_id.clone(), emoji: request.emoji.clone(), asynchronous: request.asynchronous };
    rules::check(&command)?;
    sending::once(&call, &request, |claim| message::send_reaction(call.services(), call.caller(), command.clone(), claim)).await
}
