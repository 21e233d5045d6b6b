//! A failure as the customer sees it: a code of the catalogue, a sentence, and details that help a program.

pub mod catalogue;
pub(crate) mod details;

pub use catalogue::{ErrorCode, Group, Retry, Row};
pub use details::Details;

use crate::Timestamp;
use crate::envelope::{Failure, FailureBody};
use crate::ids::MessageId;

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
    pub fn body(&self) -> Failure<'_> {
        let row = self.code.row();
        Failure {
            success: false,
            error: FailureBody {
                code: row.name,
                message: row.description,
                details: (*self.details != Details::default()).then_some(&*self.details),
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
