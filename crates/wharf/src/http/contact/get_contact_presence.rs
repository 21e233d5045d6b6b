use wharf_core::contact::book;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn get_contact_presence(call: Call) -> Answer {
    let session = call.query.required("sessionId")?;
    Ok(Reply::ok(book::presence(call.services(), call.caller(), session, call.path("contactId")).await?)?.no_store())
}
