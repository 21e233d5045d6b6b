//! What is known of the links of other nodes' sessions, for as long as somebody here asks.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use wharf_api::Timestamp;
use wharf_api::ids::SessionId;
use wharf_core::engine::Link;

/// A link that nobody has asked for that long is followed no more.
const INTEREST: Duration = Duration::from_secs(30);
/// An owner that is followed says something more often than that. What is older is of a time before this process was frozen.
const FRESH: Duration = Duration::from_secs(5);

struct KnownLink {
    node: String,
    link: watch::Sender<Link>,
    last_seen: Option<Timestamp>,
    asked: Instant,
    told: Instant,
    /// Its owner said it, and is listened to. The others were read in the database, and are old when the request is over.
    heard: bool,
}

/// A link as somebody told it.
pub(crate) struct ToldLink {
    pub(crate) link: Link,
    pub(crate) last_seen: Option<Timestamp>,
    pub(crate) heard: bool,
}

#[derive(Default)]
pub(crate) struct NodeLinks {
    known: Mutex<HashMap<SessionId, KnownLink>>,
}

impl NodeLinks {
    fn known(&self) -> MutexGuard<'_, HashMap<SessionId, KnownLink>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The link, and that somebody has asked for it.
    pub(crate) fn ask(&self, session: &SessionId) -> Option<watch::Receiver<Link>> {
        let mut all = self.known();
        let known = all.get_mut(session)?;
        known.asked = Instant::now();
        Some(known.link.subscribe())
    }

    /// Whether its owner is listened to, and has spoken lately.
    pub(crate) fn is_heard(&self, session: &SessionId, now: Instant) -> bool {
        self.known().get(session).is_some_and(|known| known.heard && now.saturating_duration_since(known.told) < FRESH)
    }

    pub(crate) fn last_seen(&self, session: &SessionId) -> Option<Timestamp> {
        self.known().get(session)?.last_seen
    }

    /// The node that is known to have it.
    pub(crate) fn node(&self, session: &SessionId) -> Option<String> {
        Some(self.known().get(session)?.node.clone())
    }

    /// Whether somebody has asked lately, or waits for a change. Which node has it, and what is known.
    pub(crate) fn wanted(&self, session: &SessionId, now: Instant) -> Option<(String, Link)> {
        let all = self.known();
        let known = all.get(session)?;
        let wanted = now.duration_since(known.asked) < INTEREST || known.link.receiver_count() > 0;
        wanted.then(|| (known.node.clone(), known.link.borrow().clone()))
    }

    /// Takes what is said. True where the session was not known before: somebody has to follow it.
    pub(crate) fn learn(&self, session: &SessionId, node: &str, word: ToldLink) -> bool {
        let ToldLink { link, last_seen, heard } = word;
        let mut all = self.known();
        if let Some(known) = all.get_mut(session) {
            node.clone_into(&mut known.node);
            (known.last_seen, known.heard, known.told) = (last_seen, heard, Instant::now());
            known.link.send_if_modified(|old| {
                let other = *old != link;
                *old = link;
                other
            });
            return false;
        }
        let now = Instant::now();
        let known = KnownLink { node: node.to_owned(), link: watch::Sender::new(link), last_seen, asked: now, told: now, heard };
        all.insert(session.clone(), known);
        true
    }

    /// Its owner cannot be listened to for a while.
    pub(crate) fn doubt(&self, session: &SessionId) {
        if let Some(known) = self.known().get_mut(session) {
            known.heard = false;
        }
    }

    /// Who waits for a change sees that no more will come.
    pub(crate) fn forget(&self, session: &SessionId) {
        self.known().remove(session);
    }
}

#[cfg(test)]
mod tests {
    use wharf_api::types::session::SessionStatus;

    use super::*;

    fn word(status: SessionStatus) -> ToldLink {
        ToldLink { link: Link::new(status), last_seen: None, heard: true }
    }

    fn session() -> SessionId {
        SessionId::parse("ses_01890a5dac96774bbcceb302099a8057").unwrap()
    }

    #[test]
    fn a_link_is_wanted_while_somebody_asks_or_waits() {
        let (links, session) = (NodeLinks::default(), session());
        assert!(links.learn(&session, "a", word(SessionStatus::Starting)));
        assert!(!links.learn(&session, "a", word(SessionStatus::Connected)), "it was known");
        let (now, later) = (Instant::now(), Instant::now() + INTEREST);
        assert!(links.wanted(&session, now).is_some());
        assert!(links.wanted(&session, later).is_none());
        let waits = links.ask(&session).unwrap();
        let later = Instant::now() + INTEREST;
        assert_eq!(waits.borrow().status, SessionStatus::Connected);
        assert!(links.wanted(&session, later).is_some());
        drop(waits);
        assert!(links.wanted(&session, later).is_none());
    }

    #[test]
    fn a_link_in_doubt_stays_known_and_is_not_heard_until_its_owner_speaks() {
        let (links, session) = (NodeLinks::default(), session());
        links.learn(&session, "a", word(SessionStatus::Connected));
        assert!(links.is_heard(&session, Instant::now()));
        links.doubt(&session);
        assert!(!links.is_heard(&session, Instant::now()) && links.ask(&session).is_some());
        links.learn(&session, "b", word(SessionStatus::Connected));
        assert!(links.is_heard(&session, Instant::now()));
        assert!(!links.is_heard(&session, Instant::now() + FRESH), "nobody has spoken for longer than an owner is silent");
        assert_eq!(links.node(&session).as_deref(), Some("b"));
    }
}
