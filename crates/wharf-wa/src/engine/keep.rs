//! Which sessions are started without being asked for: at first all that are linked, from then on those that nobody runs.
//!
//! A session is nobody's where its owner gave it up, died, or came back under another id, and where this process owns it and has no task
//! for it. Several processes may look at the same time: the take of a session lets one of them win.

use std::collections::HashSet;
use std::time::Duration;

use futures::StreamExt;
use tokio::time::MissedTickBehavior;
use wharf_api::ids::SessionId;
use wharf_api::types::session::SessionStatus;
use wharf_core::engine::{Engine as _, Error};
use wharf_core::placement::{Everything, Placement};
use wharf_core::session::refusal;
use wharf_core::store::{self, SessionRow};

use super::WaEngine;
use crate::backend;

/// How long a session holds its place among those that connect.
const START_LIMIT: Duration = Duration::from_secs(15);
/// The pause before a session is tried again while the database is away.
const START_PAUSE: Duration = Duration::from_secs(2);
/// How often it is looked for sessions that nobody runs.
const PERIOD: Duration = Duration::from_secs(5);

impl WaEngine {
    /// Starts the linked sessions, and then those that nobody runs; of both those that are not for other processes. Never ends.
    pub async fn keep_linked(&self, placement: &dyn Placement) {
        loop {
            match self.start_linked_of(placement).await {
                Ok(sessions) => break tracing::info!(sessions, "the linked sessions were started"),
                Err(error) => tracing::error!(%error, "the linked sessions could not be read; they are read again"),
            }
            tokio::time::sleep(START_PAUSE).await;
        }
        loop {
            tokio::time::sleep(PERIOD).await;
            // Without a lease nothing is kept that is taken, and it would only be kept from others.
            self.ctx.config.lease.good().await;
            match self.start_unowned(placement).await {
                Ok(0) => {}
                Ok(sessions) => tracing::info!(sessions, "sessions that nobody ran were started"),
                Err(error) => tracing::warn!(%error, "sessions that nobody runs could not be looked for"),
            }
        }
    }

    /// Starts every session that has a link, a bounded number at a time, and ends when each is connected or had its
    /// chance. Tells how many were started. One that is banned for a while is left alone until that is over.
    pub async fn start_linked(&self) -> Result<usize, store::Error> {
        self.start_linked_of(&Everything).await
    }

    async fn start_linked_of(&self, placement: &dyn Placement) -> Result<usize, store::Error> {
        let (sessions, now) = (self.ctx.store.list_linked_sessions().await?, self.ctx.clock.now());
        // Trying those that a living node has would only keep that node's own writes waiting.
        let free: HashSet<SessionId> = self.ctx.store.list_unattended_sessions(&self.ctx.config.node, now).await?.into_iter().collect();
        let is_free =
            |row: &SessionRow| matches!(row.status, SessionStatus::Disconnected | SessionStatus::Stopped) || free.contains(&row.id);
        let mut sessions: Vec<_> =
            sessions.into_iter().filter(|row| is_free(row) && !refusal::is_barred(row, now)).map(|row| row.id).collect();
        // A death between the keys of a new link and the row that tells of it leaves a device that is linked and nobody runs.
        for session in self.ctx.store.list_sessions_in_pairing().await? {
            if backend::is_linked(&*self.ctx.store, &self.ctx.seal, &session).await? {
                sessions.push(session);
            }
        }
        let others = self.for_others(placement).await?;
        sessions.retain(|session| !others.contains(session));
        // A process that begins keeps nobody waiting but its own sessions.
        Ok(self.start_all(sessions, Duration::ZERO).await)
    }

    /// Starts the linked sessions that no living process owns, and those whose ban is over.
    async fn start_unowned(&self, placement: &dyn Placement) -> Result<usize, store::Error> {
        let now = self.ctx.clock.now();
        // A task that ends while the rows are read leaves a row that says so, and the next look sees it.
        let ran: HashSet<SessionId> = self.sessions().iter().filter(|(_, it)| !it.ended.is_cancelled()).map(|(id, _)| id.clone()).collect();
        let mut sessions = self.ctx.store.list_unattended_sessions(&self.ctx.config.node, now).await?;
        let banned = self.ctx.store.list_banned_sessions(now).await?;
        sessions.extend(banned.into_iter().filter(|row| refusal::is_over(row, now)).map(|row| row.id));
        sessions.retain(|session| !ran.contains(session) && self.running(session).is_none());
        if sessions.is_empty() {
            return Ok(0);
        }
        let others = self.for_others(placement).await?;
        sessions.retain(|session| !others.contains(session));
        Ok(self.start_all(sessions, self.ctx.config.takeover_gap).await)
    }

    /// Those that nobody owns and that another process is to begin.
    async fn for_others(&self, placement: &dyn Placement) -> Result<HashSet<SessionId>, store::Error> {
        // No process is called so: what this one owns it begins itself.
        let mut nobodys = self.ctx.store.list_unattended_sessions("", self.ctx.clock.now()).await?;
        nobodys.retain(|session| self.running(session).is_none());
        if nobodys.is_empty() {
            return Ok(HashSet::new());
        }
        let mine: HashSet<SessionId> = placement.mine(nobodys.clone()).await.into_iter().collect();
        Ok(nobodys.into_iter().filter(|session| !mine.contains(session)).collect())
    }

    async fn start_all(&self, sessions: Vec<SessionId>, gap: Duration) -> usize {
        start_each(sessions, gap, self.ctx.config.start_concurrency, |session| async move { self.start_one(&session).await }).await
    }

    async fn start_one(&self, session: &SessionId) -> bool {
        let mut started = self.start(session).await;
        // A database that is away must not leave a session behind.
        while matches!(started, Err(Error::Store(store::Error::Unavailable(_)))) {
            tokio::time::sleep(START_PAUSE).await;
            started = self.start(session).await;
        }
        match started {
            Ok(mut link) => {
                let settled = link.wait_for(|link| !matches!(link.status, SessionStatus::Starting | SessionStatus::Connecting));
                // What does not connect in this time goes on trying.
                let _ = tokio::time::timeout(START_LIMIT, settled).await;
                true
            }
            Err(error @ Error::Conflict(_)) => {
                tracing::info!(%session, %error, "a session was not started");
                self.leave(session).await;
                false
            }
            Err(error) => {
                tracing::warn!(%session, %error, "a session was not started");
                false
            }
        }
    }

    /// Forgets a session that this process does not run any more: its row tells of it from now on.
    pub(super) async fn leave(&self, session: &SessionId) {
        let Some(handle) = self.sessions().get(session).cloned() else { return };
        // The task is at its end, unless somebody has started another one.
        let _ = tokio::time::timeout(START_PAUSE, handle.ended.cancelled()).await;
        let mut sessions = self.sessions();
        if sessions.get(session).is_some_and(|handle| handle.ended.is_cancelled()) {
            sessions.remove(session);
        }
    }
}

/// Starts all, a bounded number at a time and each so long after the one before it. Tells of how many the start went well.
async fn start_each<S, Started>(sessions: Vec<S>, gap: Duration, at_once: usize, start: impl Fn(S) -> Started) -> usize
where
    Started: Future<Output = bool>,
{
    let turns = (!gap.is_zero()).then(|| {
        let mut turns = tokio::time::interval(gap);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::sync::Mutex::new(turns)
    });
    let (turns, start) = (&turns, &start);
    futures::stream::iter(sessions)
        .map(|session| async move {
            if let Some(turns) = turns {
                turns.lock().await.tick().await;
            }
            start(session).await
        })
        .buffer_unordered(at_once.max(1))
        .filter(|started| std::future::ready(*started))
        .count()
        .await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// How many of ten starts are under way while none of them ends.
    async fn under_way(gap: Duration, at_once: usize) -> u32 {
        let begun = &Cell::new(0);
        let starts = start_each((0..10).collect(), gap, at_once, |_: u32| {
            begun.set(begun.get() + 1);
            std::future::pending()
        });
        let looks = async {
            let mut looks = 0;
            while looks < 100 {
                tokio::task::yield_now().await;
                looks += u32::from(begun.get() > 0);
            }
        };
        tokio::select! {
            _ = starts => panic!("they ended"),
            () = looks => begun.get(),
        }
    }

    #[tokio::test]
    async fn a_process_that_begins_starts_as_many_as_may_connect_together_and_one_that_takes_over_one_after_the_other() {
        let hour = Duration::from_hours(1);
        for (gap, at_once, expected) in [(Duration::ZERO, 5, 5), (Duration::ZERO, 0, 1), (hour, 5, 1)] {
            assert_eq!(under_way(gap, at_once).await, expected, "{gap:?}, {at_once} at once");
        }
        let all = start_each((0..10).collect(), Duration::from_millis(1), 5, |number: u32| std::future::ready(number != 3));
        assert_eq!(all.await, 9, "each had its turn, and one was not started");
    }
}
