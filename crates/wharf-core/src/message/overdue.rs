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
    for Overdue { row, given_up, doubtful } in services.store.overdue_messages(now, BATCH).await? {
        let outcome = if given_up { unlinked(doubtful) } else { expired(doubtful) };
        let change = StatusChange { id: row.id.clone(), outcome: outcome.clone(), at: now };
        if services.store.fail_message(&row.account, &change).await? {
            services.outcomes.report(&row.id, outcome);
            services.meter.sends.expired.one();
            failed += 1;
        }
    }
    Ok(failed)
}

fn expired(doubtful: bool) -> Outcome {
    Outcome::failure(ErrorCode::MessageSendingFailed, "WhatsApp did not acknowledge the message in time", doubtful)
}

/// What becomes of a message whose account the session does not have any more. `doubtful` where a try of it may have reached WhatsApp.
pub fn unlinked(doubtful: bool) -> Outcome {
    let reason = "the session was unlinked or deleted before WhatsApp acknowledged the message";
    Outcome::failure(ErrorCode::SessionDisconnected, reason, doubtful)
}
