//! Links that WhatsApp wants confirmed with a passkey: from its question to the phone's link, or to the words for why there is none.
//!
//! The library keeps an attempt's secrets in the client and cannot take one back: after each end without a link the client is built
//! anew and shows fresh QR codes. Nothing of an attempt is kept before the phone has linked the device.

pub(crate) mod act;
pub(crate) mod qr_clock;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use wacore::types::events::PairPasskeyConfirmation;
use wharf_api::types::passkey::{PasskeyFailure, PasskeyStep};
use wharf_api::types::switches::Feature;
use wharf_core::engine::{Ceremony, Error, Signed};
use whatsapp_rust::passkey::{Assertion, PasskeyError, build_webauthn_assertion_json};

use super::attendance::Attendance;
use super::client::Signal;
use super::end::End;
use super::links::passkey::Failed;
use crate::task;

use act::Answered;
pub(crate) use act::{Act, Reply};

/// How long the owner has to sign where WhatsApp does not say; and the least and the most that is believed.
const DEFAULT: Duration = Duration::from_mins(5);
const LEAST: Duration = Duration::from_mins(1);
const MOST: Duration = Duration::from_mins(10);
/// What later steps get at the least, however long the one before took.
const NEXT: Duration = Duration::from_mins(3);
/// How long the phone may take to link the device after the codes were compared.
const LINKING: Duration = Duration::from_mins(1);
/// How long WhatsApp may take to answer a step.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// How often the gateway's clock is looked at meanwhile.
const LOOK: Duration = Duration::from_secs(1);

impl Attendance<'_> {
    fn ceremony(&self) -> Option<Ceremony> {
        self.life.links.shown().passkey
    }

    /// WhatsApp wants the link confirmed with a passkey.
    pub(super) async fn on_passkey_asked(&mut self, options: &str) -> Option<End> {
        if self.ceremony().is_some_and(|running| running.step != PasskeyStep::Assertion) || self.passkey_busy {
            // The library has an attempt in hand and takes no second one.
            return self.passkey_failed(Failed::new(PasskeyFailure::Refused, "WhatsApp began again while the attempt was under way")).await;
        }
        if self.own.ctx.config.switches.is_off(Feature::Passkey) {
            return self.passkey_failed(switched_off()).await;
        }
        let Ok(options) = serde_json::from_str::<serde_json::Value>(options) else {
            return self.passkey_failed(Failed::new(PasskeyFailure::Refused, "WhatsApp's question cannot be read")).await;
        };
        self.pairing_until = None;
        let now = self.own.ctx.clock.now();
        let wanted = options["timeout"].as_i64().map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or(0)));
        let life = wanted.map_or(DEFAULT, |wanted| wanted.clamp(LEAST, MOST));
        let ceremony =
            Ceremony { step: PasskeyStep::Assertion, options: Arc::new(options), code: None, since: now, expires_at: now + life };
        tracing::info!("WhatsApp asks for a passkey before it links the phone");
        self.life.links.passkey(self.own, ceremony).await;
        None
    }

    /// The phone answered; both sides know the code.
    pub(super) async fn on_passkey_code(&mut self, confirmation: &PairPasskeyConfirmation) -> Option<End> {
        let running = self.ceremony()?;
        self.passkey_step(Ceremony { code: Some(confirmation.code.clone()), ..running }, PasskeyStep::Confirmation, NEXT).await;
        if confirmation.skip_handoff_ux {
            // An earlier link of the same device vouches for this one, and the phone shows no code.
            self.confirm(None);
        }
        None
    }

    pub(super) async fn on_passkey_act(&mut self, act: Act, reply: Reply) -> Option<End> {
        let step = self.ceremony().map(|running| running.step);
        match (act, step) {
            (_, None) => drop(reply.send(Err(Error::NotConnected))),
            (Act::Submit(signed), Some(PasskeyStep::Assertion)) if !self.passkey_busy => self.submit(&signed, reply),
            (Act::Submit(_), _) => drop(reply.send(Err(Error::Conflict("the passkey has signed already")))),
            (Act::Confirm { same: true }, Some(PasskeyStep::Confirmation)) if !self.passkey_busy => self.confirm(Some(reply)),
            (Act::Confirm { same: false }, Some(PasskeyStep::Confirmation)) if !self.passkey_busy => {
                drop(reply.send(Ok(())));
                let text = "the phone showed another code: somebody may stand between it and us, so nothing was linked";
                return self.passkey_failed(Failed::new(PasskeyFailure::CodeMismatch, text)).await;
            }
            (Act::Confirm { .. }, _) => drop(reply.send(Err(Error::Conflict("there is no code to confirm at this step")))),
        }
        None
    }

    fn submit(&mut self, signed: &Signed, reply: Reply) {
        self.passkey_busy = true;
        let json = build_webauthn_assertion_json(
            &signed.credential_id,
            &signed.client_data,
            &signed.authenticator_data,
            &signed.signature,
            signed.user_handle.as_deref(),
        );
        let assertion = Assertion { assertion_json: json, credential_id: signed.credential_id.clone() };
        let (client, signals) = (Arc::clone(&self.running.client), self.running.bell.clone());
        task::spawn(async move {
            let result = tokio::time::timeout(ANSWER_LIMIT, client.send_passkey_response(assertion)).await;
            // The session is gone: nobody cares any more.
            let answered = Answered { step: PasskeyStep::Assertion, result, reply: Some(reply) };
            drop(signals.send(Signal::Passkey(Box::new(answered))));
        });
    }

    fn confirm(&mut self, reply: Option<Reply>) {
        self.passkey_busy = true;
        let (client, signals) = (Arc::clone(&self.running.client), self.running.bell.clone());
        task::spawn(async move {
            let result = tokio::time::timeout(ANSWER_LIMIT, client.send_passkey_confirmation()).await;
            drop(signals.send(Signal::Passkey(Box::new(Answered { step: PasskeyStep::Confirmation, result, reply }))));
        });
    }

    /// WhatsApp answered what was sent, or did not.
    pub(super) async fn on_passkey_answered(&mut self, answered: Answered) -> Option<End> {
        self.passkey_busy = false;
        let Answered { step, result, reply } = answered;
        let tell = |result| {
            if let Some(reply) = reply {
                drop(reply.send(result));
            }
        };
        // The phone may have been quicker than the answer.
        let running = self.ceremony().filter(|running| running.step == step);
        match (result, running) {
            (Ok(Ok(())), running) => {
                if let Some(running) = running {
                    let (next, life) = match step {
                        PasskeyStep::Assertion => (PasskeyStep::Phone, NEXT),
                        _ => (PasskeyStep::Linking, LINKING),
                    };
                    self.passkey_step(running, next, life).await;
                }
                tell(Ok(()));
                None
            }
            (_, None) => {
                tell(Err(Error::NotConnected));
                None
            }
            // Nothing came of it: the owner may sign once more.
            (Err(_), Some(_)) if step == PasskeyStep::Assertion => {
                tell(Err(Error::Timeout));
                None
            }
            (Err(_), Some(_)) => {
                tell(Err(Error::Timeout));
                self.passkey_failed(Failed::new(PasskeyFailure::Expired, "WhatsApp did not answer the confirmation")).await
            }
            (Ok(Err(error)), Some(_)) => {
                let failed = refused(&error);
                tell(Err(Error::Refused(failed.text.clone())));
                self.passkey_failed(failed).await
            }
        }
    }

    async fn passkey_step(&mut self, running: Ceremony, step: PasskeyStep, least: Duration) {
        let least = self.own.ctx.clock.now() + least;
        let expires_at = if step == PasskeyStep::Linking { least } else { running.expires_at.max(least) };
        self.life.links.passkey(self.own, Ceremony { step, expires_at, ..running }).await;
    }

    /// The library gave the attempt up.
    pub(super) async fn on_passkey_error(&mut self, text: &str) -> Option<End> {
        let failed = Failed { code: wa_code(text), ..Failed::new(PasskeyFailure::Refused, in_words(text)) };
        self.passkey_failed(failed).await
    }

    /// The connection that a ceremony needs is gone. Nothing to do where none runs.
    pub(super) async fn on_passkey_cut(&mut self) -> Option<End> {
        self.ceremony()?;
        if self.running.is_linked() {
            // WhatsApp ends the connection on which it linked the device, and that may be heard before the link is.
            self.on_passkey_done();
            return None;
        }
        self.passkey_failed(Failed::new(
            PasskeyFailure::ConnectionLost,
            "the connection was lost before the passkey had confirmed the link",
        ))
        .await
    }

    /// Ends a ceremony whose switch was turned off meanwhile. Once the codes are compared the phone may have linked the device already:
    /// that goes to its end.
    pub(super) async fn on_passkey_switch(&mut self) -> Option<End> {
        let running = self.ceremony().filter(|_| self.own.ctx.config.switches.is_off(Feature::Passkey))?;
        let compared = running.step == PasskeyStep::Linking || (running.step == PasskeyStep::Confirmation && self.passkey_busy);
        if compared { None } else { self.passkey_failed(switched_off()).await }
    }

    /// The phone links the device.
    pub(super) fn on_passkey_done(&self) {
        self.life.links.passkey_done();
        self.own.qr_clock.hold(false);
    }

    /// When the gateway's clock is to be looked at next.
    pub(super) fn passkey_look(&self) -> Option<Instant> {
        let left = self.life.links.passkey_until()?.as_millis() - self.own.ctx.clock.now().as_millis();
        Some(Instant::now() + Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(LOOK))
    }

    /// Ends a step that took too long.
    pub(super) async fn on_passkey_look(&mut self) -> Option<End> {
        let running = self.ceremony()?;
        if self.own.ctx.clock.now() < running.expires_at {
            return None;
        }
        let text = match running.step {
            PasskeyStep::Assertion => "nobody signed with the passkey in time",
            PasskeyStep::Phone => "WhatsApp took what was signed, and the phone did not answer in time",
            PasskeyStep::Confirmation => "nobody compared the codes in time",
            PasskeyStep::Linking | PasskeyStep::Failed => "the phone did not link the device in time",
        };
        self.passkey_failed(Failed::new(PasskeyFailure::Expired, text)).await
    }

    /// Says so and has the client built anew, for fresh QR codes.
    pub(super) async fn passkey_failed(&mut self, failed: Failed) -> Option<End> {
        tracing::info!(reason = failed.failure.as_str(), "a link by passkey came to nothing");
        self.life.links.passkey_failed(self.own, &failed).await;
        // It is no fault of the client: the next one comes at once.
        self.life.failures = 0;
        Some(End::Broken)
    }
}

fn switched_off() -> Failed {
    Failed::new(
        PasskeyFailure::SwitchedOff,
        "WhatsApp asks this account for a passkey, and the operator has switched links by passkey off; accounts without one can be linked",
    )
}

fn refused(error: &PasskeyError) -> Failed {
    let text = error.to_string();
    Failed { code: wa_code(&text), ..Failed::new(PasskeyFailure::Refused, in_words(&text)) }
}

/// WhatsApp's number, which the library hands on within a sentence only.
fn wa_code(text: &str) -> Option<u16> {
    let (_, after) = text.split_once("code=")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The library's sentence names its own steps; what a customer has from it is WhatsApp's word.
fn in_words(text: &str) -> String {
    let word = text.split_once("text='").and_then(|(_, after)| after.split_once('\'')).map(|(word, _)| word);
    match (word, wa_code(text)) {
        (Some(word), _) if !word.is_empty() => format!("WhatsApp refused: {word}"),
        (_, Some(code)) => format!("WhatsApp refused with code {code}"),
        _ => "WhatsApp or the phone broke the attempt off".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_and_the_word_of_a_refusal_are_read_from_the_library_s_sentence() {
        let error =
            whatsapp_rust::request::IqError::ServerError { code: 403, text: "not-authorized".to_owned(), error_type: None, backoff: None };
        let failed = refused(&PasskeyError::Flow(format!("passkey_prologue iq failed: {error}")));
        assert_eq!((failed.code, failed.text.as_str()), (Some(403), "WhatsApp refused: not-authorized"));
        let bare = refused(&PasskeyError::Flow("a passkey link is already in progress".to_owned()));
        assert_eq!((bare.code, bare.text.as_str()), (None, "WhatsApp or the phone broke the attempt off"));
    }
}
