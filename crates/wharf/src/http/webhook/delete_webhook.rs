use wharf_core::webhook;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn delete_webhook(call: Call) -> Answer {
    let row = webhook::delete(call.services(), call.caller(), call.path("webhookId")).await?;
    Reply::ok(webhook::view(call.services(), &row))
}
