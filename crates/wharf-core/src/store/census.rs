//! What an operator wants to know of the store as a whole, over all tenants: sizes and ages, never whose they are.

use async_trait::async_trait;
use wharf_api::Timestamp;

use super::Error;

/// Something that waits to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub waiting: u64,
    /// Since when the oldest waits.
    pub oldest_at: Option<Timestamp>,
}

#[async_trait]
pub trait CensusStore {
    /// Writes of this process that wait for their turn.
    fn waiting_writes(&self) -> usize;

    /// The messages that are queued.
    async fn queued_backlog(&self) -> Result<Backlog, Error>;

    /// Events that are on their way to webhooks which are not disabled.
    async fn delivery_backlog(&self) -> Result<Backlog, Error>;
}
