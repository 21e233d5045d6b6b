use wharf_api::types::webhook::UpdateWebhook;
use wharf_core::webhook;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn update_webhook(call: Call) -> Answer {
    let request: UpdateWebhook = call.json()?;
    let change = webhook::Change {
        url: request.url,
        events: request.events,
        description: request.description,
        timeout_seconds: request.timeout_seconds,
        max_bytes: request.max_bytes,
        headers: request.headers.map(Option::unwrap_or_default),
        enabled: request.enabled,
    };
    let row = webhook::update(call.services(), call.caller(), call.path("webhookId"), change).await?;
    Reply::ok(webhook::view(call.services(), &row))
}
