//! Webhooks and their deliveries on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::EventKind;
use crate::Timestamp;
use crate::ids::{DeliveryId, EventId, SessionId, WebhookId};

/// `POST /v1/webhooks`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateWebhook {
    pub url: String,
    /// Kinds of events; `*` for all.
    pub events: Vec<String>,
    /// Only this session's events; those of all sessions and of the account where absent.
    #[serde(default)]
    pub session_id: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
    /// How long a delivery may take; 5 where absent.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
    /// The largest body that its server takes; what is larger comes without its largest members.
    #[serde(default)]
    pub max_bytes: Option<u64>,
    /// Sent with every delivery.
    #[serde(default)]
    pub headers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub enabled: Option<bool>,
    /// A secret of one's own, so that the receiver can check the test already: `whsec_` and 24 to 64 bytes in Base64.
    #[serde(default)]
    pub secret: Option<String>,
}

/// `PATCH /v1/webhooks/{webhookId}`. What is absent stays; `null` takes a description, the headers or a largest size away.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpdateWebhook {
    pub url: Option<String>,
    pub events: Option<Vec<String>>,
    #[serde(deserialize_with = "super::given")]
    pub description: Option<Option<String>>,
    pub timeout_seconds: Option<u64>,
    #[serde(deserialize_with = "super::given")]
    pub max_bytes: Option<Option<u64>>,
    #[serde(deserialize_with = "super::given")]
    pub headers: Option<Option<BTreeMap<String, String>>>,
    pub enabled: Option<bool>,
}

/// `POST /v1/webhooks/{webhookId}/rotate-secret`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotateSecret {
    /// How long the old secret signs too; a day where absent.
    #[serde(default)]
    pub overlap_seconds: Option<u64>,
}

/// `POST /v1/webhooks/{webhookId}/recover`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recover {
    /// Events that were written from then on.
    pub since: Timestamp,
}

/// What a recovery set in motion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovered {
    /// How many events are delivered, or delivered again from the first try on.
    pub deliveries: u64,
}

/// Why a webhook was switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// By a request.
    Requested,
    /// Its server answered 410.
    Gone,
    /// It did nothing but fail for days.
    Failing,
}

impl DisabledReason {
    pub const ALL: &'static [Self] = &[Self::Requested, Self::Gone, Self::Failing];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == text)
    }
}

/// A webhook, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    pub webhook_id: WebhookId,
    pub url: String,
    pub events: Vec<String>,
    /// Null where it gets the events of all sessions and of the account.
    pub session_id: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
    pub timeout_seconds: u64,
    /// The largest body that is delivered; absent where everything comes whole.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_bytes: Option<u64>,
    /// The names of the headers that are sent with every delivery; their values are not shown.
    pub header_names: Vec<String>,
    pub enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disabled_reason: Option<DisabledReason>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disabled_at: Option<Timestamp>,
    /// Since when it does nothing but fail.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failing_since: Option<Timestamp>,
    /// Until when the secret before the last rotation signs too.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub old_secret_until: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A webhook with its secret, which is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedWebhook {
    #[serde(flatten)]
    pub webhook: Webhook,
    /// `whsec_` and the key in Base64, as the Standard Webhooks libraries take it.
    pub secret: String,
}

/// How the server took a `webhook.test`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookTested {
    pub event_id: EventId,
    /// The server's status.
    pub http_status: u16,
    pub duration_ms: u64,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It waits for its first or its next try.
    Pending,
    /// The server answered 2xx.
    Delivered,
    /// All tries failed.
    Failed,
}

impl DeliveryStatus {
    pub const ALL: &'static [Self] = &[Self::Pending, Self::Delivered, Self::Failed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.as_str() == text)
    }
}

/// One event on its way to one webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    pub delivery_id: DeliveryId,
    pub event_id: EventId,
    pub event: EventKind,
    pub session_id: Option<SessionId>,
    pub sequence: i64,
    pub created_at: Timestamp,
    pub status: DeliveryStatus,
    /// When the next try is due; absent where it is due now or never.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_attempt_at: Option<Timestamp>,
    /// Every try so far, oldest first.
    pub attempts: Vec<Attempt>,
}

/// One try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    pub at: Timestamp,
    pub duration_ms: u64,
    /// The server's status; absent where it gave no answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub http_status: Option<u16>,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<NoAnswer>,
    /// How the answer begins.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answer: Option<String>,
}

/// Why a server gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoAnswer {
    /// The policy forbids the address.
    Refused,
    Timeout,
    /// The name does not resolve, or nobody answers there.
    Unreachable,
    Tls,
    /// The connection ended too early.
    Broken,
    /// Nothing was sent: the event cannot be read from the database.
    Unreadable,
}

impl NoAnswer {
    pub const ALL: &'static [Self] = &[Self::Refused, Self::Timeout, Self::Unreachable, Self::Tls, Self::Broken, Self::Unreadable];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Broken => "broken",
            Self::Unreadable => "unreadable",
        }
    }
}
