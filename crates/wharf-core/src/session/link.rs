//! What changes a session's link: QR codes, pairing codes, restart, logout, deletion.

use std::time::Duration;

use tokio::sync::watch;
use wharf_api::ids::SessionId;
use wharf_api::recipient;
use wharf_api::types::session::{SessionStatus, WaitingFor};

use super::waiting::{refusal, refuse_waiting};
use super::{Error, current, find};
use crate::caller::Caller;
use crate::engine::{Link, PairCode, QrCode};
use crate::services::Services;
use crate::store::SessionRow;
use crate::webhook;

/// How long a request waits for a link to come up after a restart.
const RESTART_WAIT: Duration = Duration::from_secs(5);

/// The QR code that links the session. `known` and `waited` make a long poll: the answer comes as soon as the code is
/// another one than `known`, or when `waited` ends.
pub async fn qr(
    services: &Services,
    caller: &Caller,
    id: &str,
    known: Option<&str>,
    waited: impl Future<Output = ()>,
) -> Result<QrCode, Error> {
    let row = find(services, caller, id).await?;
    refuse_waiting(services, &row.id)?;
    let Some(mut link) = services.engine.link(&row.id) else {
        return Err(without_qr(current(None, &row), &row));
    };
    let another = link.wait_for(|link| match &link.qr {
        Some(qr) => known != Some(qr.text.as_str()),
        None => !matches!(link.status, SessionStatus::Starting) || link.waiting.is_some(),
    });
    // When the time is over the code that stands is the answer, old or new.
    tokio::select! {
        biased;
        _ = another => {}
        () = waited => {}
    }
    let seen = link.borrow().clone();
    if seen.passkey.is_some() {
        return Err(PASSKEY_ASKED);
    }
    if seen.qr.is_none() {
        refuse_waiting(services, &row.id)?;
    }
    seen.qr.ok_or_else(|| without_qr(seen.status, &row))
}

/// The code was scanned, and its use is not over.
const PASSKEY_ASKED: Error = Error::Conflict("WhatsApp asks for a passkey: GET /v1/sessions/{sessionId}/passkey");

fn without_qr(status: SessionStatus, row: &SessionRow) -> Error {
    match status {
        SessionStatus::Connected | SessionStatus::Connecting | SessionStatus::Reconnecting => {
            Error::Conflict("the session is linked already")
        }
        SessionStatus::Disconnected => Error::Disconnected { reason: row.reason },
        SessionStatus::QrExpired => Error::QrExpired,
        SessionStatus::Starting | SessionStatus::Qr => Error::Conflict("the session has no QR code yet"),
        SessionStatus::Stopped => Error::Conflict("the session is stopped; restart it"),
    }
}

/// A code that links the phone of the session without a camera.
pub async fn pairing_code(services: &Services, caller: &Caller, id: &str, phone: &str) -> Result<(SessionId, PairCode), Error> {
    let phone = recipient::phone(phone).map_err(Error::InvalidPhone)?;
    let row = find(services, caller, id).await?;
    let link = services.engine.link(&row.id).map(|link| link.borrow().clone());
    if link.as_ref().is_some_and(|link| link.passkey.is_some()) {
        return Err(PASSKEY_ASKED);
    }
    refuse_waiting(services, &row.id)?;
    let status = current(link.as_ref(), &row);
    match status {
        SessionStatus::Starting | SessionStatus::Qr => {
            let code = services.engine.pairing_code(&row.id, &phone).await?;
            Ok((row.id, code))
        }
        SessionStatus::Connected
        | SessionStatus::Connecting
        | SessionStatus::Reconnecting
        | SessionStatus::QrExpired
        | SessionStatus::Disconnected
        | SessionStatus::Stopped => Err(without_qr(status, &row)),
    }
}

/// Starts the session anew: reconnects a linked one, shows fresh QR codes for one that is not linked. The id, and all
/// that hangs on it, stays.
pub async fn restart(services: &Services, caller: &Caller, id: &str) -> Result<super::Fresh, Error> {
    let row = find(services, caller, id).await?;
    if services.switches.connecting_paused().is_some() {
        return Err(refusal(services, WaitingFor::Pause));
    }
    refuse_waiting(services, &row.id)?;
    let link = services.engine.restart(&row.id).await?;
    settled(link.clone()).await;
    let qr = link.borrow().qr.clone();
    let row = find(services, caller, id).await?;
    Ok(super::Fresh { row, qr })
}

/// Waits for a session that was started anew. What it does not reach in this time it goes on to reach afterwards.
pub(super) async fn settled(mut link: watch::Receiver<Link>) {
    let settled =
        link.wait_for(|link| !matches!(link.status, SessionStatus::Starting | SessionStatus::Connecting) || link.waiting.is_some());
    let _ = tokio::time::timeout(RESTART_WAIT, settled).await;
}

/// Removes the linked device from the phone.
pub async fn logout(services: &Services, caller: &Caller, id: &str) -> Result<SessionRow, Error> {
    let row = find(services, caller, id).await?;
    super::require_connected(services, &row)?;
    services.engine.logout(&row.id).await?;
    find(services, caller, id).await
}

/// Removes the device of a session whose account is deleted, on the node that has it: one that is gone already is no error.
pub async fn end(services: &Services, row: &SessionRow) -> Result<(), Error> {
    // Of an account that was suspended nothing runs: its sessions come once more, wherever that is.
    if !services.engine.runs(&row.id)
        && current(None, row) == SessionStatus::Reconnecting
        && let Ok(link) = services.engine.start(&row.id).await
    {
        settled(link).await;
    }
    // One that is on its way can tell its phone in a moment; one that does not come is not kept for that.
    let _ = super::await_connected(services, row).await;
    unlink(services, row).await.map(drop)
}

/// Unlinks the session where that is possible, then deletes it; `false` where it is gone already.
async fn unlink(services: &Services, row: &SessionRow) -> Result<bool, Error> {
    if super::require_connected(services, row).is_ok()
        && let Err(error) = services.engine.logout(&row.id).await
    {
        tracing::warn!(session = %row.id, %error, "a deleted session could not be unlinked from its phone");
    }
    services.engine.stop(&row.id).await?;
    Ok(services.store.delete_session(&row.account, &row.id).await?)
}

/// Unlinks the session where that is possible, then deletes it, with the webhooks for its events.
pub async fn delete(services: &Services, caller: &Caller, id: &str) -> Result<SessionRow, Error> {
    let row = find(services, caller, id).await?;
    if !unlink(services, &row).await? {
        return Err(Error::NotFound);
    }
    // What cannot be done now is done by the sweep that runs every hour.
    if let Err(error) = webhook::sweep(services).await {
        tracing::warn!(session = %row.id, %error, "webhooks of a deleted session stay for a while");
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use wharf_api::types::session::DisconnectReason;
    use wharf_api::{ApiError, ErrorCode};

    use super::*;
    use crate::samples::session_row;

    #[test]
    fn who_asks_for_a_code_that_is_not_there_hears_what_to_do_instead() {
        for status in SessionStatus::ALL {
            let row = SessionRow { reason: Some(DisconnectReason::LoggedOut), ..session_row(*status) };
            let refusal = ApiError::from(&without_qr(*status, &row));
            let expected = match status {
                SessionStatus::Disconnected => ErrorCode::SessionDisconnected,
                SessionStatus::QrExpired => ErrorCode::QrCodeExpired,
                _ => ErrorCode::Conflict,
            };
            assert_eq!(refusal.code, expected, "{}", status.as_str());
            assert_eq!(refusal.details.reason.is_some(), *status != SessionStatus::QrExpired, "{}", status.as_str());
        }
    }
}
