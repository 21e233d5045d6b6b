use wharf_api::types::chat::{PresenceShown, SetPresence};
use wharf_core::chat;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn set_presence(call: Call) -> Answer {
    let request: SetPresence = call.json()?;
    chat::presence(call.services(), call.caller(), &request.session_id, request.status).await?;
    Reply::ok(PresenceShown { status: request.status })
}
