//! Events: what happened, in the words of the wire.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::Timestamp;
use crate::ids::{AccountId, EventId, SessionId};

macro_rules! event_kinds {
    ($($(#[$doc:meta])* $variant:ident = $wire:literal),+ $(,)?) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind { $($(#[$doc])* $variant),+ }

        impl EventKind {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire),+ }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($wire => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EventKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a kind of event is expected"))
    }
}

event_kinds! {
    MessageReceived = "message.received",
    /// Somebody's status; apart from messages, so that whoever answers those does not answer to everybody.
    StatusReceived = "status.received",
    /// Every change of a status: the umbrella over the next four.
    MessageStatus = "message.status",
    MessageSent = "message.sent",
    MessageDelivered = "message.delivered",
    MessageRead = "message.read",
    MessageFailed = "message.failed",
    MessageReaction = "message.reaction",
    MessageEdited = "message.edited",
    MessageDeleted = "message.deleted",
    PollVote = "poll.vote",
    SessionQr = "session.qr",
    /// A step of the ceremony in which a passkey confirms a link.
    SessionPasskey = "session.passkey",
    SessionConnected = "session.connected",
    SessionDisconnected = "session.disconnected",
    SessionStatus = "session.status",
    GroupUpdated = "group.updated",
    CallReceived = "call.received",
    /// It rings no more: who answered it, if anybody did.
    CallEnded = "call.ended",
    /// Sent to one webhook on request; it stands in no log.
    WebhookTest = "webhook.test",
    /// A webhook was switched off because its server asked for it or failed for days.
    WebhookDisabled = "webhook.disabled",
    /// 80 or 100 per cent of the day's messages are used; once a day each.
    UsageWarning = "usage.warning",
}

impl EventKind {
    /// The kind that tells the same step among all others.
    pub const fn umbrella(self) -> Option<Self> {
        match self {
            Self::MessageSent | Self::MessageDelivered | Self::MessageRead | Self::MessageFailed => Some(Self::MessageStatus),
            Self::SessionQr | Self::SessionConnected | Self::SessionDisconnected => Some(Self::SessionStatus),
            _ => None,
        }
    }
}

/// `POST /v1/events/tokens`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateEventToken {
    /// Whose events it opens.
    pub session_id: String,
    /// How many seconds it is good for; 60 to 3,600, ten minutes unless said otherwise.
    #[serde(default)]
    pub expires_in_seconds: Option<u64>,
}

/// What opens the events of one session to a page of a browser, on the one occasion that it is shown. It is stored nowhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventToken {
    /// Stands in the address of a stream or a WebSocket: `GET /v1/events?token=`.
    pub token: String,
    pub session_id: SessionId,
    pub expires_at: Timestamp,
    /// Where the log ended when the token was made: with `?cursor=` a page misses nothing until its stream is open.
    pub cursor: String,
}

/// One entry of the event log: what a stream, a list and a webhook show.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    #[serde(rename = "eventId")]
    pub id: EventId,
    pub event: EventKind,
    pub created_at: Timestamp,
    pub account_id: AccountId,
    /// Null where the event is the account's.
    pub session_id: Option<SessionId>,
    /// Counts the events of its session, or those of the account itself, without a gap. 0 for a test.
    pub sequence: i64,
    /// Only in deliveries to a webhook with `maxBytes`: members of `data` are left out, and `path` shows the event whole.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<String>,
    /// As it was written; its shape depends on the kind.
    pub data: Box<RawValue>,
}
