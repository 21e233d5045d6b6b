//! The canary sessions on the wire.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ids::SessionId;

/// What one canary session does with the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A text; in both directions.
    Text,
    /// A small file, until the other session has fetched it.
    File,
    Edit,
    Reaction,
    Poll,
    /// A text in a group that both are in.
    Group,
}

impl Step {
    pub const ALL: &'static [Self] = &[Self::Text, Self::File, Self::Edit, Self::Reaction, Self::Poll, Self::Group];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::File => "file",
            Self::Edit => "edit",
            Self::Reaction => "reaction",
            Self::Poll => "poll",
            Self::Group => "group",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|step| step.as_str() == text)
    }
}

/// The last run of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStep {
    pub step: Step,
    /// The session that sent.
    pub session_id: SessionId,
    /// When it began.
    pub at: Timestamp,
    /// How long it took until the other session had it; absent where it failed, is under way, or had nothing to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub duration_ms: Option<u64>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// `GET /v1/admin/whatsapp/canary`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Canary {
    /// The two sessions; empty where none are set.
    pub session_ids: Vec<SessionId>,
    pub steps: Vec<CanaryStep>,
}
