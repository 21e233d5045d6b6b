//! Messages that ran out of time: every accepted message ends, also one whose session never came back.

use futures::{StreamExt, TryStreamExt};
use wharf_api::{ErrorCode, Timestamp};

use crate::services::Services;
use crate::store::{self, Outcome, Overdue, StatusChange};

/// How many messages of each account fail before the next turn of all of them: nobody waits for another's backlog.
const SHARE: u32 = 50;
/// How many are written at once, so that they share commits.
const AT_ONCE: usize = 8;

/// Fails the queued messages whose time is over, all of them; tells how many.
pub async fn fail_overdue(services: &Services) -> Result<u64, store::Error> {
    let now = services.clock.now();
    if !services.steady.believes(now) {
        return Ok(0);
    }
    let mut failed = 0;
    loop {
        let overdue = services.store.overdue_messages(now, SHARE).await?;
        let turn = futures::stream::iter(overdue).map(|overdue| fail(services, overdue, now)).buffer_unordered(AT_ONCE);
        let moved = turn.try_fold(0, |moved, ended| async move { Ok(moved + u64::from(ended)) }).await?;
        if moved == 0 {
            return Ok(failed);
        }
        failed += moved;
    }
}

async fn fail(services: &Services, Overdue { row, given_up, doubtful }: Overdue, at: Timestamp) -> Result<bool, store::Error> {
    let outcome = if given_up { unlinked(doubtful) } else { expired(doubtful) };
    let change = StatusChange { id: row.id.clone(), outcome: outcome.clone(), at };
    match services.store.fail_message(&row.account, &change).await {
        Ok(true) => {
            services.outcomes.report(&row.id, outcome);
            services.meter.sends.expired.one();
            Ok(true)
        }
        Ok(false) => Ok(false),
        // Its own fault: the others end all the same.
        Err(store::Error::Corrupt(why)) => {
            tracing::error!(message = %row.id, why, "a message whose time is over cannot be failed");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn expired(doubtful: bool) -> Outcome {
    Outcome::failure(ErrorCode::MessageSendingFailed, "WhatsApp did not acknowledge the message in time", doubtful)
}

/// What becomes of a message whose account the session does not have any more. `doubtful` where a try of it may have reached WhatsApp.
pub fn unlinked(doubtful: bool) -> Outcome {
    let reason = "the session was unlinked or deleted before WhatsApp acknowledged the message";
    Outcome::failure(ErrorCode::SessionDisconnected, reason, doubtful)
}
