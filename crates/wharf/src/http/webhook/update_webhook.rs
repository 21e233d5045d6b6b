use wharf_api::types::webhook::UpdateWebhook;
use wharf_core::webhook;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn update_webhook(call: Call) -> Answer {
    let request: UpdateWebhook = call.json()?;
    let row = webhook::update(call.services(), call.caller(), call.path("webhookId"), request).await?;
    Reply::ok(webhook::view(call.services(), &row))
}
