//! The port for chance: identifiers, secrets, jitter.

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
