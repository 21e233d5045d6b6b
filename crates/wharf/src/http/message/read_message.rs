use wharf_core::message;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn read_message(call: Call) -> Answer {
    let row = message::read_message(call.services(), call.caller(), call.path("messageId")).await?;
    Reply::ok(message::view(&row))
}
