//! Messages that ran out of time: every accepted message ends, also one whose session never came back.

use wharf_api::ErrorCode;

use crate::services::Services;
use crate::store::{self, Outcome, Overdue, StatusChange};

/// How many messages one run fails at the most.
const BATCH: u32 = 500;

/// Fails the queued messages whose time is over; tells how many.
pub async fn fail_overdue(services: &Services) -> Result<u64, store::Error> {
    let now = services.clock.now();
    let mut failed = 0;
    for Overdue { row, given_up } in services.store.overdue_messages(now, BATCH).await? {
        let outcome = if given_up { unlinked() } else { expired() };
        let change = StatusChange { id: row.id.clone(), outcome: outcome.clone(), at: now };
        if services.store.fail_message(&row.account, &change).await? {
            services.outcomes.report(&row.id, outcome);
            services.meter.sends.expired.one();
            failed += 1;
        }
    }
    Ok(failed)
}

fn expired() -> Outcome {
    Outcome::Failed { code: ErrorCode::MessageSendingFailed, reason: "WhatsApp did not acknowledge the message in time".to_owned() }
}

/// What becomes of a message whose account the session does not have any more.
pub fn unlinked() -> Outcome {
    let reason = "the session was unlinked or deleted before WhatsApp acknowledged the message".to_owned();
    Outcome::Failed { code: ErrorCode::SessionDisconnected, reason }
}
