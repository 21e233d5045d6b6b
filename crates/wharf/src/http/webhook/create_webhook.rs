use wharf_api::types::webhook::{CreateWebhook, CreatedWebhook};
use wharf_core::webhook;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn create_webhook(call: Call) -> Answer {
    let request: CreateWebhook = call.json()?;
    let new = webhook::New {
        url: request.url,
        events: request.events,
        session: request.session_id,
        description: request.description,
        timeout_seconds: request.timeout_seconds,
        headers: request.headers.unwrap_or_default(),
        enabled: request.enabled.unwrap_or(true),
        secret: request.secret,
    };
    let (row, secret) = webhook::create(call.services(), call.caller(), new).await?;
    let webhook = webhook::view(call.services(), &row);
    Ok(Reply::created(CreatedWebhook { webhook, secret: secret.reveal().to_owned() })?.no_store())
}
