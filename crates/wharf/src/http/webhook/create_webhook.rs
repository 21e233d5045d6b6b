use wharf_api::types::webhook::{CreateWebhook, CreatedWebhook};
use wharf_core::webhook;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, idempotency};

pub(in crate::http) async fn create_webhook(call: Call) -> Answer {
    let request: CreateWebhook = call.json()?;
    let new = request.clone();
    let create = async {
        let (row, secret) = webhook::create(call.services(), call.caller(), new).await?;
        let webhook = webhook::view(call.services(), &row);
        Ok(Reply::created(CreatedWebhook { webhook, secret: secret.reveal().to_owned() })?.no_store())
    };
    idempotency::beforehand(&call, &request, create).await
}
