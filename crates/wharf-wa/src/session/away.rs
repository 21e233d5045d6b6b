//! Whether the account's own phone is there. WhatsApp unlinks the devices of a phone that stayed away for fourteen days, without a word
//! before.
//!
//! What tells it: the phone gets a copy of whatever the session sends and says so (`sender` receipts), it says what its person reads, and
//! it sends itself. So what counts is the oldest message that the server took and after which nothing was heard of the phone. A session
//! that sends nothing learns nothing: silence alone proves no absence, and nobody is warned by it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use wacore_binary::Jid;
use wharf_api::Timestamp;
use wharf_api::time::days;
use wharf_api::types::session::Degradation;

use super::Own;
use super::attendance::Attendance;
use crate::vault::Vault;

/// From when on a phone counts as away. Four days are left then.
const AWAY: Duration = days(10);
/// What is younger is not written down: the phone's word mostly comes at once.
const FRESH: Duration = Duration::from_hours(1);
const SPACE: &str = "phone_missed";
const KEY: &str = "self";

#[derive(Default)]
struct Missed {
    /// When the server took the first message after which nothing was heard of the phone.
    since: Option<Timestamp>,
    written: Option<Timestamp>,
}

#[derive(Default)]
pub(crate) struct Away(Mutex<Missed>);

impl Away {
    fn missed(&self) -> std::sync::MutexGuard<'_, Missed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server took a message, of which the phone gets a copy.
    pub(super) fn asked(&self, now: Timestamp) {
        self.missed().since.get_or_insert(now);
    }

    /// The phone said something.
    pub(super) fn heard(&self) {
        self.missed().since = None;
    }

    /// Since when the phone is missed.
    fn since(&self) -> Option<Timestamp> {
        self.missed().since
    }

    /// What the process before knew.
    pub(super) async fn load(&self, own: &Own) {
        match own.vault.get(SPACE, KEY).await {
            Ok(plain) => {
                let written = plain.and_then(|plain| serde_json::from_slice(&plain).ok()).map(Timestamp::from_millis);
                *self.missed() = Missed { since: written, written };
            }
            Err(error) => tracing::debug!(%error, "it could not be read since when the phone is missed"),
        }
    }

    /// Writes down what the next process must know.
    async fn keep(&self, own: &Own) {
        let (since, written) = {
            let missed = self.missed();
            (missed.since, missed.written)
        };
        let now = own.ctx.clock.now();
        let worth = since.filter(|since| now >= *since + FRESH);
        if worth == written {
            return;
        }
        let change = match worth {
            Some(since) => own.vault.put(SPACE, KEY, since.as_millis().to_string().as_bytes()),
            None => Vault::delete(SPACE, KEY),
        };
        match own.vault.apply(vec![change]).await {
            Ok(()) => self.missed().written = worth,
            Err(error) => tracing::debug!(%error, "it was not written down since when the phone is missed"),
        }
    }
}

/// Whether this is the phone of the account that goes by these users.
pub(super) fn is_phone(sender: &Jid, own_users: &[String]) -> bool {
    sender.device == 0 && own_users.iter().any(|user| *user == sender.user_base())
}

impl Attendance<'_> {
    /// Warns of a phone that is missed for long, once, and takes that back when it is there again.
    pub(super) async fn look_for_phone(&mut self) {
        let away = &self.own.away;
        away.keep(self.own).await;
        if !self.connection.connected || !self.connection.caught_up {
            return;
        }
        let now = self.own.ctx.clock.now();
        let missed = away.since().is_some_and(|since| now >= since + AWAY);
        let shown = self.life.links.shown().degraded == Some(Degradation::PhoneAway);
        if missed && !shown {
            self.own.ctx.meter().phones_away.one();
            tracing::warn!("the phone was not heard of for ten days; WhatsApp unlinks after fourteen");
            self.life.links.degraded(self.own, Some(Degradation::PhoneAway)).await;
        } else if shown && !missed {
            self.life.links.degraded(self.own, None).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn the_oldest_message_without_a_word_of_the_phone_counts_and_any_word_ends_it() {
        let away = Away::default();
        assert_eq!(away.since(), None);
        away.asked(AT);
        away.asked(AT.plus_millis(5));
        assert_eq!(away.since(), Some(AT));
        away.heard();
        assert_eq!(away.since(), None);
        away.asked(AT.plus_millis(9));
        assert_eq!(away.since(), Some(AT.plus_millis(9)));
    }

    #[test]
    fn another_device_of_the_account_and_another_persons_phone_are_not_the_phone() {
        let own = ["15550000001".to_owned(), "42".to_owned()];
        let sender = |text: &str| text.parse::<Jid>().unwrap();
        assert!(is_phone(&sender("15550000001@s.whatsapp.net"), &own));
        assert!(is_phone(&sender("42@lid"), &own));
        assert!(!is_phone(&sender("15550000001:3@s.whatsapp.net"), &own));
        assert!(!is_phone(&sender("15550000002@s.whatsapp.net"), &own));
    }
}
