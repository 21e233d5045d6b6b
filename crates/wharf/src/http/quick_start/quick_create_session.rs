use wharf_api::types::quick_start::{QuickSession, QuickSessionCreated};
use wharf_api::{ApiError, ErrorCode};

use crate::http::{Answer, Call, session};

pub(in crate::http) async fn quick_create_session(call: Call) -> Answer {
    let request: QuickSession = call.json()?;
    if request.webhook.is_some() {
        return Err(no_webhooks().into());
    }
    session::create_as(&call, &request.name, &request, |shown| QuickSessionCreated {
        session_id: shown.session.session_id,
        qr_code: shown.qr.map(|qr| qr.qr_code),
    })
    .await
}

fn no_webhooks() -> ApiError {
    let reason = "this server has no webhooks yet; leave `webhook` out and read the messages by GET /v1/messages";
    ApiError::new(ErrorCode::UnsupportedOperation).field("webhook").reason(reason)
}
