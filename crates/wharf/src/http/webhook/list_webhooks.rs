use wharf_core::webhook;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, page};

pub(in crate::http) async fn list_webhooks(call: Call) -> Answer {
    let found = webhook::list(call.services(), call.caller(), page::wanted(&call.query)?).await?;
    let shown: Vec<_> = found.rows.iter().map(|row| webhook::view(call.services(), row)).collect();
    Reply::list(shown, page::next(found.next))
}
