use wharf_core::chat;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, page};

pub(in crate::http) async fn list_chats(call: Call) -> Answer {
    let session = call.query.required("sessionId")?;
    let found = chat::list(call.services(), call.caller(), session, page::wanted(&call.query)?).await?;
    Reply::list(found.rows, page::next(found.next))
}
