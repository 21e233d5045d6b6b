//! Events: written inside the transaction of what they announce, read as a log.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, EventId, SessionId};
use wharf_api::time::days;
use wharf_api::types::event::EventKind;

use super::{Error, Fence};
use crate::event::Bell;

/// An event to be written. The store adds the id, the account, the session, the time and the session's next sequence number.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    pub kind: EventKind,
    /// The `data` member of the event as JSON: several events of one step share it.
    pub data: Arc<str>,
}

impl NewEvent {
    pub fn new(kind: EventKind, data: &impl Serialize) -> Self {
        Self { kind, data: written(data) }
    }

    /// Events that tell the same under several kinds.
    pub fn each(kinds: Vec<EventKind>, data: &impl Serialize) -> Vec<Self> {
        let data = written(data);
        kinds.into_iter().map(|kind| Self { kind, data: Arc::clone(&data) }).collect()
    }
}

fn written(data: &impl Serialize) -> Arc<str> {
    serde_json::to_string(data).expect("the types of the contract can be written").into()
}

/// An event as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Orders the log of the account; it grows, with gaps.
    pub number: i64,
    pub id: EventId,
    /// `None` for events of the account itself.
    pub session: Option<SessionId>,
    pub sequence: i64,
    pub kind: EventKind,
    pub at: Timestamp,
    /// JSON.
    pub data: String,
}

/// Which events a reader sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    pub session: Option<SessionId>,
    /// Only these sessions: those that the key is bound to.
    pub sessions: Option<Vec<SessionId>>,
    /// Only these; all where empty.
    pub kinds: Vec<EventKind>,
    /// Each step once: without the events that the next one tells under its own kind.
    pub each_step: bool,
}

/// A part of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPage {
    /// Oldest first.
    pub rows: Vec<EventRow>,
    /// Where to go on: past the last row, and past what the filter left out.
    pub position: i64,
    /// There is more to be looked at right away.
    pub more: bool,
    /// Something was committed that cannot be shown yet, because something older may still come.
    pub behind: bool,
}

/// How long it is remembered that a notice was announced: WhatsApp repeats nothing that is older.
pub const NOTICE_KEPT: Duration = days(31);

#[async_trait]
pub trait EventStore {
    /// Writes the event of something that is kept by WhatsApp and not here, unless a notice of this name was announced before.
    /// Tells whether it was written. One commit.
    async fn announce(&self, fence: &Fence, at: Timestamp, notice: &str, event: NewEvent) -> Result<bool, Error>;

    /// The events with numbers above `after`, in order. Whoever goes on from `position` misses none and sees none twice,
    /// whatever is being committed meanwhile.
    async fn list_events(&self, account: &AccountId, filter: &EventFilter, after: i64, limit: u32) -> Result<EventPage, Error>;

    /// The number of an event.
    async fn event_number(&self, account: &AccountId, id: &EventId) -> Result<Option<i64>, Error>;

    /// The position after everything that can be seen now.
    async fn latest_event(&self, account: &AccountId) -> Result<i64, Error>;

    /// The number after which so many events of the account come, or all where there are fewer.
    async fn before_last_events(&self, account: &AccountId, count: u32) -> Result<i64, Error>;

    /// Drops the account's oldest events that were written before that time, with their deliveries; tells how many.
    async fn expire_events(&self, account: &AccountId, before: Timestamp) -> Result<u64, Error>;

    /// Rings after every commit that wrote events.
    fn bell(&self) -> &Bell;
}
