//! Sessions that wait for what no try of their own can bring: what is said of them, and when it is worth asking again.

use std::time::Duration;

use wharf_api::Timestamp;
use wharf_api::ids::SessionId;
use wharf_api::types::hold::HoldReason;
use wharf_api::types::session::{SessionStatus, WaitingFor};

use super::{Error, require_connected};
use crate::engine::Link;
use crate::message::hold::Hold;
use crate::services::Services;
use crate::store::SessionRow;

/// When nobody knows when somebody tries next: switches are obeyed about so often.
const RETRY_AFTER: Duration = Duration::from_mins(1);

/// When it is worth asking again for a session that one of several nodes begins.
pub(super) const MOVE_SECS: u64 = 1;

fn seen(services: &Services, session: &SessionId) -> Option<WaitingFor> {
    services.engine.link(session).and_then(|link| link.borrow().waiting).map(|(waiting, _)| waiting)
}

/// Refuses where the session waits for something that the person who asks cannot bring.
pub(super) fn refuse_waiting(services: &Services, session: &SessionId) -> Result<(), Error> {
    match seen(services, session) {
        None | Some(WaitingFor::Passkey) => Ok(()),
        Some(waiting) => Err(refusal(services, waiting)),
    }
}

/// Says what is waited for, and when it is worth asking again.
pub(super) fn refusal(services: &Services, waiting: WaitingFor) -> Error {
    let next = services.engine.whatsapp().next_try_at.map(|next| next.as_secs() - services.clock.now().as_secs());
    let retry_after_secs =
        next.filter(|_| waiting != WaitingFor::Pause).and_then(|secs| u64::try_from(secs).ok()).unwrap_or(RETRY_AFTER.as_secs()).max(1);
    Error::Waiting { waiting, retry_after_secs }
}

/// Whether the session is linked and nobody of several nodes has it, or one that has begun it and was not connected yet: it is on its way
/// between them, and comes without anybody's doing. A node that is alone has no such moment.
pub(super) fn is_moving(services: &Services, link: Option<&Link>, row: &SessionRow, status: SessionStatus) -> bool {
    let is_linked = row.jid.is_some() || link.is_some_and(|link| link.jid.is_some());
    let begins = match status {
        SessionStatus::Starting | SessionStatus::Connecting => link.is_some(),
        SessionStatus::Reconnecting => link.is_none(),
        _ => false,
    };
    services.others.reachable().is_some() && is_linked && begins
}

/// Refuses a session that cannot be asked anything at this moment.
pub fn require_answering(services: &Services, row: &SessionRow) -> Result<(), Error> {
    match seen(services, &row.id) {
        Some(waiting @ (WaitingFor::ClientUpdate | WaitingFor::Overload)) => Err(refusal(services, waiting)),
        _ => require_connected(services, row).map(drop),
    }
}

/// What holds all messages of a session back that waits, while somebody tries for it now and then.
pub fn hold(services: &Services, session: &SessionId, now: Timestamp) -> Option<Hold> {
    let reason = match seen(services, session)? {
        WaitingFor::ClientUpdate => HoldReason::ClientUpdate,
        WaitingFor::Overload => HoldReason::Overload,
        WaitingFor::Passkey | WaitingFor::Pause => return None,
    };
    let next = services.engine.whatsapp().next_try_at.filter(|next| *next > now);
    Some(Hold { until: Some(next.unwrap_or(now + RETRY_AFTER)), reason })
}
