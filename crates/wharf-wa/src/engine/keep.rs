//! Which sessions are started without being asked for: at first all that are linked, from then on those that nobody runs.
//!
//! A session is nobody's where its owner gave it up, died, or came back under another id, and where this process owns it and has no task
//! for it. Several processes may look at the same time: the take of a session lets one of them win.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use wharf_api::ids::SessionId;
use wharf_api::types::session::SessionStatus;
use wharf_core::engine::{Engine as _, Error};
use wharf_core::session::refusal;
use wharf_core::store;

use super::WaEngine;
use crate::backend;

/// How long a session holds its place among those that connect.
const START_LIMIT: Duration = Duration::from_secs(15);
/// The pause before a session is tried again while the database is away.
const START_PAUSE: Duration = Duration::from_secs(2);
/// How often it is looked for sessions that nobody runs.
const PERIOD: Duration = Duration::from_secs(5);

impl WaEngine {
    /// Starts the linked sessions, and then those that nobody runs. Never ends.
    pub async fn keep_linked(self: &Arc<Self>) {
        loop {
            match self.start_linked().await {
                Ok(sessions) => break tracing::info!(sessions, "the linked sessions were started"),
                Err(error) => tracing::error!(%error, "the linked sessions could not be read; they are read again"),
            }
            tokio::time::sleep(START_PAUSE).await;
        }
        loop {
            tokio::time::sleep(PERIOD).await;
            match self.start_unowned().await {
                Ok(0) => {}
                Ok(sessions) => tracing::info!(sessions, "sessions that nobody ran were started"),
                Err(error) => tracing::warn!(%error, "sessions that nobody runs could not be looked for"),
            }
        }
    }

    /// Starts every session that has a link, a bounded number at a time, and ends when each is connected or had its
    /// chance. Tells how many were started. One that is banned for a while is left alone until that is over.
    pub async fn start_linked(self: &Arc<Self>) -> Result<usize, store::Error> {
        let (sessions, now) = (self.ctx.store.list_linked_sessions().await?, self.ctx.clock.now());
        let mut sessions: Vec<_> = sessions.into_iter().filter(|row| !refusal::is_barred(row, now)).map(|row| row.id).collect();
        // A death between the keys of a new link and the row that tells of it leaves a device that is linked and nobody runs.
        for session in self.ctx.store.list_sessions_in_pairing().await? {
            if backend::is_linked(&*self.ctx.store, &self.ctx.seal, &session).await? {
                sessions.push(session);
            }
        }
        Ok(self.start_all(sessions).await)
    }

    /// The same for the linked sessions that no living process owns, and for those whose ban is over.
    async fn start_unowned(&self) -> Result<usize, store::Error> {
        let now = self.ctx.clock.now();
        // A task that ends while the rows are read leaves a row that says so, and the next look sees it.
        let ran: HashSet<SessionId> = self.sessions().iter().filter(|(_, it)| !it.ended.is_cancelled()).map(|(id, _)| id.clone()).collect();
        let mut sessions = self.ctx.store.list_unattended_sessions(&self.ctx.config.node, now).await?;
        let banned = self.ctx.store.list_banned_sessions(now).await?;
        sessions.extend(banned.into_iter().filter(|row| refusal::is_over(row, now)).map(|row| row.id));
        sessions.retain(|session| !ran.contains(session) && self.running(session).is_none());
        Ok(self.start_all(sessions).await)
    }

    async fn start_all(&self, sessions: Vec<SessionId>) -> usize {
        futures::stream::iter(sessions)
            .map(|session| async move { self.start_one(&session).await })
            .buffer_unordered(self.ctx.config.start_concurrency.max(1))
            .filter(|started| std::future::ready(*started))
            .count()
            .await
    }

    async fn start_one(&self, session: &SessionId) -> bool {
        tokio::time::sleep(self.ctx.jitter(self.ctx.config.start_stagger)).await;
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

    /// Forgets a session that another process runs: its row tells of it from now on.
    async fn leave(&self, session: &SessionId) {
        let Some(handle) = self.sessions().get(session).cloned() else { return };
        // The task is at its end, unless somebody has started another one.
        let _ = tokio::time::timeout(START_PAUSE, handle.ended.cancelled()).await;
        let mut sessions = self.sessions();
        if sessions.get(session).is_some_and(|handle| handle.ended.is_cancelled()) {
            sessions.remove(session);
        }
    }
}
