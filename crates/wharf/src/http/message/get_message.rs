use wharf_core::message;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn get_message(call: Call) -> Answer {
    Reply::ok(message::find(call.services(), call.caller(), call.path("messageId")).await?)
}
