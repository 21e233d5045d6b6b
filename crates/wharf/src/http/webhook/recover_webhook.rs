use wharf_api::types::webhook::{Recover, Recovered};
use wharf_core::webhook;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn recover_webhook(call: Call) -> Answer {
    let request: Recover = call.json()?;
    let deliveries = webhook::recover(call.services(), call.caller(), call.path("webhookId"), request.since).await?;
    Reply::ok(Recovered { deliveries })
}
