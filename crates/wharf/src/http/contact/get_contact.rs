use wharf_core::contact::book;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn get_contact(call: Call) -> Answer {
    let session = call.query.required("sessionId")?;
    Reply::ok(book::find(call.services(), call.caller(), session, call.path("contactId")).await?)
}
