//! What waits, on the wire: messages to be sent, and events on their way to webhooks.

use serde::{Deserialize, Serialize};

use super::hold::HoldReason;
use super::session::{SessionStatus, WaitingFor};
use super::webhook::DisabledReason;
use crate::Timestamp;
use crate::ids::{AccountId, SessionId, WebhookId};

/// What waits in a queue. The words are the wire names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueType {
    /// Messages of a session.
    Messages,
    /// Events on their way to a webhook.
    Deliveries,
}

impl QueueType {
    pub const ALL: &'static [Self] = &[Self::Messages, Self::Deliveries];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Deliveries => "deliveries",
        }
    }
}

/// What of a session is held back. The words are the wire names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldType {
    /// All of it.
    Session,
    /// Everybody whom it has not written with yet.
    FirstContacts,
    /// Some chats.
    Chats,
}

impl HeldType {
    pub const ALL: &'static [Self] = &[Self::Session, Self::FirstContacts, Self::Chats];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::FirstContacts => "first_contacts",
            Self::Chats => "chats",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|held| held.as_str() == text)
    }
}

/// Whether a webhook's queue moves. The words are the wire names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueDeliveryStatus {
    /// Something goes now.
    Due,
    /// All of it failed before and waits for its next try.
    Resting,
    /// The webhook is switched off.
    Paused,
}

impl QueueDeliveryStatus {
    pub const ALL: &'static [Self] = &[Self::Due, Self::Resting, Self::Paused];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Resting => "resting",
            Self::Paused => "paused",
        }
    }
}

/// What of a session is held back for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueHeld {
    #[serde(rename = "type")]
    pub held: HeldType,
    pub reason: HoldReason,
    /// When the last of it is tried again; absent where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Timestamp>,
    /// How many, where it is chats.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub chats: Option<u64>,
}

/// A queue in which something waits, or that is held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    #[serde(rename = "type")]
    pub queue: QueueType,
    pub account_id: AccountId,
    /// Absent for a webhook of the whole account.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub session_id: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub webhook_id: Option<WebhookId>,
    /// Counted up to 10,000.
    pub waiting: u64,
    /// Absent where nothing waits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oldest_at: Option<Timestamp>,
    /// The oldest one's age.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oldest_seconds: Option<u64>,
    pub held: Vec<QueueHeld>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub session_status: Option<SessionStatus>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub waiting_for: Option<WaitingFor>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delivery_status: Option<QueueDeliveryStatus>,
    /// Deliveries whose time has come, counted up to 10,000.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due: Option<u64>,
    /// When the next try is, where all of them rest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disabled_reason: Option<DisabledReason>,
    /// Since when the webhook did nothing but fail.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failing_since: Option<Timestamp>,
}
