use wharf_api::types::passkey::PasskeyAssertion;
use wharf_core::session;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn submit_session_passkey(call: Call) -> Answer {
    let request: PasskeyAssertion = call.json()?;
    Ok(Reply::ok(session::submit_passkey(call.services(), call.caller(), call.path("sessionId"), &request).await?)?.no_store())
}
