use wharf_api::types::group::BySession;
use wharf_core::chat;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn read_chat(call: Call) -> Answer {
    let request: BySession = call.json()?;
    Reply::ok(chat::read(call.services(), call.caller(), &request.session_id, call.path("chatId")).await?)
}
