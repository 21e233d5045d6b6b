//! Messages on the wire.

mod content;
mod marks;
mod request;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

use crate::ids::{MessageId, SessionId};
use crate::types::hold::HoldReason;

pub use content::{ContactCard, Content, LinkPreview, PollResult};
pub use marks::{Marks, Quoted, Reaction, Reference};
pub use request::{EditMessage, ForwardMessage, PreviewChoice, SendContact, SendLocation, SendPoll, SendReaction, SendText};

/// Where a message is on its way. The words are the wire names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageStatus {
    /// Accepted durably, not yet acknowledged by WhatsApp.
    Queued,
    /// WhatsApp's server has it.
    Sent,
    /// A device of the recipient has it.
    Delivered,
    /// The recipient has seen it.
    Read,
    /// The recipient has listened to it.
    Played,
    /// It will never arrive; `error` tells why.
    Failed,
    /// An incoming message.
    Received,
}

impl MessageStatus {
    pub const ALL: &'static [Self] = &[Self::Queued, Self::Sent, Self::Delivered, Self::Read, Self::Played, Self::Failed, Self::Received];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
            Self::Failed => "failed",
            Self::Received => "received",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.as_str() == text)
    }
}

/// Whether a message was sent through Wharf or came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Outgoing,
    Incoming,
}

impl Direction {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outgoing => "outgoing",
            Self::Incoming => "incoming",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Outgoing, Self::Incoming].into_iter().find(|d| d.as_str() == text)
    }
}

/// A person, by every name that WhatsApp tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Party {
    /// The id as WhatsApp writes it, without a device.
    #[serde(rename = "contactId")]
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lid: Option<String>,
    /// The name that the sender gave itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
}

/// A chat, which is a person or a group, by every name that WhatsApp tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatName {
    /// The id as WhatsApp writes it.
    #[serde(rename = "chatId")]
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lid: Option<String>,
    /// The name that a person gave itself, or a group's subject.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
}

/// A message, sent or received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub message_id: MessageId,
    pub session_id: SessionId,
    /// The id that WhatsApp knows the message by; it never changes.
    pub whatsapp_id: String,
    pub direction: Direction,
    pub status: MessageStatus,
    pub chat: ChatName,
    /// Who wrote it; absent on outgoing messages, where it is the session itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<Party>,
    #[serde(flatten)]
    pub content: Content,
    #[serde(flatten)]
    pub marks: Marks,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<MessageError>,
    /// While it is queued and WhatsApp wants a pause: when it is tried again, and why it waits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub held_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub held_reason: Option<HoldReason>,
    pub created_at: Timestamp,
    /// Every status and when it was reached, oldest first; only where one message is asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub timeline: Option<Vec<TimelineEntry>>,
    /// Outgoing to a group, and only where one message is asked for: how far it has come with each member that told.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub receipts: Option<Vec<MemberReceipt>>,
    /// The change on its way; only in the answer to an edit or a deletion.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub change: Option<ChangeState>,
}

/// What a send would do, where it was asked with `dryRun`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DryRun {
    /// Always true: nothing was sent.
    pub dry_run: bool,
    pub session_id: SessionId,
    /// Where it would go, by the names that WhatsApp knows.
    pub chat: ChatName,
    #[serde(rename = "type")]
    pub kind: String,
    /// `sent` where nothing would hold it back, `queued` where it would wait.
    pub status: MessageStatus,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub held_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub held_reason: Option<HoldReason>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<String>,
}

/// How far a message to a group has come with one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberReceipt {
    pub participant: Party,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delivered_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub read_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub played_at: Option<Timestamp>,
}

/// An edit or a deletion, which is a message of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeState {
    pub message_id: MessageId,
    /// `queued` while WhatsApp has not acknowledged it: the message changes when it has.
    pub status: MessageStatus,
}

/// Why a message failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageError {
    pub code: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    pub status: MessageStatus,
    pub at: Timestamp,
}
