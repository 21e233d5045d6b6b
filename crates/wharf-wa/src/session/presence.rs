//! What sessions were told of people's presence. In memory only: it is stale within minutes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use wacore::types::events::{ChatPresenceUpdate, PresenceUpdate};
use wacore::types::presence::{ChatPresence, ChatPresenceMedia};
use wharf_api::Timestamp;
use wharf_api::ids::SessionId;
use wharf_api::types::chat::{PresenceStatus, TypingStatus};
use wharf_api::types::contact::Presence;

/// Phones show typing this long after the last word of it.
const TYPING: Duration = Duration::from_secs(25);
/// How long what was asked of a person is not asked again.
const ASKED_FOR: Duration = Duration::from_secs(10);
/// People remembered per session.
const KEPT: usize = 10_000;

#[derive(Clone, Default)]
struct PersonState {
    state: Option<PresenceStatus>,
    last_seen_at: Option<Timestamp>,
    /// By the steady clock: nobody types for a day because the other one was set.
    typing: Option<(TypingStatus, Timestamp)>,
    /// When typing was over, by the same clock: a message came, or the person is not there any more.
    ended: Option<Timestamp>,
}

#[derive(Default)]
struct OfSession {
    people: HashMap<String, PersonState>,
    /// People whose presence was asked for, and when last.
    asked: HashMap<String, Instant>,
}

#[derive(Default)]
pub(crate) struct Presences {
    sessions: Mutex<HashMap<SessionId, OfSession>>,
    /// Rung when a session was told something.
    told: Notify,
}

impl Presences {
    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, OfSession>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, session: &SessionId, person: &str, change: impl FnOnce(&mut PersonState)) {
        let mut sessions = self.sessions();
        let of = sessions.entry(session.clone()).or_default();
        if of.people.len() >= KEPT {
            of.people.clear();
        }
        change(of.people.entry(person.to_owned()).or_default());
    }

    /// `steady` is the steady clock's `now`.
    pub(super) fn told(&self, session: &SessionId, update: &PresenceUpdate, now: Timestamp, steady: Timestamp) {
        self.change(session, &update.from.to_non_ad_string(), |known| {
            if update.unavailable {
                known.ended = Some(steady);
            }
            let state = if update.unavailable { PresenceStatus::Unavailable } else { PresenceStatus::Available };
            known.state = Some(state);
            let seen = update.last_seen.map(|at| Timestamp::from_millis(at.timestamp_millis()));
            known.last_seen_at = if update.unavailable { seen.or(known.last_seen_at) } else { Some(now) };
        });
        self.told.notify_waiters();
    }

    /// `now` by the steady clock.
    pub(super) fn typing(&self, session: &SessionId, update: &ChatPresenceUpdate, now: Timestamp) {
        self.change(session, &update.source.sender.to_non_ad_string(), |known| {
            known.typing = match (update.state, update.media) {
                (ChatPresence::Paused, _) => None,
                (ChatPresence::Composing, ChatPresenceMedia::Audio) => Some((TypingStatus::Recording, now)),
                (ChatPresence::Composing, ChatPresenceMedia::Text) => Some((TypingStatus::Typing, now)),
            };
        });
    }

    /// A message came: whoever wrote it does not type it any more. `now` by the steady clock.
    pub(super) fn wrote(&self, session: &SessionId, names: [Option<&str>; 2], now: Timestamp) {
        let mut sessions = self.sessions();
        let Some(of) = sessions.get_mut(session) else { return };
        for name in names.into_iter().flatten() {
            if let Some(known) = of.people.get_mut(name) {
                known.ended = Some(now);
            }
        }
    }

    /// Whether WhatsApp has to be asked for the person. Who is there all the time is told of changes; who is not asks anew, though not
    /// for each request.
    pub(crate) fn ask(&self, session: &SessionId, person: &str, stays: bool) -> bool {
        let mut sessions = self.sessions();
        let asked = &mut sessions.entry(session.clone()).or_default().asked;
        let now = Instant::now();
        match asked.get(person) {
            Some(at) if stays || now.duration_since(*at) < ASKED_FOR => false,
            _ => {
                asked.insert(person.to_owned(), now);
                true
            }
        }
    }

    /// Ends when a session is told something.
    pub(crate) fn next_told(&self) -> impl Future<Output = ()> + '_ {
        let mut told = Box::pin(self.told.notified());
        told.as_mut().enable();
        told
    }

    /// A new connection has to ask anew.
    pub(super) fn forget_asked(&self, session: &SessionId) {
        if let Some(of) = self.sessions().get_mut(session) {
            of.asked.clear();
        }
    }

    /// What is known under one of the names of a person, `now` by the steady clock.
    pub(crate) fn of(&self, session: &SessionId, names: &[String], now: Timestamp) -> Presence {
        let sessions = self.sessions();
        let people = sessions.get(session).map(|of| &of.people);
        let (mut presence, mut typing, mut ended) = (Presence::default(), None, None);
        for known in names.iter().filter_map(|name| people?.get(name)) {
            presence.status = presence.status.or(known.state);
            presence.last_seen_at = presence.last_seen_at.or(known.last_seen_at);
            ended = ended.max(known.ended);
            let fresh = known.typing.filter(|(_, at)| now < *at + TYPING);
            typing = typing.or(fresh);
        }
        presence.typing = typing.filter(|(_, at)| ended.is_none_or(|ended| ended < *at)).map(|(state, _)| state);
        presence
    }
}
