//! A failure as the customer sees it: a code of the catalogue, a sentence, and details that help a program.

pub mod catalogue;

pub use catalogue::{ErrorCode, Group, Retry, Row};

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::envelope::{Failure, FailureBody};
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

/// A failure on its way to the customer.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    pub code: ErrorCode,
    /// Boxed, so that a result that may fail stays small.
    pub details: Box<Details>,
}

impl ApiError {
    pub fn new(code: ErrorCode) -> Self {
        Self { code, details: Box::default() }
    }

    #[must_use]
    pub fn field(mut self, path: impl Into<String>) -> Self {
        self.details.field = Some(path.into());
        self
    }

    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.details.reason = Some(reason.into());
        self
    }

    #[must_use]
    pub fn limit(mut self, limit: u64, actual: u64) -> Self {
        self.details.limit = Some(limit);
        self.details.actual = Some(actual);
        self
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.details.retry_after = Some(seconds.max(1));
        self
    }

    #[must_use]
    pub fn message(mut self, id: MessageId) -> Self {
        self.details.message_id = Some(id);
        self
    }

    #[must_use]
    pub fn reset_at(mut self, at: Timestamp) -> Self {
        self.details.reset_at = Some(at);
        self
    }

    /// The body of the answer. The sentence is the catalogue's; what is special about this failure stands in `details`.
    pub fn body(&self) -> Failure {
        let row = self.code.row();
        Failure {
            success: false,
            error: FailureBody {
                code: row.name.to_owned(),
                message: row.description.to_owned(),
                details: (*self.details != Details::default()).then(|| (*self.details).clone()),
            },
        }
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code.row().name)
    }
}

impl std::error::Error for ApiError {}
