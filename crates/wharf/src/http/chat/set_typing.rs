use wharf_api::types::chat::SetTyping;
use wharf_core::chat;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn set_typing(call: Call) -> Answer {
    let request: SetTyping = call.json()?;
    Reply::ok(chat::typing(call.services(), call.caller(), &request.session_id, call.path("chatId"), request.status).await?)
}
