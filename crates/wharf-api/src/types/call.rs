//! Calls on the wire.

use serde::{Deserialize, Serialize};

use super::message::Party;
use crate::Timestamp;

/// The data of a `call.received` event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallReceived {
    /// Names the call, however many notices WhatsApp gives of it.
    pub call_id: String,
    /// Who calls.
    pub from: Party,
    /// Absent where WhatsApp does not say it: a call that is over is told without it.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<CallKind>,
    /// The group that is called together.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub group_id: Option<String>,
    /// The session was away while it rang, and it is over.
    pub missed: bool,
    /// When it began to ring.
    pub at: Timestamp,
}

/// The data of a `call.ended` event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallEnded {
    /// As in `call.received`.
    pub call_id: String,
    /// Who called.
    pub from: Party,
    pub outcome: CallOutcome,
    /// When it stopped ringing.
    pub at: Timestamp,
}

/// Why a call rings no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// At the phone, or at another linked device.
    AnsweredElsewhere,
    RejectedElsewhere,
    /// The caller gave up, or nobody came in time.
    Unanswered,
}

impl CallOutcome {
    pub const WORDS: [&'static str; 3] = ["answered_elsewhere", "rejected_elsewhere", "unanswered"];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallKind {
    Audio,
    Video,
}

impl CallKind {
    pub const WORDS: [&'static str; 2] = ["audio", "video"];
}
