use serde::Serialize;
use wharf_api::types::message::ForwardMessage;
use wharf_core::message::{self, forward_message as rules};

use super::sending;
use crate::http::{Answer, Call};

/// What an idempotency key stands on: the message is part of the request.
#[derive(Serialize)]
struct Whole<'a> {
    message: &'a str,
    request: &'a ForwardMessage,
}

pub(in crate::http) async fn forward_message(call: Call) -> Answer {
    let request: ForwardMessage = call.json()?;
    let message = call.path("messageId");
    let new = rules::parse(message, &request)?;
    let whole = Whole { message, request: &request };
    sending::once(&call, &whole, request.dry_run, |claim| message::forward_message(call.services(), call.caller(), new, claim)).await
}
