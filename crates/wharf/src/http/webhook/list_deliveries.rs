use wharf_api::types::webhook::DeliveryStatus;
use wharf_core::webhook;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, page};

pub(in crate::http) async fn list_deliveries(call: Call) -> Answer {
    let words: Vec<_> = DeliveryStatus::ALL.iter().map(|status| status.as_str()).collect();
    let status = call.query.word("status", DeliveryStatus::parse, &words)?;
    let page = page::wanted(&call.query)?;
    let found = webhook::list_deliveries(call.services(), call.caller(), call.path("webhookId"), status, page).await?;
    let shown: Vec<_> = found.rows.iter().map(webhook::view_delivery).collect();
    Reply::list(shown, page::next(found.next))
}
