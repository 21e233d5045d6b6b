use wharf_core::session;

use super::with_qr;
use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn restart_session(call: Call) -> Answer {
    let fresh = session::restart(call.services(), call.caller(), call.path("sessionId")).await?;
    Ok(Reply::ok(with_qr(call.services(), &fresh)?)?.no_store())
}
