use wharf_api::types::message::SendText;
use wharf_core::message::{self, send_text as rules};

use super::sending;
use crate::http::{Answer, Call};

pub(in crate::http) async fn send_text(call: Call) -> Answer {
    let request: SendText = call.json()?;
    send(&call, &request).await
}

/// Sends what `request` says.
pub(in crate::http) async fn send(call: &Call, request: &SendText) -> Answer {
    let new = rules::parse(request)?;
    sending::once(call, request, request.dry_run, |claim| message::send_text(call.services(), call.caller(), new, claim)).await
}
