use wharf_api::types::passkey::ConfirmPasskey;
use wharf_core::session;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn confirm_session_passkey(call: Call) -> Answer {
    let request: ConfirmPasskey = call.json()?;
    Ok(Reply::ok(session::confirm_passkey(call.services(), call.caller(), call.path("sessionId"), &request).await?)?.no_store())
}
