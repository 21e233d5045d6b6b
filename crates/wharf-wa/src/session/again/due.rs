//! When it is time for a look at what stays unreadable.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::look;
use crate::session::attendance::Attendance;
use crate::task;

/// How far apart two looks lie while something stays unreadable; and while nothing does.
const EVERY: Duration = Duration::from_mins(1);
const SELDOM: Duration = Duration::from_mins(5);

impl Attendance<'_> {
    /// Looks for messages that are to be asked for again, once a minute; more seldom after a look that found none, until one comes:
    /// thousands of sessions need not ask the database every minute.
    pub(in crate::session) fn look_for_unread(&mut self) {
        if !self.connection.connected || !self.connection.caught_up {
            return;
        }
        let again = &mut self.life.again;
        let now = self.own.ctx.clock.now();
        let every = if self.own.none_unread.load(Ordering::Relaxed) { SELDOM } else { EVERY };
        if again.looked_at.is_some_and(|at| now < at + every) {
            return;
        }
        again.looked_at = Some(now);
        let (own, client, asked) = (Arc::clone(self.own), Arc::clone(&self.running.client), Arc::clone(&again.asked));
        task::spawn(async move {
            // Before the look: what comes while it is under way takes this back.
            own.none_unread.store(true, Ordering::Relaxed);
            let found = look(&own, &client, &asked, now).await;
            if !matches!(found, Ok(false)) {
                own.none_unread.store(false, Ordering::Relaxed);
            }
            if let Err(error) = found {
                tracing::debug!(%error, "what could not be read was not asked for again");
            }
        });
    }
}
