//! What the session shows of its link, and what it writes down of it.

pub(super) mod passkey;

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;
use wharf_api::Timestamp;
use wharf_api::ids::SessionId;
use wharf_api::types::session::{Degradation, DisconnectReason, Refusal, SessionStatus, WaitingFor};
use wharf_core::engine::{Link, QrCode};
use wharf_core::session::events::{link_changed, status_changed};
use wharf_core::store::{self, LinkChange, NewEvent};
use whatsapp_rust::client::Client;

use super::Own;

/// Changes that wait for a database that is away. More than these would only tell of a storm.
const UNRECORDED: usize = 32;

/// The account that a session is linked to.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) jid: Option<String>,
    pub(super) lid: Option<String>,
    pub(super) push_name: Option<String>,
}

impl Account {
    pub(super) fn of(client: &Client) -> Self {
        Self {
            jid: client.pn().map(|jid| jid.to_non_ad_string()),
            lid: client.lid().map(|jid| jid.to_non_ad_string()),
            push_name: Some(client.push_name()).filter(|name| !name.is_empty()),
        }
    }
}

/// The session's link: watchers see every change at once, the store gets those that count.
pub(super) struct Links {
    session: SessionId,
    shown: Arc<watch::Sender<Link>>,
    /// Each with a mark of its own.
    unrecorded: VecDeque<(String, LinkChange)>,
    /// How many changes there were.
    changes: u64,
    /// Why the last try to pair failed, until one succeeds: the next QR code is shown beside it.
    pairing: Option<Refusal>,
}

impl Links {
    pub(super) fn new(session: SessionId, shown: Arc<watch::Sender<Link>>) -> Self {
        Self { session, shown, unrecorded: VecDeque::new(), changes: 0, pairing: None }
    }

    /// Shows a status without writing it down. What the session waits for, and what WhatsApp last refused, stays shown until it is
    /// connected.
    pub(super) fn show(&self, status: SessionStatus, jid: Option<String>) {
        self.shown.send_modify(|link| {
            *link = match status {
                SessionStatus::Connected => Link { jid, degraded: lasting(link), ..Link::new(status) },
                _ => Link {
                    jid,
                    // A session that was turned away says so while it is tried again.
                    reason: link.reason.filter(|reason| *reason == DisconnectReason::Refused && link.refusal.is_some()),
                    waiting: link.waiting,
                    refusal: link.refusal.take(),
                    degraded: lasting(link),
                    ..Link::new(status)
                },
            };
        });
    }

    /// Shows a QR code and announces it.
    pub(super) async fn qr(&mut self, own: &Own, qr: QrCode) {
        self.shown.send_replace(Link { qr: Some(qr), refusal: self.pairing.clone(), ..Link::new(SessionStatus::Qr) });
        self.record(own, Account::default(), false).await;
    }

    /// Shows a status of a linked session and writes it down.
    pub(super) async fn linked(&mut self, own: &Own, status: SessionStatus, account: Account) {
        self.pairing = None;
        self.show(status, account.jid.clone());
        self.record(own, account, false).await;
    }

    /// Shows that there is no working link and writes that down. `unlink` forgets whose it was.
    pub(super) async fn ended(&mut self, own: &Own, status: SessionStatus, reason: Option<DisconnectReason>, unlink: bool) {
        self.show_end(status, reason, unlink);
        self.record(own, Account::default(), unlink).await;
    }

    /// The same without writing it down.
    pub(super) fn show_end(&self, status: SessionStatus, reason: Option<DisconnectReason>, unlink: bool) {
        let jid = self.shown.borrow().jid.clone().filter(|_| !unlink);
        self.shown.send_modify(|link| *link = Link { reason, jid, refusal: link.refusal.take(), ..Link::new(status) });
    }

    /// Shows that the session waits for the end of a pause, under the status that it has meanwhile. One event tells of both.
    pub(super) async fn paused(&mut self, own: &Own, status: SessionStatus, jid: Option<String>, since: Timestamp) {
        let waiting = Some((WaitingFor::Pause, since));
        let changed = self.shown.send_if_modified(|link| {
            let changed = (link.status, link.waiting) != (status, waiting);
            *link = Link { jid, waiting, refusal: link.refusal.take(), ..Link::new(status) };
            changed
        });
        if changed {
            self.tell(own).await;
        }
    }

    /// Hears of every change.
    pub(super) fn watch(&self) -> watch::Receiver<Link> {
        self.shown.subscribe()
    }

    /// Shows what the session waits for, or that the wait is over. One event tells of each.
    pub(super) async fn wait_for(&mut self, own: &Own, waiting: Option<WaitingFor>) {
        let now = own.ctx.clock.now();
        let changed = self.shown.send_if_modified(|link| {
            let changed = link.waiting.map(|(waiting, _)| waiting) != waiting;
            if changed {
                link.waiting = waiting.map(|waiting| (waiting, now));
            }
            changed
        });
        if changed {
            self.tell(own).await;
        }
    }

    /// Shows what WhatsApp refused and writes it down. The same refusal again is no news.
    pub(super) async fn refused(&mut self, own: &Own, refusal: Refusal) {
        let changed = self.shown.send_if_modified(|link| {
            let known = link.refusal.replace(refusal.clone());
            known.is_none_or(|known| (known.code, known.until) != (refusal.code, refusal.until))
        });
        if changed {
            self.tell(own).await;
        }
    }

    /// The same for a session that is tried again although nobody says that it helps.
    pub(super) async fn turned_away(&mut self, own: &Own, refusal: Refusal) {
        self.shown.send_if_modified(|link| link.reason.replace(DisconnectReason::Refused).is_none());
        self.refused(own, refusal).await;
    }

    /// The same for a try to pair: it stays shown beside the next QR code.
    pub(super) async fn pairing_refused(&mut self, own: &Own, refusal: Refusal) {
        self.pairing = Some(refusal.clone());
        self.refused(own, refusal).await;
    }

    /// The same, told with the next change of the link.
    pub(super) fn note(&self, refusal: Refusal) {
        self.shown.send_modify(|link| link.refusal = Some(refusal));
    }

    /// Shows what does not work although the session is connected.
    pub(super) async fn degraded(&mut self, own: &Own, degraded: Option<Degradation>) {
        if self.shown.send_if_modified(|link| std::mem::replace(&mut link.degraded, degraded) != degraded) {
            self.tell(own).await;
        }
    }

    /// The link as it is shown.
    pub(super) fn shown(&self) -> Link {
        self.shown.borrow().clone()
    }

    /// Whether the store knows all that counts.
    pub(super) fn is_recorded(&self) -> bool {
        self.unrecorded.is_empty()
    }

    /// Writes down what could not be written before.
    pub(super) async fn catch_up(&mut self, own: &Own) {
        while let Some((mark, change)) = self.unrecorded.front() {
            match own.vault.notice(own.ctx.store.record_link_once(own.fence(), change, Some(mark)).await) {
                Ok(()) => drop(self.unrecorded.pop_front()),
                Err(store::Error::Unavailable(_)) => return,
                Err(error) => {
                    tracing::warn!(session = %own.session(), %error, "a change of a link was not recorded");
                    self.unrecorded.clear();
                }
            }
        }
    }

    /// Writes down what is shown, under a status that may be new.
    async fn record(&mut self, own: &Own, account: Account, unlink: bool) {
        let link = self.shown();
        let events = status_changed(&self.session, &link);
        self.push(own, link, account, unlink, events).await;
    }

    /// Writes down what is shown, under the status that was told of before.
    async fn tell(&mut self, own: &Own) {
        let link = self.shown();
        let events = vec![link_changed(&self.session, &link)];
        self.push(own, link, Account::default(), false, events).await;
    }

    async fn push(&mut self, own: &Own, link: Link, account: Account, unlink: bool, events: Vec<NewEvent>) {
        if self.unrecorded.len() >= UNRECORDED {
            self.unrecorded.pop_front();
        }
        self.changes += 1;
        // An epoch has one owner, and its numbers grow.
        let mark = format!("{}.{}", own.fence().epoch, self.changes);
        let change = LinkChange {
            status: link.status,
            reason: link.reason,
            refusal: link.refusal,
            jid: account.jid,
            lid: account.lid,
            push_name: account.push_name,
            unlink,
            at: own.ctx.clock.now(),
            events,
        };
        self.unrecorded.push_back((mark, change));
        self.catch_up(own).await;
    }
}

/// What stays true on the next connection.
fn lasting(link: &Link) -> Option<Degradation> {
    link.degraded.filter(|degraded| *degraded == Degradation::PhoneAway)
}
