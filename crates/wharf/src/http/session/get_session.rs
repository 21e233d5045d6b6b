use wharf_core::session;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

pub(in crate::http) async fn get_session(call: Call) -> Answer {
    let row = session::find(call.services(), call.caller(), call.path("sessionId")).await?;
    Reply::ok(session::show(call.services(), &row).await?)
}
