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
use wharf_core::session::user_part;
use wharf_core::store::{LinkChange, NewEvent};
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

    /// The users that the account goes by.
    pub(super) fn users(&self) -> Vec<String> {
        [&self.jid, &self.lid].into_iter().flatten().map(|jid| user_part(jid).to_owned()).collect()
    }
}

/// The session's link: what counts of it is written down first and shown then, so that whoever sees a change finds its event. What
/// the store cannot take now is shown all the same, and written later.
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
        self.shown.send_replace(self.under(status, jid));
    }

    fn under(&self, status: SessionStatus, jid: Option<String>) -> Link {
        let link = self.shown();
        let degraded = lasting(&link);
        if status == SessionStatus::Connected {
            return Link { jid, degraded, ..Link::new(status) };
        }
        // A session that was turned away says so while it is tried again.
        let reason = link.reason.filter(|reason| *reason == DisconnectReason::Refused && link.refusal.is_some());
        Link { jid, reason, waiting: link.waiting, refusal: link.refusal, degraded, ..Link::new(status) }
    }

    /// Shows a QR code and announces it.
    pub(super) async fn qr(&mut self, own: &Own, qr: QrCode) {
        let link = Link { qr: Some(qr), refusal: self.pairing.clone(), ..Link::new(SessionStatus::Qr) };
        self.record(own, link, Account::default(), false).await;
    }

    /// Shows a status of a linked session and writes it down.
    pub(super) async fn linked(&mut self, own: &Own, status: SessionStatus, account: Account) {
        self.pairing = None;
        let link = self.under(status, account.jid.clone());
        self.record(own, link, account, false).await;
    }

    /// Shows that there is no working link and writes that down. `unlink` forgets whose it was.
    pub(super) async fn ended(&mut self, own: &Own, status: SessionStatus, reason: Option<DisconnectReason>, unlink: bool) {
        let link = self.end_of(status, reason, unlink);
        self.record(own, link, Account::default(), unlink).await;
    }

    /// Shows that there is no working link, without writing it down.
    pub(super) fn show_end(&self, status: SessionStatus, reason: Option<DisconnectReason>, unlink: bool) {
        self.shown.send_replace(self.end_of(status, reason, unlink));
    }

    fn end_of(&self, status: SessionStatus, reason: Option<DisconnectReason>, unlink: bool) -> Link {
        let Link { jid, refusal, .. } = self.shown();
        Link { reason, jid: jid.filter(|_| !unlink), refusal, ..Link::new(status) }
    }

    /// Shows that the session waits for the end of a pause, under the status that it has meanwhile. One event tells of both.
    pub(super) async fn paused(&mut self, own: &Own, status: SessionStatus, jid: Option<String>, since: Timestamp) {
        let waiting = Some((WaitingFor::Pause, since));
        let before = self.shown();
        if (before.status, before.waiting) != (status, waiting) {
            self.tell(own, Link { jid, waiting, refusal: before.refusal, ..Link::new(status) }).await;
        }
    }

    /// Hears of every change.
    pub(super) fn watch(&self) -> watch::Receiver<Link> {
        self.shown.subscribe()
    }

    /// Shows what the session waits for, or that the wait is over. One event tells of each.
    pub(super) async fn wait_for(&mut self, own: &Own, waiting: Option<WaitingFor>) {
        let before = self.shown();
        if before.waiting.map(|(waiting, _)| waiting) != waiting {
            let now = own.ctx.clock.now();
            self.tell(own, Link { waiting: waiting.map(|waiting| (waiting, now)), ..before }).await;
        }
    }

    /// Shows what WhatsApp refused and writes it down. The same refusal again is no news.
    pub(super) async fn refused(&mut self, own: &Own, refusal: Refusal) {
        let before = self.shown();
        self.tell_refusal(own, before, refusal).await;
    }

    /// Shows and writes down the refusal of a session that is tried again although nobody says that it helps.
    pub(super) async fn turned_away(&mut self, own: &Own, refusal: Refusal) {
        let before = Link { reason: Some(DisconnectReason::Refused), ..self.shown() };
        self.tell_refusal(own, before, refusal).await;
    }

    async fn tell_refusal(&mut self, own: &Own, before: Link, refusal: Refusal) {
        let known = before.refusal.as_ref().is_some_and(|known| (known.code, known.until) == (refusal.code, refusal.until));
        let link = Link { refusal: Some(refusal), ..before };
        if known {
            self.shown.send_replace(link);
        } else {
            self.tell(own, link).await;
        }
    }

    /// Shows and writes down the refusal of a try to pair: it stays shown beside the next QR code.
    pub(super) async fn pairing_refused(&mut self, own: &Own, refusal: Refusal) {
        self.pairing = Some(refusal.clone());
        self.refused(own, refusal).await;
    }

    /// Shows a refusal that is told with the next change of the link.
    pub(super) fn note(&self, refusal: Refusal) {
        self.shown.send_modify(|link| link.refusal = Some(refusal));
    }

    /// Shows what does not work although the session is connected.
    pub(super) async fn degraded(&mut self, own: &Own, degraded: Option<Degradation>) {
        let before = self.shown();
        if before.degraded != degraded {
            self.tell(own, Link { degraded, ..before }).await;
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
                Err(error) if error.is_for_later() => return,
                Err(error) => {
                    tracing::warn!(%error, "a change of a link was not recorded");
                    self.unrecorded.clear();
                }
            }
        }
        // Room for the next change is made when there is one: that is seldom.
        self.unrecorded.shrink_to_fit();
    }

    /// Writes down a link whose status may be new, and shows it.
    async fn record(&mut self, own: &Own, link: Link, account: Account, unlink: bool) {
        let events = status_changed(&self.session, &link);
        Box::pin(self.push(own, link.clone(), account, unlink, events)).await;
        self.shown.send_replace(link);
    }

    /// Writes down a link whose status was told of before, and shows it.
    async fn tell(&mut self, own: &Own, link: Link) {
        let events = vec![link_changed(&self.session, &link)];
        Box::pin(self.push(own, link.clone(), Account::default(), false, events)).await;
        self.shown.send_replace(link);
    }

    /// Its future is large, and a task has room for the largest that it ever waits for: whoever calls this boxes it.
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
