use wharf_api::types::message::SendReaction;
use wharf_core::message::{self, send_reaction as rules};

use super::sending;
use crate::http::{Answer, Call};

pub(in crate::http) async fn send_reaction(call: Call) -> Answer {
    let request: SendReaction = call.json()?;
    let new = rules::parse(&request)?;
    sending::once(&call, &request, request.dry_run, |claim| message::send_reaction(call.services(), call.caller(), new, claim)).await
}
