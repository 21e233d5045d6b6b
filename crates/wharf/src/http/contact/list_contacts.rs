use wharf_core::contact::book;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, page};

pub(in crate::http) async fn list_contacts(call: Call) -> Answer {
    let session = call.query.required("sessionId")?;
    let found = book::list(call.services(), call.caller(), session, page::wanted(&call.query)?).await?;
    Reply::list(found.rows, page::next(found.next))
}
