use wharf_api::types::message::SendLocation;
use wharf_core::message::{self, send_location as rules};

use super::sending;
use crate::http::{Answer, Call};

pub(in crate::http) async fn send_location(call: Call) -> Answer {
    let request: SendLocation = call.json()?;
    let new = rules::parse(&request)?;
    sending::once(&call, &request, request.dry_run, |claim| message::post(call.services(), call.caller(), new, claim)).await
}
