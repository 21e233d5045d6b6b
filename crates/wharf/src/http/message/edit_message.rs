use wharf_api::types::message::EditMessage;
use wharf_core::message;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn edit_message(call: Call) -> Answer {
    let request: EditMessage = call.json()?;
    let changed = message::edit_message(call.services(), call.caller(), call.path("messageId"), request.text).await?;
    Reply::ok(changed.view())
}
