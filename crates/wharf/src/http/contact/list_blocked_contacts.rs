use wharf_core::contact::book;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn list_blocked_contacts(call: Call) -> Answer {
    let session = call.query.required("sessionId")?;
    Reply::whole(book::blocked(call.services(), call.caller(), session).await?)
}
