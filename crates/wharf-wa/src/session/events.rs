//! What the client's events mean for the session.

use std::time::Duration;

use tokio::time::Instant;
use wacore::types::events::{ConnectFailureReason, Event, PairingQrCode};
use wharf_api::types::session::{DisconnectReason, SessionStatus};
use wharf_core::engine::QrCode;

use super::attendance::Attendance;
use super::inbound;
use super::life::End;
use super::links::Account;
use super::{online, timelock};

/// A code on the phone may be typed until it expires; a little later nobody will.
const PAIR_CODE_GRACE: Duration = Duration::from_secs(5);

impl Attendance<'_> {
    /// Takes one event in; tells whether and how the client ends with it.
    pub(super) async fn on_event(&mut self, event: &Event) -> Option<End> {
        match event {
            Event::PairingQrCode(qr) => self.on_qr(qr).await,
            // The last code's time may end in the very moment in which it is scanned.
            Event::PairingQrCodesExhausted(exhausted) if exhausted.disconnected => {
                return self.on_passkey_cut().await.or(Some(End::QrExpired));
            }
            Event::PairPasskeyRequest(asked) => return self.on_passkey_asked(&asked.request_options_json).await,
            Event::PairPasskeyConfirmation(confirmation) => return self.on_passkey_code(confirmation).await,
            Event::PairPasskeyError(error) => return self.on_passkey_error(&error.error).await,
            Event::PairingQrCodesExhausted(_) => {
                // Somebody may be typing a code on this very connection.
                self.pairing_until.get_or_insert_with(Instant::now);
            }
            Event::PairingCode(code) => self.pairing_until = Some(Instant::now() + code.timeout + PAIR_CODE_GRACE),
            Event::PairSuccess(success) => {
                self.pairing_until = None;
                self.own.awaits_history.send_replace(true);
                self.on_passkey_done();
                let account = Account {
                    jid: Some(success.id.to_non_ad_string()),
                    lid: Some(success.lid.to_non_ad_string()).filter(|lid| lid.ends_with("@lid") && !lid.starts_with('@')),
                    push_name: None,
                };
                self.life.links.linked(self.own, SessionStatus::Connecting, account).await;
            }
            Event::PairError(error) => {
                tracing::warn!(session = %self.own.session(), "a pairing failed");
                if self.life.links.passkey_until().is_some() {
                    return self.on_passkey_error(&error.error).await;
                }
            }
            // With a new name the library announces the session, and so it does at each login.
            Event::SelfPushNameUpdated(_) => online::settle(self.own, &self.running.client, true),
            // The library has kept what matters of it: tokens, salt, names. The messages are nobody's business.
            Event::HistorySync(_) => {
                self.own.awaits_history.send_replace(false);
            }
            Event::MexNotification(notice) => {
                if let Some(word) = timelock::read(notice) {
                    self.own.timelock.put(word);
                    self.pump();
                }
            }
            Event::Connected(_) => {
                online::settle(self.own, &self.running.client, false);
                self.connection.connected = true;
                self.own.ctx.presences.forget_asked(self.own.session());
                self.life.failures = 0;
                let account = Account::of(&self.running.client);
                self.own_users = [&account.jid, &account.lid].into_iter().flatten().map(|jid| user(jid)).collect();
                self.life.links.linked(self.own, SessionStatus::Connected, account).await;
                self.pump();
            }
            Event::OfflineSyncCompleted(_) => {
                self.connection.caught_up = true;
                self.pump();
            }
            Event::Disconnected(_) => return self.on_lost_socket().await,
            Event::Receipt(receipt) => self.receipts.add(self.own, receipt, &self.own_users),
            Event::Presence(update) => self.own.ctx.presences.told(self.own.session(), update, self.own.ctx.clock.now()),
            Event::ChatPresence(update) => self.own.ctx.presences.typing(self.own.session(), update, self.own.ctx.clock.now()),
            Event::UndecryptableMessage(message) => inbound::note_undecryptable(self.own, message).await,
            _ => return self.on_verdict(event),
        }
        None
    }

    /// Events after which the library does not connect again by itself.
    fn on_verdict(&mut self, event: &Event) -> Option<End> {
        let session = self.own.session();
        match event {
            Event::LoggedOut(out) if out.reason == ConnectFailureReason::AccountLocked => Some(End::Lost(DisconnectReason::Banned)),
            Event::LoggedOut(_) => Some(End::LoggedOut),
            // Whoever came owns no lease, for the vault is still ours: two programs use the same keys.
            Event::StreamReplaced(_) => Some(End::Lost(DisconnectReason::Conflict)),
            Event::TemporaryBan(_) => Some(End::Lost(DisconnectReason::Banned)),
            Event::ClientOutdated(_) => {
                tracing::error!(%session, "WhatsApp refuses this version of the client: it is too old");
                self.life.failures = self.life.failures.max(SLOW);
                None
            }
            Event::ConnectFailure(failure) => {
                tracing::warn!(%session, code = failure.reason.code(), "WhatsApp refused the connection");
                if !failure.reason.should_reconnect() {
                    self.life.failures = self.life.failures.max(SLOW);
                }
                None
            }
            _ => None,
        }
    }

    async fn on_qr(&mut self, qr: &PairingQrCode) {
        if self.life.links.passkey_until().is_some() {
            return;
        }
        let life_ms = i64::try_from(qr.timeout.as_millis()).unwrap_or(i64::MAX);
        let qr = QrCode { text: qr.code.clone(), expires_at: self.own.ctx.clock.now().plus_millis(life_ms) };
        self.life.links.qr(self.own, qr).await;
    }

    /// The socket is gone, by the library's word or because it opens another one.
    pub(super) async fn on_lost_socket(&mut self) -> Option<End> {
        self.connection.caught_up = false;
        self.tokens.gone.cancel();
        if std::mem::take(&mut self.connection.connected) {
            self.own.ctx.meter().sockets_lost.one();
            self.life.links.linked(self.own, SessionStatus::Reconnecting, Account::of(&self.running.client)).await;
        }
        self.on_passkey_cut().await
    }
}

/// How many failures a refusal counts for: the next try comes after minutes.
const SLOW: u32 = 8;

fn user(jid: &str) -> String {
    wharf_core::session::user_part(jid).to_owned()
}
