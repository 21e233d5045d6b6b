//! The error catalogue on the wire: `GET /v1/errors`.

use serde::{Deserialize, Serialize};

use crate::error::{Retry, Row};

/// One row of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorEntry {
    pub code: String,
    pub http_status: u16,
    /// The heading on the error page.
    pub group: String,
    pub description: String,
    /// What to do about it.
    pub fix: String,
    /// Whether the same request can succeed later.
    pub retryable: bool,
    /// When: `no`, `soon`, `after` (see `Retry-After`), `next_day` or `once_connected`.
    pub retry: String,
}

impl From<&Row> for ErrorEntry {
    fn from(row: &Row) -> Self {
        Self {
            code: row.name.to_owned(),
            http_status: row.status,
            group: row.group.as_str().to_owned(),
            description: row.description.to_owned(),
            fix: row.fix.to_owned(),
            retryable: row.retry != Retry::No,
            retry: row.retry.as_str().to_owned(),
        }
    }
}
