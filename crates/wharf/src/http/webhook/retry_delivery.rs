use wharf_core::webhook;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn retry_delivery(call: Call) -> Answer {
    let row = webhook::retry(call.services(), call.caller(), call.path("webhookId"), call.path("deliveryId")).await?;
    Reply::ok(webhook::view_delivery(&row))
}
