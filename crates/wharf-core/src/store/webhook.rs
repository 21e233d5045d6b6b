//! Webhooks and deliveries as stored. The rows of deliveries are written by the store with the events themselves.

use std::sync::Arc;

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, EventId, SessionId, WebhookId};
use wharf_api::types::event::EventKind;
use wharf_api::types::webhook::{Attempt, DeliveryStatus, DisabledReason};

use super::{Error, EventRow, NewEvent, Page, PageRequest};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRow {
    /// Given by the store; orders lists.
    pub number: i64,
    pub id: WebhookId,
    pub account: AccountId,
    /// Only this session's events.
    pub session: Option<SessionId>,
    pub url: String,
    /// Which events it wants; all where empty.
    pub kinds: Vec<EventKind>,
    pub description: Option<String>,
    pub timeout_ms: i64,
    /// The largest body that it takes; everything whole where it says nothing.
    pub max_bytes: Option<i64>,
    pub header_names: Vec<String>,
    /// Sealed.
    pub headers: Option<Vec<u8>>,
    /// Sealed.
    pub secret: Vec<u8>,
    /// The secret before, sealed, and until when it signs too.
    pub old_secret: Option<(Vec<u8>, Timestamp)>,
    pub enabled: bool,
    pub disabled_reason: Option<DisabledReason>,
    pub disabled_at: Option<Timestamp>,
    /// Since when it has done nothing but fail.
    pub failing_since: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What became of a webhook that was to be inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    Now,
    /// The account has this many, and no more are allowed.
    LimitReached {
        webhooks: u64,
    },
}

/// A webhook that has something to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueWebhook {
    pub number: i64,
    pub account: AccountId,
}

/// A delivery whose time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDelivery {
    pub event: EventRow,
    /// How many tries failed so far.
    pub tries: u32,
}

/// A delivery whose time has come, and whose event cannot be read or is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableDelivery {
    /// The event's number.
    pub event: i64,
    pub tries: u32,
    /// For the operator's log.
    pub why: String,
}

/// What is due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueDeliveries {
    pub readable: Vec<DueDelivery>,
    /// They would be due for ever: whoever reads them ends them.
    pub unreadable: Vec<UnreadableDelivery>,
}

/// How a try ended, to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TryRecord {
    /// The event's number.
    pub event: i64,
    pub state: DeliveryStatus,
    /// When it is due again; counts while `state` is pending.
    pub next_at: Timestamp,
    pub tries: u32,
    /// `None` where it was no try: the delivery waits, and nothing else is written.
    pub attempt: Option<Attempt>,
}

/// What a courier found out about its webhook, written down with the tries.
#[derive(Clone, Debug, PartialEq)]
pub enum Health {
    AsBefore,
    Well,
    FailingSince(Timestamp),
    /// It is switched off, which is announced.
    Disabled {
        reason: DisabledReason,
        at: Timestamp,
        event: NewEvent,
    },
}

/// A delivery with its event and its tries. The event's data are empty where they cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    pub event: EventRow,
    pub state: DeliveryStatus,
    /// `None` where it is due at once or never.
    pub next_at: Option<Timestamp>,
    pub attempts: Vec<Attempt>,
}

/// What is done to the row of a webhook.
pub type WebhookChange = Arc<dyn Fn(&mut WebhookRow) + Send + Sync>;

#[async_trait]
pub trait WebhookStore {
    /// Inserts a webhook, if the account has fewer than `limit`.
    async fn insert_webhook(&self, webhook: &WebhookRow, limit: u64) -> Result<Inserted, Error>;

    async fn find_webhook(&self, account: &AccountId, id: &WebhookId) -> Result<Option<WebhookRow>, Error>;

    /// Oldest first.
    async fn list_webhooks(&self, account: &AccountId, page: PageRequest) -> Result<Page<WebhookRow>, Error>;

    /// Changes a webhook as it is at that moment, and answers what it is then. `None` where there is no such webhook. `change` may run
    /// more than once.
    async fn change_webhook(&self, account: &AccountId, id: &WebhookId, change: WebhookChange) -> Result<Option<WebhookRow>, Error>;

    /// Drops deliveries whose webhook is not there any more; tells how many.
    async fn sweep_deliveries(&self) -> Result<u64, Error>;

    /// Webhooks of all accounts whose session is gone.
    async fn list_orphaned_webhooks(&self, limit: u32) -> Result<Vec<WebhookRow>, Error>;

    /// Deletes a webhook with its deliveries. `false` where there is no such webhook.
    async fn delete_webhook(&self, account: &AccountId, id: &WebhookId) -> Result<bool, Error>;

    /// The deliveries of a webhook, newest event first.
    async fn list_deliveries(
        &self,
        webhook: &WebhookRow,
        state: Option<DeliveryStatus>,
        page: PageRequest,
    ) -> Result<Page<DeliveryRow>, Error>;

    async fn find_delivery(&self, webhook: &WebhookRow, event: &EventId) -> Result<Option<DeliveryRow>, Error>;

    /// Makes one delivery due at once, whatever became of it, with all its tries before it again. `false` where there is none.
    async fn retry_delivery(&self, webhook: &WebhookRow, event: &EventId) -> Result<bool, Error>;

    /// Makes every event that the webhook wants, was written at `since` or later and was not delivered due at once; tells how
    /// many.
    async fn recover_deliveries(&self, webhook: &WebhookRow, since: Timestamp) -> Result<u64, Error>;

    /// The webhooks, switched on, that have something to deliver at `now` and are this node's, or nobody's any more: in the order of their
    /// numbers, at most `limit` behind the number `after`.
    async fn due_webhooks(&self, node: &str, now: Timestamp, after: i64, limit: u32) -> Result<Vec<DueWebhook>, Error>;

    /// By its number, for the courier.
    async fn find_webhook_numbered(&self, number: i64) -> Result<Option<WebhookRow>, Error>;

    /// Makes this node the only one that delivers to the webhook, until `until`. `None` where another node has it, or it is
    /// switched off or gone.
    async fn claim_webhook(&self, due: &DueWebhook, node: &str, now: Timestamp, until: Timestamp) -> Result<Option<WebhookRow>, Error>;

    /// Lets any node take the webhook at once.
    async fn release_webhook(&self, due: &DueWebhook, node: &str) -> Result<(), Error>;

    /// What is due: first tries after an event, in the order of their events, then repeats in the order of their times.
    async fn due_deliveries(&self, webhook: i64, now: Timestamp, after: i64, first: u32, repeats: u32) -> Result<DueDeliveries, Error>;

    /// When the next delivery is due.
    async fn next_delivery_at(&self, webhook: i64) -> Result<Option<Timestamp>, Error>;

    /// Writes tries down. A delivery that is not pending any more is left alone, and so is the health of a webhook that was changed since
    /// `under`, its `updated_at` when it was found to be so.
    async fn record_tries(&self, due: &DueWebhook, tries: Vec<TryRecord>, health: Health, under: Timestamp) -> Result<(), Error>;
}
