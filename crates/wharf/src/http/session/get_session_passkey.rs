use wharf_core::session;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn get_session_passkey(call: Call) -> Answer {
    Ok(Reply::ok(session::passkey(call.services(), call.caller(), call.path("sessionId")).await?)?.no_store())
}
