use wharf_api::types::webhook::{CreateWebhook, CreatedWebhook};
use wharf_core::webhook;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, idempotency};

pub(in crate::http) async fn create_webhook(call: Call) -> Answer {
    let request: CreateWebhook = call.json()?;
    let asked = request.clone();
    let new = webhook::New {
        url: asked.url,
        events: asked.events,
        session: asked.session_id,
        description: asked.description,
        timeout_seconds: asked.timeout_seconds,
        max_bytes: asked.max_bytes,
        headers: asked.headers.unwrap_or_default(),
        enabled: asked.enabled.unwrap_or(true),
        secret: asked.secret,
    };
    let create = async {
        let (row, secret) = webhook::create(call.services(), call.caller(), new).await?;
        let webhook = webhook::view(call.services(), &row);
        Ok(Reply::created(CreatedWebhook { webhook, secret: secret.reveal().to_owned() })?.no_store())
    };
    idempotency::beforehand(&call, &request, create).await
}
