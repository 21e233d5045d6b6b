use wharf_api::types::webhook::DeliveryStatus;
use wharf_core::webhook;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, page};

pub(in crate::http) async fn list_deliveries(call: Call) -> Answer {
    call.query.only(&["state", "limit", "cursor"])?;
    let words: Vec<_> = DeliveryStatus::ALL.iter().map(|state| state.as_str()).collect();
    let state = call.query.word("state", DeliveryStatus::parse, &words)?;
    let page = page::wanted(&call.query)?;
    let found = webhook::list_deliveries(call.services(), call.caller(), call.path("webhookId"), state, page).await?;
    let shown: Vec<_> = found.rows.iter().map(webhook::view_delivery).collect();
    Reply::list(shown, page::next(found.next))
}
