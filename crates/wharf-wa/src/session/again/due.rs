//! When it is time for a look at what stays unreadable.

use std::sync::Arc;
use std::time::Duration;

use super::look;
use crate::session::attendance::Attendance;
use crate::task;

/// How far apart two looks lie.
const EVERY: Duration = Duration::from_mins(1);

impl Attendance<'_> {
    /// Looks for messages that are to be asked for again, once a minute.
    pub(in crate::session) fn look_for_unread(&mut self) {
        if !self.connection.connected || !self.connection.caught_up {
            return;
        }
        let again = &mut self.life.again;
        let now = self.own.ctx.clock.now();
        if again.looked_at.is_some_and(|at| now < at + EVERY) {
            return;
        }
        again.looked_at = Some(now);
        let (own, client, asked) = (Arc::clone(self.own), Arc::clone(&self.running.client), Arc::clone(&again.asked));
        task::spawn(async move {
            if let Err(error) = look(&own, &client, &asked, now).await {
                tracing::debug!(%error, "what could not be read was not asked for again");
            }
        });
    }
}
