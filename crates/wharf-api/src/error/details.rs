//! What an answer says of a failure beyond its code.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ids::MessageId;

/// What a program needs beyond the code. Absent members are left out of the JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// The faulty part of the request, as a path such as `mentions[2]`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// What exactly is wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The limit that was met.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<u64>,
    /// What was sent instead.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actual: Option<u64>,
    /// Seconds to wait before the next try.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after: Option<u64>,
    /// The message that the failure is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message_id: Option<MessageId>,
    /// When a used-up limit is whole again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reset_at: Option<Timestamp>,
}
