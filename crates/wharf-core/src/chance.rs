//! The port for chance: identifiers, secrets, jitter.

use std::time::Duration;

use wharf_api::ids::{AccountId, EventId, KeyId, LoginId, MediaId, MessageId, SessionId, UserId, WebhookId};

/// Where the rules get what must not be guessed or must not repeat.
pub trait Chance: Send + Sync + 'static {
    /// Fills `bytes` from a generator that is fit for keys.
    fn fill(&self, bytes: &mut [u8]);

    /// A fresh UUID of version 7.
    fn uuid(&self) -> wharf_api::ids::Uuid;
}

impl dyn Chance {
    pub fn account_id(&self) -> AccountId {
        AccountId::from_uuid(self.uuid())
    }

    pub fn session_id(&self) -> SessionId {
        SessionId::from_uuid(self.uuid())
    }

    pub fn message_id(&self) -> MessageId {
        MessageId::from_uuid(self.uuid())
    }

    pub fn media_id(&self) -> MediaId {
        MediaId::from_uuid(self.uuid())
    }

    pub fn webhook_id(&self) -> WebhookId {
        WebhookId::from_uuid(self.uuid())
    }

    pub fn user_id(&self) -> UserId {
        UserId::from_uuid(self.uuid())
    }

    pub fn login_id(&self) -> LoginId {
        LoginId::from_uuid(self.uuid())
    }

    pub fn event_id(&self) -> EventId {
        EventId::from_uuid(self.uuid())
    }

    /// Eight characters out of 62, for the public part of a key.
    pub fn key_id(&self) -> KeyId {
        KeyId::from_bare(&self.base62(KeyId::LEN)).expect("base62 makes alphanumeric characters only")
    }

    /// A pause from nothing up to `bound`: what fell together does not come back together.
    pub fn up_to(&self, bound: Duration) -> Duration {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        bound.mul_f64(f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)).min(bound)
    }

    /// `len` characters out of 62, each equally likely.
    pub fn base62(&self, len: usize) -> String {
        const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut text = String::with_capacity(len);
        let mut bytes = [0_u8; 64];
        while text.len() < len {
            self.fill(&mut bytes);
            // 248 = 4 × 62: bytes above it would favour the first characters.
            text.extend(bytes.iter().filter(|b| **b < 248).take(len - text.len()).map(|b| char::from(ALPHABET[usize::from(b % 62)])));
        }
        text
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    #[expect(clippy::disallowed_methods, reason = "this is the port that everything else draws through")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::Rng::fill_bytes(&mut rand::rng(), bytes);
    }

    #[expect(clippy::disallowed_methods, reason = "this is the port that everything else draws through")]
    fn uuid(&self) -> wharf_api::ids::Uuid {
        wharf_api::ids::Uuid::now_v7()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws the same bytes each time.
    struct Always([u8; 4]);

    impl Chance for Always {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0);
        }

        fn uuid(&self) -> wharf_api::ids::Uuid {
            wharf_api::ids::Uuid::nil()
        }
    }

    fn drawn(bytes: [u8; 4], bound: Duration) -> Duration {
        let chance: &dyn Chance = &Always(bytes);
        chance.up_to(bound)
    }

    #[test]
    fn a_drawn_pause_reaches_from_nothing_to_its_bound() {
        let bound = Duration::from_secs(7);
        assert_eq!((drawn([0; 4], bound), drawn([255; 4], bound)), (Duration::ZERO, bound));
    }

    proptest::proptest! {
        #[test]
        fn a_drawn_pause_lies_within_its_bound_and_grows_with_what_was_drawn(
            millis in 0_u64..400_000_000_000,
            one in 0_u32..=u32::MAX,
            other in 0_u32..=u32::MAX,
        ) {
            let bound = Duration::from_millis(millis);
            let (least, most) = (drawn(one.min(other).to_be_bytes(), bound), drawn(one.max(other).to_be_bytes(), bound));
            proptest::prop_assert!(least <= most && most <= bound, "{least:?} {most:?} of {bound:?}");
        }
    }
}
