//! The update notice as stored: fetched by one node, shown by all.

use async_trait::async_trait;
use wharf_api::Timestamp;

use super::Error;

/// A notice that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    /// Rises with every notice.
    pub serial: i64,
    pub body: String,
    pub fetched_at: Timestamp,
}

#[async_trait]
pub trait UpdateStore {
    /// Whether it is the caller's turn to ask for a notice: nobody has since `before`. Notes that somebody did at `now`.
    async fn claim_update_check(&self, before: Timestamp, now: Timestamp) -> Result<bool, Error>;

    async fn find_update_notice(&self) -> Result<Option<NoticeRow>, Error>;

    /// Keeps a notice, unless one with a higher serial is there; `false` then.
    async fn put_update_notice(&self, notice: &NoticeRow) -> Result<bool, Error>;
}
