//! How the process stands with WhatsApp: what several sessions were told alike holds for all, and one of them tries for all.
//!
//! A session that is refused for a reason that no try of its own can mend waits here. Every few minutes one of those that wait has
//! its turn. What one account was told alone holds for nobody else.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use wharf_api::Timestamp;
use wharf_api::ids::SessionId;
use wharf_api::types::session::WaitingFor;

/// How many sessions must agree before a verdict is everybody's.
const AGREEING: usize = 3;
/// How long a verdict of overload is remembered that nobody else has met.
const MEMORY: Duration = Duration::from_mins(2);
/// How often one of those that wait tries: for another version, and for less of a crowd.
const TURN: Duration = Duration::from_mins(10);
const OVERLOAD_TURN: Duration = Duration::from_mins(1);

/// A refusal that a session remembers: the version that it claimed, and the release before which that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Knocked {
    pub(crate) revision: u32,
    release: u64,
}

#[derive(Default)]
struct Agreement {
    against: HashSet<SessionId>,
    shared: bool,
    at: Option<Timestamp>,
}

#[derive(Default)]
struct StandingState {
    /// Of clients that claimed `revision`.
    outdated: Agreement,
    revision: u32,
    overload: Agreement,
    next_turn: Option<Timestamp>,
}

#[derive(Default)]
pub(crate) struct Standing {
    state: Mutex<StandingState>,
    /// Counts how often all that waited were let go.
    release: watch::Sender<u64>,
    turns: Notify,
    waiting: AtomicUsize,
}

/// Somebody waits, as long as it lives.
pub(crate) struct Waiting<'standing>(&'standing AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Standing {
    fn state(&self) -> std::sync::MutexGuard<'_, StandingState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.release.subscribe()
    }

    /// A session was refused for the version that it claimed.
    pub(crate) fn outdated(&self, session: &SessionId, revision: u32, now: Timestamp) -> Knocked {
        let mut state = self.state();
        if state.revision != revision {
            (state.revision, state.outdated) = (revision, Agreement::default());
        }
        state.outdated.add(session, now);
        Knocked { revision, release: *self.release.borrow() }
    }

    /// A session was refused because there is too much of everything; tells whether that is everybody's verdict.
    pub(crate) fn overloaded(&self, session: &SessionId, now: Timestamp) -> bool {
        let overload = &mut self.state().overload;
        if !overload.shared && overload.at.is_some_and(|at| now > at + MEMORY) {
            *overload = Agreement::default();
        }
        overload.add(session, now);
        overload.shared
    }

    /// A session was let in. Where the verdict was everybody's, or it was this session's turn, all may try.
    pub(crate) fn accepted(&self, revision: u32, had_turn: bool) {
        let mut state = self.state();
        let outdated = revision >= state.revision && (state.outdated.shared || (had_turn && !state.outdated.against.is_empty()));
        if outdated {
            state.outdated = Agreement::default();
        }
        let overload = std::mem::take(&mut state.overload).shared;
        drop(state);
        if outdated || overload {
            self.state().next_turn = None;
            self.release.send_modify(|release| *release += 1);
        }
    }

    /// What keeps a session from trying; `knocked` is what it was told itself.
    pub(crate) fn bars(&self, revision: u32, knocked: Option<Knocked>) -> Option<WaitingFor> {
        let state = self.state();
        let own = knocked.is_some_and(|knocked| knocked.revision == revision && knocked.release == *self.release.borrow());
        if own || (state.outdated.shared && state.revision == revision) {
            return Some(WaitingFor::ClientUpdate);
        }
        state.overload.shared.then_some(WaitingFor::Overload)
    }

    /// Counts the caller among those that wait. The first of them begins the time to the next turn.
    pub(crate) fn wait(&self, now: Timestamp) -> Waiting<'_> {
        let mut state = self.state();
        let due = now + state.pause();
        state.next_turn.get_or_insert(due);
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Waiting(&self.waiting)
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Ends when it is the caller's turn, whoever else waits.
    pub(crate) async fn turn(&self) {
        self.turns.notified().await;
    }

    /// When somebody tries next.
    pub(crate) fn next_turn(&self) -> Option<Timestamp> {
        self.state().next_turn.filter(|_| self.waiting() > 0)
    }

    /// Gives one of those that wait its turn, when it is time. The time stays while the one that has its turn tries.
    pub(crate) fn tick(&self, now: Timestamp) {
        let mut state = self.state();
        if self.waiting() > 0 && state.next_turn.is_some_and(|turn| turn <= now) {
            state.next_turn = Some(now + state.pause());
            self.turns.notify_one();
        }
    }
}

impl StandingState {
    fn pause(&self) -> Duration {
        if self.outdated.against.is_empty() { OVERLOAD_TURN } else { TURN }
    }
}

impl Agreement {
    fn add(&mut self, session: &SessionId, now: Timestamp) {
        self.against.insert(session.clone());
        self.at = Some(now);
        self.shared |= self.against.len() >= AGREEING;
    }
}

#[cfg(test)]
mod tests;
