//! What the client's events mean for the session.

use std::time::Duration;

use tokio::time::Instant;
use wacore::types::events::{Event, PairingQrCode};
use wharf_api::types::session::{DisconnectReason, SessionStatus};
use wharf_core::engine::QrCode;

use super::attendance::Attendance;
use super::away::is_phone;
use super::end::End;
use super::links::Account;
use super::receipts::Kept;
use super::verdicts::RefusedLink;
use super::{online, pairing, timelock};

/// A code on the phone may be typed until it expires; a little later nobody will.
const PAIR_CODE_GRACE: Duration = Duration::from_secs(5);
/// A connection that held so long is a good one.
const STEADY: Duration = Duration::from_secs(30);

impl Attendance<'_> {
    /// Takes in one event; tells whether and how the client ends with it.
    pub(super) async fn on_event(&mut self, event: &Event) -> Option<End> {
        match event {
            Event::PairingQrCode(qr) => {
                self.on_admitted();
                self.on_qr(qr).await;
            }
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
                self.pairing.qr_exhausted = true;
            }
            Event::PairingCode(code) => {
                self.pairing.code_shown = true;
                self.pairing_until = Some(Instant::now() + code.timeout + PAIR_CODE_GRACE);
            }
            Event::PairingCodeError(error) => self.on_code_refused(error).await,
            Event::PairingCodeRefresh(_) => self.on_code_void().await,
            Event::QrScannedWithoutMultidevice(_) => {
                self.on_pairing_refused(0, "the phone is too old for linked devices; update WhatsApp on it").await;
            }
            Event::PairSuccess(success) => {
                self.pairing_until = None;
                self.on_passkey_done();
                self.own.awaits_history.change(|awaits| *awaits = true);
                let account = Account {
                    jid: Some(success.id.to_non_ad_string()),
                    lid: Some(success.lid.to_non_ad_string()).filter(|lid| lid.ends_with("@lid") && !lid.starts_with('@')),
                    push_name: None,
                };
                self.life.links.linked(self.own, SessionStatus::Connecting, account).await;
            }
            Event::PairError(error) => {
                if self.life.links.passkey_until().is_some() {
                    return self.on_passkey_error(&error.error).await;
                }
                let (code, text) = pairing::in_words(&error.error);
                self.on_pairing_refused(code, text).await;
            }
            // With a new name the library announces the session, and so it does at each login.
            Event::SelfPushNameUpdated(_) => online::settle(self.own, &self.running.client, true),
            // The library has kept what matters of it: tokens, salt, names. The messages are nobody's business.
            Event::HistorySync(_) => {
                self.own.awaits_history.change(|awaits| *awaits = false);
            }
            Event::MexNotification(notice) => {
                if let Some(word) = timelock::read(notice) {
                    self.own.timelock.put(word);
                    self.pump();
                }
            }
            Event::Connected(_) => {
                self.settings_are(false).await;
                self.on_connected().await;
            }
            Event::AppStateSyncFailed(failed) => self.on_settings_failed(failed).await,
            Event::OfflineSyncCompleted(_) => {
                self.connection.caught_up = true;
                self.usable.caught_up(self.connection.connected);
                self.pump();
            }
            Event::Disconnected(_) => {
                let cut = self.on_lost_socket().await;
                return self.on_closed().await.or(cut);
            }
            Event::RawNode(node) => {
                let verdict = RefusedLink::of_stream(node.get(), self.own.ctx.clock.now())?;
                return self.on_refusal(verdict).await;
            }
            Event::Presence(update) => {
                let clock = &self.own.ctx.clock;
                self.own.ctx.presences.told(self.own.session(), update, clock.now(), clock.steady());
            }
            Event::ChatPresence(update) => self.own.ctx.presences.typing(self.own.session(), update, self.own.ctx.clock.steady()),
            _ => return self.on_verdict(event).await,
        }
        None
    }

    /// Takes in a receipt; its acknowledgement goes out when its row is written.
    pub(super) fn on_receipt(&mut self, event: &Event, kept: Option<Kept>) {
        let Event::Receipt(receipt) = event else { return };
        if is_phone(&receipt.source.sender, &self.own_users) {
            self.own.away.heard();
        }
        self.life.receipts.add(self.own, receipt, &self.own_users, kept);
    }

    /// Events after which the library does not connect again by itself.
    async fn on_verdict(&mut self, event: &Event) -> Option<End> {
        if let Some(verdict) = RefusedLink::of(event, self.own.ctx.clock.now()) {
            return self.on_refusal(verdict).await;
        }
        match event {
            Event::LoggedOut(_) => Some(End::LoggedOut),
            // The node before has not noticed yet that it lost the session; it gives up at its own conflict.
            Event::StreamReplaced(_) if self.life.took_over_lately() => Some(End::Broken),
            // The client that replaced ours holds no lease, for the vault is still ours: two programs use the same keys.
            Event::StreamReplaced(_) => Some(End::Lost(DisconnectReason::Conflict)),
            Event::ClientOutdated(_) => Some(self.on_outdated()),
            _ => None,
        }
    }

    /// Marks the connection as one that can be used, and lets out what waited for it.
    pub(super) async fn on_connected(&mut self) {
        online::settle(self.own, &self.running.client, false);
        self.connection.connected = true;
        self.on_admitted();
        self.own.ctx.presences.forget_asked(self.own.session());
        self.connection.since.get_or_insert_with(Instant::now);
        let account = Account::of(&self.running.client);
        self.own_users = account.users();
        self.life.links.linked(self.own, SessionStatus::Connected, account).await;
        self.pump();
    }

    /// Forgets earlier failures once a connection has held: one that breaks as soon as it is there shows nothing.
    pub(super) fn forgive(&mut self) {
        if self.connection.since.take().is_some_and(|since| since.elapsed() >= STEADY) {
            self.life.failures = 0;
        }
    }

    async fn on_qr(&mut self, qr: &PairingQrCode) {
        if self.life.links.passkey_until().is_some() {
            return;
        }
        self.pairing.qr_exhausted = false;
        self.pairing.first_qr.get_or_insert_default().send_replace(true);
        let qr = QrCode { text: pairing::for_the_camera(&qr.code), expires_at: self.own.ctx.clock.now() + qr.timeout };
        self.life.links.qr(self.own, qr).await;
    }

    /// Marks the connection as gone, by the library's word or because it opens another socket.
    pub(super) async fn on_lost_socket(&mut self) -> Option<End> {
        self.connection.caught_up = false;
        self.forgive();
        self.usable.until = None;
        if let Some(first_qr) = &self.pairing.first_qr {
            first_qr.send_replace(false);
        }
        self.tokens.gone.cancel();
        if std::mem::take(&mut self.connection.connected) {
            self.own.ctx.meter().sockets_lost.one();
            self.life.links.linked(self.own, SessionStatus::Reconnecting, Account::of(&self.running.client)).await;
        }
        self.on_passkey_cut().await
    }
}
