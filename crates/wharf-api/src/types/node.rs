//! The processes that share a database, on the wire.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What a node does. The words are the wire names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeStatus {
    Working,
    /// It was told to stop, or to have no sessions, and gives them up.
    Draining,
    /// Its lease is over: whatever it had may be taken.
    Gone,
}

impl NodeStatus {
    pub const ALL: &'static [Self] = &[Self::Working, Self::Draining, Self::Gone];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Draining => "draining",
            Self::Gone => "gone",
        }
    }
}

/// A process of the gateway, by the lease that it keeps in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// It outlives the process, as long as its data folder does.
    pub node_id: String,
    /// Whether it is the one that answers.
    pub current: bool,
    pub status: NodeStatus,
    /// Absent where it is of a release that does not tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// When its process began, by its own clock; absent as the version is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<Timestamp>,
    /// By the clock of the database.
    pub lease_until: Timestamp,
    /// How many it owns.
    pub sessions: u64,
}

/// `POST /v1/admin/sessions/{sessionId}/move`. The body may be left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MoveSession {
    /// The node with the fewest sessions, unless one is named.
    #[serde(default)]
    pub node_id: Option<String>,
}
