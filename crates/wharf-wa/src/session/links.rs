//! What the session shows of its link, and what it writes down of it.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;
use wharf_api::ids::SessionId;
use wharf_api::types::session::{DisconnectReason, SessionStatus};
use wharf_core::engine::{Link, QrCode};
use wharf_core::session::events::status_changed;
use wharf_core::store::{self, LinkChange};
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
    unrecorded: VecDeque<LinkChange>,
}

impl Links {
    pub(super) fn new(session: SessionId, shown: Arc<watch::Sender<Link>>) -> Self {
        Self { session, shown, unrecorded: VecDeque::new() }
    }

    /// Shows a status without writing it down.
    pub(super) fn show(&self, status: SessionStatus, jid: Option<String>) {
        self.shown.send_replace(Link { status, reason: None, qr: None, jid });
    }

    /// Shows a QR code and announces it.
    pub(super) async fn qr(&mut self, own: &Own, qr: QrCode) {
        self.shown.send_replace(Link { status: SessionStatus::Qr, reason: None, qr: Some(qr.clone()), jid: None });
        self.record(own, SessionStatus::Qr, None, Some(&qr), Account::default(), false).await;
    }

    /// Shows a status of a linked session and writes it down.
    pub(super) async fn linked(&mut self, own: &Own, status: SessionStatus, account: Account) {
        self.show(status, account.jid.clone());
        self.record(own, status, None, None, account, false).await;
    }

    /// Shows that there is no working link and writes that down. `unlink` forgets whose it was.
    pub(super) async fn ended(&mut self, own: &Own, status: SessionStatus, reason: Option<DisconnectReason>, unlink: bool) {
        let jid = self.shown.borrow().jid.clone().filter(|_| !unlink);
        self.shown.send_replace(Link { status, reason, qr: None, jid });
        self.record(own, status, reason, None, Account::default(), unlink).await;
    }

    /// Whether the store knows all that counts.
    pub(super) fn is_recorded(&self) -> bool {
        self.unrecorded.is_empty()
    }

    /// Writes down what could not be written before.
    pub(super) async fn catch_up(&mut self, own: &Own) {
        while let Some(change) = self.unrecorded.front() {
            match own.vault.notice(own.ctx.store.record_link(own.fence(), change).await) {
                Ok(()) => drop(self.unrecorded.pop_front()),
                Err(store::Error::Unavailable(_)) => return,
                Err(error) => {
                    tracing::warn!(session = %own.session(), %error, "a change of a link was not recorded");
                    self.unrecorded.clear();
                }
            }
        }
    }

    async fn record(
        &mut self,
        own: &Own,
        status: SessionStatus,
        reason: Option<DisconnectReason>,
        qr: Option<&QrCode>,
        account: Account,
        unlink: bool,
    ) {
        if self.unrecorded.len() >= UNRECORDED {
            self.unrecorded.pop_front();
        }
        self.unrecorded.push_back(LinkChange {
            status,
            reason,
            jid: account.jid,
            lid: account.lid,
            push_name: account.push_name,
            unlink,
            at: own.ctx.clock.now(),
            events: status_changed(&self.session, status, reason, qr),
        });
        self.catch_up(own).await;
    }
}
