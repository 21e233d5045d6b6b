//! Wakes sessions that have queued messages: a lost wake-up costs a few seconds, never a message.

use std::time::Duration;

use wharf_core::{Services, store};

/// One query for the whole process; sessions without messages cost nothing.
pub(super) const PERIOD: Duration = Duration::from_secs(5);
/// How many sessions one run wakes at the most.
const SESSIONS: u32 = 10_000;

pub(super) async fn run(services: &Services) -> Result<(), store::Error> {
    for (account, session) in services.store.sessions_with_queued(SESSIONS).await? {
        // Whoever has the others looks as well.
        if services.engine.runs(&session) {
            services.engine.wake(&account, &session);
        }
    }
    Ok(())
}
