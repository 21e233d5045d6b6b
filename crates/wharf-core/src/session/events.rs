//! The events that a session's link writes.

use serde_json::{Value, json};
use wharf_api::ids::SessionId;
use wharf_api::types::event::EventKind;
use wharf_api::types::passkey::{PasskeyFailure, PasskeyStep};
use wharf_api::types::session::SessionStatus;

use crate::engine::{Ceremony, Link};
use crate::store::NewEvent;

/// What a link has become.
fn link_data(session: &SessionId, link: &Link) -> Value {
    let mut data = json!({"sessionId": session, "status": link.status.as_str()});
    if let Some(reason) = link.reason {
        data["reason"] = reason.as_str().into();
    }
    if let Some((waiting, since)) = link.waiting {
        data["waitingFor"] = waiting.as_str().into();
        data["since"] = since.to_string().into();
    }
    if let Some(refusal) = &link.refusal {
        data["refusal"] = json!(refusal);
    }
    if let Some(degraded) = link.degraded {
        data["degraded"] = degraded.as_str().into();
    }
    data
}

/// The event that tells what a link has become: under the umbrella alone.
pub fn link_changed(session: &SessionId, link: &Link) -> NewEvent {
    NewEvent::new(EventKind::SessionStatus, &link_data(session, link))
}

/// The events of a change to another status: the umbrella, and the special one where there is one.
pub fn status_changed(session: &SessionId, link: &Link) -> Vec<NewEvent> {
    let mut data = link_data(session, link);
    let umbrella = NewEvent::new(EventKind::SessionStatus, &data);
    let special = match link.status {
        SessionStatus::Qr => Some(EventKind::SessionQr),
        SessionStatus::Connected => Some(EventKind::SessionConnected),
        SessionStatus::Disconnected => Some(EventKind::SessionDisconnected),
        SessionStatus::Starting
        | SessionStatus::Connecting
        | SessionStatus::Reconnecting
        | SessionStatus::QrExpired
        | SessionStatus::Stopped => None,
    };
    if let Some(qr) = &link.qr {
        data["qr"] = qr.text.clone().into();
        data["qrExpiresAt"] = qr.expires_at.to_string().into();
    }
    std::iter::once(umbrella).chain(special.map(|kind| NewEvent::new(kind, &data))).collect()
}

/// The event of a step of the ceremony in which a passkey confirms a link.
pub fn passkey_step(session: &SessionId, ceremony: &Ceremony) -> NewEvent {
    let mut data = json!({"sessionId": session, "step": ceremony.step.as_str(), "expiresAt": ceremony.expires_at});
    match (ceremony.step, &ceremony.code) {
        (PasskeyStep::Assertion, _) => data["publicKey"] = ceremony.options.as_ref().clone(),
        (PasskeyStep::Confirmation, Some(code)) => data["code"] = code.as_str().into(),
        _ => {}
    }
    NewEvent::new(EventKind::SessionPasskey, &data)
}

/// The event of its end without a link.
pub fn passkey_failed(session: &SessionId, failure: PasskeyFailure, text: &str) -> NewEvent {
    let data = json!({"sessionId": session, "step": PasskeyStep::Failed.as_str(), "reason": failure.as_str(), "text": text});
    NewEvent::new(EventKind::SessionPasskey, &data)
}
