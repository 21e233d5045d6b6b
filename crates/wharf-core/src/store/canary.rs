//! How the canary sessions' steps went, as stored: every node shows the same.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::SessionId;

use super::Error;

/// The last run of one step from one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryRow {
    pub step: String,
    /// The session that sent.
    pub session: SessionId,
    /// When the run began.
    pub at: Timestamp,
    /// From the beginning until the other session had it; `None` where it failed or is under way.
    pub took_ms: Option<i64>,
    /// Why it failed.
    pub failure: Option<String>,
}

#[async_trait]
pub trait CanaryStore {
    async fn list_canary(&self) -> Result<Vec<CanaryRow>, Error>;

    /// Puts the row in the place of the one of the same step and session.
    async fn put_canary(&self, row: &CanaryRow) -> Result<(), Error>;
}
