use wharf_core::webhook;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn get_webhook(call: Call) -> Answer {
    let row = webhook::find(call.services(), call.caller(), call.path("webhookId")).await?;
    Reply::ok(webhook::view(call.services(), &row))
}
