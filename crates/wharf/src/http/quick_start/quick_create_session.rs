use wharf_api::types::quick_start::{QuickSession, QuickSessionCreated};

use crate::http::{Answer, Call, session};

pub(in crate::http) async fn quick_create_session(call: Call) -> Answer {
    let request: QuickSession = call.json()?;
    session::create_as(&call, &request.name, request.webhook.as_deref(), None, &request, |shown| QuickSessionCreated {
        session_id: shown.session.session_id,
        qr_code: shown.qr.map(|qr| qr.qr_code),
    })
    .await
}
