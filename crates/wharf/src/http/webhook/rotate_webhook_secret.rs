use wharf_api::types::webhook::{CreatedWebhook, RotateSecret};
use wharf_core::webhook;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, idempotency};

pub(in crate::http) async fn rotate_webhook_secret(call: Call) -> Answer {
    let request: RotateSecret = call.json_or_default()?;
    let id = call.path("webhookId");
    let rotate = async {
        let (row, secret) = webhook::rotate(call.services(), call.caller(), id, request.overlap_seconds).await?;
        let webhook = webhook::view(call.services(), &row);
        Ok(Reply::ok(CreatedWebhook { webhook, secret: secret.reveal().to_owned() })?.no_store())
    };
    idempotency::beforehand(&call, &(id, &request), rotate).await
}
