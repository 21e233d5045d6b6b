//! The events that a session's link writes.

use serde_json::json;
use wharf_api::ids::SessionId;
use wharf_api::types::event::EventKind;
use wharf_api::types::session::{DisconnectReason, SessionStatus};

use crate::engine::QrCode;
use crate::store::NewEvent;

/// The events of a change to `status`: the umbrella, and the special one where there is one.
pub fn status_changed(session: &SessionId, status: SessionStatus, reason: Option<DisconnectReason>, qr: Option<&QrCode>) -> Vec<NewEvent> {
    let mut data = json!({"sessionId": session, "status": status.as_str()});
    if let Some(reason) = reason {
        data["reason"] = reason.as_str().into();
    }
    let special = match status {
        SessionStatus::Qr => Some(EventKind::SessionQr),
        SessionStatus::Connected => Some(EventKind::SessionConnected),
        SessionStatus::Disconnected => Some(EventKind::SessionDisconnected),
        SessionStatus::Starting
        | SessionStatus::Connecting
        | SessionStatus::Reconnecting
        | SessionStatus::QrExpired
        | SessionStatus::Stopped => None,
    };
    let umbrella = NewEvent { kind: EventKind::SessionStatus, data: data.clone() };
    if let Some(qr) = qr {
        data["qr"] = qr.text.clone().into();
        data["qrExpiresAt"] = qr.expires_at.to_string().into();
    }
    std::iter::once(umbrella).chain(special.map(|kind| NewEvent { kind, data })).collect()
}
