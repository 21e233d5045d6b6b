//! Identifiers: a prefix that tells the kind, then a UUID of version 7 in hexadecimal.

use std::fmt;

use serde::{Deserialize, Serialize};
pub use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            pub fn from_uuid(uuid: uuid::Uuid) -> Self {
                Self(format!(concat!($prefix, "{}"), uuid.simple()))
            }

            /// The id that `text` spells, or `None` where no id of this kind can look like that.
            pub fn parse(text: &str) -> Option<Self> {
                let hex = text.strip_prefix($prefix)?;
                let well_formed = hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
                well_formed.then(|| Self(text.to_owned()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// An account: the tenant that everything else belongs to.
    AccountId,
    "acc_"
);
id!(
    /// A session: one WhatsApp account linked to Wharf.
    SessionId,
    "ses_"
);
id!(
    /// A message, sent or received.
    MessageId,
    "msg_"
);
id!(
    /// A file that belongs to a message, or will.
    MediaId,
    "med_"
);
id!(
    /// An entry of the event log.
    EventId,
    "evt_"
);
id!(
    /// A webhook: where events are delivered.
    WebhookId,
    "whk_"
);
id!(
    /// One event on its way to one webhook. Carries the event's own digits: a webhook gets an event in one delivery.
    DeliveryId,
    "dlv_"
);
id!(
    /// A user: somebody who signs in with a name and a password.
    UserId,
    "usr_"
);
id!(
    /// A log-in: one browser in which a user is signed in.
    LoginId,
    "lgn_"
);
id!(
    /// One request, as `X-Request-Id` names it.
    RequestId,
    "req_"
);

impl EventId {
    /// The first id that an event written at `at` or later can have: ids grow with the time of writing.
    pub fn first_at(at: crate::Timestamp) -> Self {
        Self(format!("{}{}", Self::PREFIX, first_digits_at(at)))
    }
}

impl MessageId {
    /// The first id that a message can have whose id was made at `at` or later.
    pub fn first_at(at: crate::Timestamp) -> Self {
        Self(format!("{}{}", Self::PREFIX, first_digits_at(at)))
    }
}

/// The digits of the first UUID of that time.
fn first_digits_at(at: crate::Timestamp) -> String {
    let millis = u128::from(u64::try_from(at.as_millis()).unwrap_or(0)) & 0xffff_ffff_ffff;
    format!("{:032x}", millis << 80)
}

impl DeliveryId {
    pub fn of(event: &EventId) -> Self {
        Self(format!("{}{}", Self::PREFIX, &event.as_str()[EventId::PREFIX.len()..]))
    }

    /// The event that is delivered.
    pub fn event(&self) -> EventId {
        EventId(format!("{}{}", EventId::PREFIX, &self.0[Self::PREFIX.len()..]))
    }
}

/// The public part of an API key: `key_` and the eight characters that also stand inside the key itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    pub const PREFIX: &'static str = "key_";
    /// How many characters follow the prefix.
    pub const LEN: usize = 8;

    /// From the bare eight characters that stand in a key.
    pub fn from_bare(bare: &str) -> Option<Self> {
        (bare.len() == Self::LEN && bare.bytes().all(|b| b.is_ascii_alphanumeric())).then(|| Self([Self::PREFIX, bare].concat()))
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::from_bare(text.strip_prefix(Self::PREFIX)?)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The eight characters without the prefix.
    pub fn bare(&self) -> &str {
        &self.0[Self::PREFIX.len()..]
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_kind_or_shape_is_no_id() {
        let id = SessionId::from_uuid(uuid::Uuid::from_u128(7));
        assert_eq!(SessionId::parse(id.as_str()), Some(id.clone()));
        assert_eq!(MessageId::parse(id.as_str()), None);
        assert_eq!(SessionId::parse("ses_"), None);
        assert_eq!(SessionId::parse(&id.as_str().to_uppercase()), None);
        assert_eq!(SessionId::parse("ses_0000000000000000000000000000000g"), None);
    }

    #[test]
    fn a_delivery_is_named_after_its_event() {
        let event = EventId::from_uuid(uuid::Uuid::from_u128(7));
        assert_eq!(DeliveryId::of(&event).as_str(), "dlv_00000000000000000000000000000007");
        assert_eq!(DeliveryId::of(&event).event(), event);
    }

    #[test]
    fn an_events_id_tells_when_it_was_written() {
        let at = crate::Timestamp::from_millis(1_795_400_000_123);
        let id = EventId::first_at(at);
        assert_eq!(EventId::parse(id.as_str()), Some(id.clone()));
        let written = |millis: u64, rest: u64| {
            let uuid = u128::from(millis) << 80 | 0x7 << 76 | 0x2 << 62 | u128::from(rest);
            EventId::from_uuid(uuid::Uuid::from_u128(uuid))
        };
        assert!(written(1_795_400_000_122, 0xffff) < id && id < written(1_795_400_000_123, 0));
        assert_eq!(MessageId::first_at(at).as_str()[MessageId::PREFIX.len()..], id.as_str()[EventId::PREFIX.len()..]);
        assert_eq!(MessageId::parse(MessageId::first_at(at).as_str()), Some(MessageId::first_at(at)));
    }

    #[test]
    fn a_key_id_carries_the_eight_characters_of_the_key() {
        assert_eq!(KeyId::from_bare("Ab3dEf9h").unwrap().as_str(), "key_Ab3dEf9h");
        assert_eq!(KeyId::parse("key_Ab3dEf9h").unwrap().bare(), "Ab3dEf9h");
        assert_eq!(KeyId::parse("key_Ab3dEf9"), None);
        assert_eq!(KeyId::parse("key_Ab3dEf9-"), None);
    }
}
