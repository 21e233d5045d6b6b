use wharf_core::message;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn delete_message(call: Call) -> Answer {
    let changed = message::delete_message(call.services(), call.caller(), call.path("messageId")).await?;
    Reply::ok(changed.view())
}
