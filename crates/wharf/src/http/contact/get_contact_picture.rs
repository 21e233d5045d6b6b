use wharf_core::contact::book;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn get_contact_picture(call: Call) -> Answer {
    let session = call.query.required("sessionId")?;
    let preview = |word: &str| match word {
        "full" => Some(false),
        "preview" => Some(true),
        _ => None,
    };
    let preview = call.query.word("size", preview, &["full", "preview"])?.unwrap_or(false);
    Reply::ok(book::picture(call.services(), call.caller(), session, call.path("contactId"), preview).await?)
}
