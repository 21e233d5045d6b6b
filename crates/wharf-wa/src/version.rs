//! The version of WhatsApp Web that this process claims to be.
//!
//! WhatsApp refuses versions that are some four months old. So the number is not only built in: it is fetched from WhatsApp's own
//! page, kept in the store for all nodes, and never falls while the process runs. A client gets the number of the moment in which it
//! is built; the library never looks one up itself. What the operator set stands over everything.

pub(crate) mod built_in;
mod claim;
mod fetch;
mod judge;
mod keep;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use wharf_api::Timestamp;
use wharf_api::time::days;
use wharf_api::types::whatsapp::VersionSource;
use wharf_core::store::FetchedVersion;

pub use claim::{Claim, claim};
pub(crate) use fetch::Sources;
pub(crate) use keep::keep;

/// A number that is older than this is not waited with: what is fetched takes its place at once.
const OLD: Duration = days(7);
/// How long a number is looked at before new connections claim it, while the one before it is taken.
const CALM: Duration = days(1);
/// How long a connection waits for a fetch that may bring a better number.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an operator waits for one, and how often it is looked at least whether it is done.
const LONGEST: Duration = Duration::from_secs(15);
const MOMENT: Duration = Duration::from_millis(200);

/// What is known at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownVersion {
    /// What clients that are built now claim.
    pub(crate) revision: u32,
    pub(crate) source: VersionSource,
    /// When that was known to be current.
    pub(crate) current_at: Timestamp,
    /// What was told last, by a page or by another node.
    pub(crate) served: Option<FetchedVersion>,
    /// The highest number that was refused.
    pub(crate) refused: Option<(u32, Timestamp)>,
    pub(crate) expires_at: Option<Timestamp>,
    /// A higher number that is not claimed yet, and since when there is one.
    next: Option<(FetchedVersion, Timestamp)>,
    /// A higher number with which a knock was turned away.
    unfit: Option<u32>,
    /// A fetch is wanted or runs whose number would be claimed at once.
    busy: bool,
}

impl KnownVersion {
    /// Whether WhatsApp refused the very number that is claimed.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused.is_some_and(|(refused, _)| refused >= self.revision)
    }

    /// Whether it is doubtful that the number is still taken.
    fn is_doubtful(&self, now: Timestamp) -> bool {
        self.is_refused() || now > self.current_at + OLD
    }

    /// Whether the number was turned away while the one that is claimed is taken. Once that one is refused, all others are worth a try.
    fn turns_away(&self, revision: u32) -> bool {
        self.unfit == Some(revision) && !self.is_refused()
    }

    /// Claims the higher number from now on, if there is one and it is time.
    fn adopt(&mut self, now: Timestamp) -> bool {
        let Some((next, since)) = self.next else { return false };
        if !self.is_doubtful(now) && now < since + CALM {
            return false;
        }
        (self.revision, self.source, self.current_at, self.next) = (next.revision, next.source, next.at, None);
        true
    }
}

/// The number, watched.
pub(crate) struct WebVersion {
    /// The operator's word.
    pinned: bool,
    known: watch::Sender<KnownVersion>,
    /// Somebody wants a fetch.
    wanted: Notify,
    /// Somebody takes care of fetches.
    kept: AtomicBool,
    /// An operator wants a fetch.
    forced: AtomicBool,
    /// Rung when it was looked whether something is due.
    looked: Notify,
}

impl WebVersion {
    pub(crate) fn new(pinned: Option<u32>, now: Timestamp) -> Self {
        let known = KnownVersion {
            revision: pinned.unwrap_or(built_in::REVISION),
            source: if pinned.is_some() { VersionSource::Setting } else { VersionSource::BuiltIn },
            current_at: if pinned.is_some() { now } else { built_in_as_of() },
            served: None,
            refused: None,
            expires_at: None,
            next: None,
            unfit: None,
            busy: false,
        };
        Self {
            pinned: pinned.is_some(),
            known: watch::Sender::new(known),
            wanted: Notify::new(),
            kept: AtomicBool::new(false),
            forced: AtomicBool::new(false),
            looked: Notify::new(),
        }
    }

    pub(crate) fn known(&self) -> KnownVersion {
        self.known.borrow().clone()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<KnownVersion> {
        self.known.subscribe()
    }

    pub(crate) fn revision(&self) -> u32 {
        self.known.borrow().revision
    }

    /// Waits for a number that a fetch may bring in a moment, if the known one is doubtful; a little, and never in vain for long.
    pub(crate) async fn settle(&self) {
        let _ = tokio::time::timeout(PATIENCE, self.watch().wait_for(|known| !known.busy)).await;
    }

    /// Somebody takes care of fetches from now on, and begins with one.
    pub(crate) fn begin(&self, now: Timestamp) {
        if self.pinned {
            let version = wharf_api::types::whatsapp::spell(self.revision());
            tracing::warn!(version, "the version of WhatsApp Web is set by hand: it grows old, and nothing keeps it current");
        }
        self.kept.store(true, Ordering::SeqCst);
        self.known.send_modify(|known| known.busy = !self.pinned && known.is_doubtful(now));
    }

    /// Asks the pages now, unless that was done a moment ago, and waits for their answer.
    pub(crate) async fn force(&self) {
        if !self.kept.load(Ordering::SeqCst) {
            return;
        }
        self.forced.store(true, Ordering::SeqCst);
        self.wanted.notify_one();
        let done = async {
            while self.forced.load(Ordering::SeqCst) {
                let _ = tokio::time::timeout(MOMENT, self.looked.notified()).await;
            }
        };
        let _ = tokio::time::timeout(LONGEST, done).await;
    }

    /// Has a fetch made soon that a connection may wait for.
    fn want(&self) {
        if self.kept.load(Ordering::SeqCst) {
            self.known.send_modify(|known| known.busy = true);
            self.wanted.notify_one();
        }
    }

    /// WhatsApp refused a client that claimed `revision`.
    pub(crate) fn refuse(&self, revision: u32, now: Timestamp) {
        let mut ask = false;
        self.known.send_modify(|known| {
            let first = known.refused.is_none_or(|(refused, _)| refused < revision);
            if first {
                known.refused = Some((revision, now));
            }
            if !self.pinned && known.is_refused() && !known.adopt(now) {
                ask = first;
            }
        });
        if ask {
            self.want();
        }
    }

    /// The higher number that is not claimed yet: a knock tells whether it is taken.
    fn candidate(&self) -> Option<u32> {
        self.known.borrow().next.filter(|_| !self.pinned).map(|(next, _)| next.revision)
    }

    /// A knock that claimed `revision` was let in: new connections claim it from now on.
    fn prove(&self, revision: u32, now: Timestamp) {
        let proved = self.known.send_if_modified(|known| {
            let Some((next, _)) = known.next.filter(|(next, _)| next.revision == revision) else { return false };
            (known.revision, known.source, known.current_at, known.next) = (next.revision, next.source, now, None);
            true
        });
        if proved {
            tracing::info!(version = revision, "WhatsApp takes a newer version of WhatsApp Web; new connections claim it");
        }
    }

    /// A knock that claimed `revision` was turned away for it: it is not claimed while the one that is claimed is taken.
    fn turn_away(&self, revision: u32) {
        self.known.send_if_modified(|known| {
            known.unfit = Some(revision);
            known.next.take_if(|(next, _)| next.revision == revision).is_some()
        });
        tracing::warn!(version = revision, "WhatsApp turns a newer version of WhatsApp Web away that its page tells of; it is not claimed");
    }

    /// WhatsApp says until when it takes the claimed version.
    pub(crate) fn ends(&self, at: Timestamp) {
        let changed = |known: &mut KnownVersion| known.expires_at.replace(at) != Some(at);
        if self.known.send_if_modified(changed) {
            tracing::warn!(end = %at, "WhatsApp says when it takes this version of the client no more");
        }
    }

    /// Somebody fetched a version: this process or another node.
    fn hear(&self, found: FetchedVersion, now: Timestamp) {
        let mut adopted = false;
        self.known.send_if_modified(|known| {
            let before = known.clone();
            if known.served.is_none_or(|served| served.at <= found.at) {
                known.served = Some(found);
            }
            if !self.pinned {
                if found.revision == known.revision {
                    known.current_at = known.current_at.max(found.at);
                } else if found.revision > known.next.map_or(known.revision, |(next, _)| next.revision) && !known.turns_away(found.revision)
                {
                    let since = known.next.map_or(now, |(_, since)| since);
                    known.next = Some((found, since));
                }
                adopted = known.adopt(now);
            }
            *known != before
        });
        if adopted {
            tracing::info!(
                version = found.revision,
                source = found.source.as_str(),
                "new connections claim a newer version of WhatsApp Web"
            );
        }
    }

    /// Begins with what the store knew: it was claimed before this process began.
    fn begin_with(&self, found: FetchedVersion) {
        self.known.send_modify(|known| {
            known.served = Some(found);
            if !self.pinned && found.revision >= known.revision {
                (known.revision, known.source, known.current_at) = (found.revision, found.source, known.current_at.max(found.at));
            }
        });
    }

    /// Another node saw a refusal.
    fn hear_refusal(&self, refused: (u32, Timestamp), now: Timestamp) {
        self.known.send_if_modified(|known| {
            let news = known.refused.is_none_or(|(known, _)| known < refused.0);
            if news {
                known.refused = Some(refused);
            }
            let adopted = !self.pinned && known.adopt(now);
            news || adopted
        });
    }

    /// Claims what has been looked at for long enough.
    fn ripen(&self, now: Timestamp) {
        if !self.pinned {
            self.known.send_if_modified(|known| known.adopt(now));
        }
    }

    /// No fetch runs any more.
    fn idle(&self) {
        self.known.send_if_modified(|known| std::mem::replace(&mut known.busy, false));
    }
}

/// The day on which the number that is built in was current.
pub(crate) fn built_in_as_of() -> Timestamp {
    Timestamp::from_millis(built_in::AS_OF_SECS * 1000)
}

#[cfg(test)]
mod tests;
