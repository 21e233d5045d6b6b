//! What an operator wants to know of the store as a whole, over all tenants: sizes and ages.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, SessionId, WebhookId};
use wharf_api::types::queue::QueueHeld;
use wharf_api::types::webhook::DisabledReason;

use super::{Error, Page, PageRequest, SessionRow};

/// Something that waits to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub waiting: u64,
    /// Since when the oldest waits.
    pub oldest_at: Option<Timestamp>,
}

/// A session whose messages wait, or that is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageQueue {
    pub session: SessionRow,
    /// Counted up to 10,000 and no further.
    pub backlog: Backlog,
}

/// A webhook with deliveries that wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryQueue {
    pub webhook: WebhookId,
    pub account: AccountId,
    pub session: Option<SessionId>,
    pub enabled: bool,
    pub disabled_reason: Option<DisabledReason>,
    pub failing_since: Option<Timestamp>,
    /// Counted up to 10,000 and no further.
    pub backlog: Backlog,
    /// Those whose time has come, counted as far.
    pub due: u64,
    /// When the first of them is due.
    pub next_at: Option<Timestamp>,
}

#[async_trait]
pub trait CensusStore {
    /// Writes of this process that wait for their turn.
    fn waiting_writes(&self) -> usize;

    /// The messages that are queued.
    async fn queued_backlog(&self) -> Result<Backlog, Error>;

    /// Events that are on their way to webhooks which are not disabled.
    async fn delivery_backlog(&self) -> Result<Backlog, Error>;

    /// The sessions whose messages wait, or that something is held back of at `now`, oldest session first.
    async fn message_queues(&self, now: Timestamp, page: PageRequest) -> Result<Page<MessageQueue>, Error>;

    /// What of the session is held back at `now`, by what and why.
    async fn held_of(&self, session: &SessionId, now: Timestamp) -> Result<Vec<QueueHeld>, Error>;

    /// The webhooks with deliveries that wait, oldest webhook first.
    async fn delivery_queues(&self, now: Timestamp, page: PageRequest) -> Result<Page<DeliveryQueue>, Error>;
}
