use std::time::Duration;

use http::header::VARY;
use wharf_api::limits;
use wharf_core::session;

use crate::http::envelope::{Failure, Reply};
use crate::http::{Answer, Call, accept, picture};

const JSON: &str = "application/json";
const PNG: &str = "image/png";
const SVG: &str = "image/svg+xml";
const TEXT: &str = "text/plain";

/// `?wait=` makes it a long poll, which ends early when there is another code than `?known=`, when the server stops, or when the client has ended its half.
pub(in crate::http) async fn get_session_qr(call: Call) -> Answer {
    let wait = Duration::from_secs(call.query.number("wait", 0, limits::LONG_POLL_MAX_SECS)?.unwrap_or(0));
    let waited = async {
        // Which of the two it was makes no difference.
        let _ = tokio::time::timeout(wait, call.waits_no_more()).await;
    };
    let code = session::qr(call.services(), call.caller(), call.path("sessionId"), call.query.get("known"), waited);
    let code = call.while_key_lasts(code).await??;
    let reply = match accept::best(&call.headers, &[JSON, PNG, SVG, TEXT]) {
        PNG => picture::png(&code.text).map(|file| Reply::raw(PNG, file)),
        SVG => picture::svg(&code.text).map(|file| Reply::raw(SVG, file)),
        TEXT => picture::terminal(&code.text).map(|text| Reply::raw("text/plain; charset=utf-8", text)),
        _ => return Ok(Reply::ok(picture::on_the_wire(&code).map_err(Failure::internal)?)?.no_store().header(VARY, "Accept")),
    };
    Ok(reply.map_err(Failure::internal)?.no_store().header(VARY, "Accept"))
}
