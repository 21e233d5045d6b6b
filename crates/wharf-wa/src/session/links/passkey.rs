//! The ceremony with a passkey, as the session shows it and as its events tell it.

use wharf_api::Timestamp;
use wharf_api::types::passkey::PasskeyFailure;
use wharf_api::types::session::{Refusal, SessionStatus, WaitingFor};
use wharf_core::engine::{Ceremony, Link};
use wharf_core::session::events::{link_changed, passkey_failed, passkey_step};

use super::super::Own;
use super::{Account, Links};

/// What stands in the row of a session while a ceremony runs: whoever finds it there knows that nobody saw the end.
const UNDER_WAY: u16 = 102;
const UNDER_WAY_TEXT: &str = "the passkey was asked for, and the attempt did not come to its end";

/// How a ceremony ended without a link.
#[derive(Debug)]
pub(in crate::session) struct Failed {
    pub(in crate::session) failure: PasskeyFailure,
    /// WhatsApp's number, where it gave one.
    pub(in crate::session) code: Option<u16>,
    pub(in crate::session) text: String,
}

impl Failed {
    pub(in crate::session) fn new(failure: PasskeyFailure, text: impl Into<String>) -> Self {
        Self { failure, code: None, text: text.into() }
    }

    /// In WhatsApp's numbers where it gave none itself.
    fn code(&self) -> u16 {
        self.code.unwrap_or(match self.failure {
            PasskeyFailure::Refused => 403,
            PasskeyFailure::Expired => 408,
            PasskeyFailure::CodeMismatch => 409,
            PasskeyFailure::ConnectionLost => 410,
            PasskeyFailure::Interrupted => 499,
            PasskeyFailure::SwitchedOff => 423,
        })
    }
}

impl Links {
    /// Shows a step of the ceremony. There is no QR code meanwhile: it was scanned.
    pub(in crate::session) async fn passkey(&mut self, own: &Own, ceremony: Ceremony) {
        let before = self.shown();
        let begins = before.passkey.is_none();
        let mut events = vec![passkey_step(&self.session, &ceremony)];
        let link = Link { qr: None, waiting: Some((WaitingFor::Passkey, ceremony.since)), passkey: Some(ceremony), ..before };
        if begins {
            events.push(link_changed(&self.session, &link));
        }
        let stored = Link { refusal: Some(under_way(own)), ..link.clone() };
        Box::pin(self.push(own, stored, Account::default(), false, events)).await;
        self.shown.send_replace(link);
    }

    /// When the step that runs is given up.
    pub(in crate::session) fn passkey_until(&self) -> Option<Timestamp> {
        self.shown.borrow().passkey.as_ref().map(|ceremony| ceremony.expires_at)
    }

    /// The phone links the device: nobody is waited for any more.
    pub(in crate::session) fn passkey_done(&self) {
        self.shown.send_modify(|link| {
            link.waiting = None;
            link.passkey = None;
        });
    }

    /// Shows that it ended without a link. Fresh QR codes follow.
    pub(in crate::session) async fn passkey_failed(&mut self, own: &Own, failed: &Failed) {
        let refusal = Refusal { code: failed.code(), text: Some(failed.text.clone()), at: own.ctx.clock.now(), until: None };
        self.pairing = Some(refusal.clone());
        let link = Link { refusal: Some(refusal), ..Link::new(SessionStatus::Starting) };
        let events = vec![passkey_failed(&self.session, failed.failure, &failed.text), link_changed(&self.session, &link)];
        Box::pin(self.push(own, link.clone(), Account::default(), false, events)).await;
        self.shown.send_replace(link);
    }

    /// Tells of a ceremony that an earlier process began and nobody ended, and shows what an earlier one was refused.
    pub(in crate::session) async fn recall(&mut self, own: &Own) {
        if self.shown.borrow().refusal.is_some() || !self.is_recorded() {
            // This process saw the end itself.
            return;
        }
        let row = own.ctx.store.find_session(&own.fence().account, own.session()).await;
        let refusal = match row {
            Ok(row) => row.and_then(|row| row.refusal),
            Err(error) if error.is_for_later() => return,
            Err(error) => return tracing::warn!(%error, "what the session was refused could not be read"),
        };
        match refusal {
            Some(refusal) if refusal.code == UNDER_WAY => {
                let text = "the session was restarted, or its process ended, before the passkey had confirmed the link";
                self.passkey_failed(own, &Failed::new(PasskeyFailure::Interrupted, text)).await;
            }
            refusal => {
                self.pairing.clone_from(&refusal);
                self.shown.send_modify(|link| link.refusal = refusal);
            }
        }
    }
}

fn under_way(own: &Own) -> Refusal {
    Refusal { code: UNDER_WAY, text: Some(UNDER_WAY_TEXT.to_owned()), at: own.ctx.clock.now(), until: None }
}
