//! When a session that WhatsApp has banned is tried again by itself. Other refusals do not end a session's task, which tries again.

use std::time::Duration;

use wharf_api::Timestamp;
use wharf_api::types::session::{DisconnectReason, Refusal, SessionStatus};

use crate::store::SessionRow;

/// WhatsApp's number for a ban that ends.
const TEMPORARY: u16 = 402;
/// How long a ban is taken to last of which WhatsApp did not say when it ends.
const UNTOLD: Duration = Duration::from_hours(24);
/// The least between two tries, however soon an end is told.
const LEAST: Duration = Duration::from_mins(1);

/// When the ban is over, as far as anybody knows; `None` for one that has no end.
fn over_at(refusal: &Refusal) -> Option<Timestamp> {
    let told = refusal.until.or_else(|| (refusal.code == TEMPORARY).then(|| refusal.at + UNTOLD))?;
    Some(told.max(refusal.at + LEAST))
}

fn of_ban(row: &SessionRow) -> Option<Timestamp> {
    let banned = row.status == SessionStatus::Disconnected && row.reason == Some(DisconnectReason::Banned);
    over_at(row.refusal.as_ref().filter(|_| banned)?)
}

/// Whether the session must be left alone for now: trying again before the end is what lengthens a ban.
pub fn is_barred(row: &SessionRow, now: Timestamp) -> bool {
    of_ban(row).is_some_and(|over_at| now < over_at)
}

/// Whether the session was banned and may be tried again.
pub fn is_over(row: &SessionRow, now: Timestamp) -> bool {
    of_ban(row).is_some_and(|over_at| now >= over_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn refusal(code: u16, until_ms: Option<i64>) -> Refusal {
        Refusal { code, text: None, at: AT, until: until_ms.map(|ms| AT.plus_millis(ms)) }
    }

    #[test]
    fn a_ban_is_over_at_the_time_that_was_told() {
        assert_eq!(over_at(&refusal(402, Some(3_600_000))), Some(AT.plus_millis(3_600_000)));
    }

    #[test]
    fn a_ban_of_which_no_end_was_told_is_looked_at_after_a_day_and_a_locked_account_never() {
        assert_eq!(over_at(&refusal(402, None)), Some(AT + UNTOLD));
        assert_eq!(over_at(&refusal(403, None)), None);
    }

    #[test]
    fn an_end_that_is_told_as_now_is_not_now() {
        assert_eq!(over_at(&refusal(402, Some(0))), Some(AT + LEAST));
    }
}
