use wharf_api::types::group::BySession;
use wharf_core::contact::book;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn unblock_contact(call: Call) -> Answer {
    let request: BySession = call.json()?;
    Reply::ok(book::block(call.services(), call.caller(), &request.session_id, call.path("contactId"), false).await?)
}
