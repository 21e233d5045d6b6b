//! Wakes sessions that have queued messages: a lost wake-up costs a few seconds, never a message.

use std::time::Duration;

use wharf_core::{Services, store};

/// One query for the whole process, or a few; sessions without messages cost nothing.
pub(super) const PERIOD: Duration = Duration::from_secs(5);
/// How many sessions one query tells.
const SESSIONS: u32 = 10_000;

pub(super) async fn run(services: &Services) -> Result<(), store::Error> {
    let mut after = None;
    loop {
        let mut part = services.store.sessions_with_queued(after.as_ref(), SESSIONS).await?;
        for (account, session) in &part {
            // Whoever has the others looks as well.
            if services.engine.runs(session) {
                services.engine.wake(account, session);
            }
        }
        let is_last = part.len() < SESSIONS as usize;
        after = part.pop().map(|(_, session)| session);
        if is_last {
            return Ok(());
        }
    }
}
