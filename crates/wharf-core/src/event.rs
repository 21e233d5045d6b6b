//! The event log as customers read it: where a reader stands, what it may see, what an event looks like.

mod bell;
pub mod feed;
mod shown;
pub mod token;

use wharf_api::ids::EventId;
use wharf_api::time;

use crate::caller::Caller;
use crate::services::Services;
use crate::session;
use crate::store::{self, EventFilter, EventPage, PageRequest};

pub use bell::Bell;
pub use shown::{body, body_within, view};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Session(#[from] session::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<&Error> for wharf_api::ApiError {
    fn from(error: &Error) -> Self {
        match error {
            Error::Session(error) => error.into(),
            Error::Store(error) => error.into(),
        }
    }
}

/// Where a reader begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the oldest event that is kept.
    Oldest,
    /// With what happens from now on.
    Latest,
    /// With the last so many events.
    Last(u32),
    /// After the event with that number.
    After(i64),
    /// After this event.
    Event(EventId),
}

/// The number after which the reader goes on. An event that the log does not hold any more was older than all that it holds.
pub async fn position(services: &Services, caller: &Caller, from: &Start) -> Result<i64, Error> {
    match from {
        Start::Oldest => Ok(0),
        Start::Latest => Ok(services.store.latest_event(&caller.account).await?),
        Start::Last(count) => Ok(services.store.before_last_events(&caller.account, *count).await?),
        Start::After(number) => Ok(*number),
        Start::Event(id) => Ok(services.store.event_number(&caller.account, id).await?.unwrap_or(0)),
    }
}

/// What the caller may see of what it asks for. A key that is bound to sessions sees their events and none of the account's.
pub async fn filter(services: &Services, caller: &Caller, mut filter: EventFilter, session: Option<&str>) -> Result<EventFilter, Error> {
    if let Some(id) = session {
        filter.session = Some(session::find_row(services, caller, id).await?.id);
    }
    filter.sessions.clone_from(&caller.sessions);
    Ok(filter)
}

/// The events after a position, oldest first.
pub async fn list(services: &Services, caller: &Caller, filter: &EventFilter, after: i64, limit: u32) -> Result<EventPage, Error> {
    Ok(services.store.list_events(&caller.account, filter, after, limit).await?)
}

/// How many accounts are looked up at a time.
const ACCOUNTS: u32 = 200;

/// Drops what is older than the plans keep it; tells how much.
pub async fn expire(services: &Services) -> Result<u64, store::Error> {
    if !services.steady.believes(services.clock.now()) {
        return Ok(0);
    }
    let (mut dropped, mut after) = (0, None);
    loop {
        let page = services.store.list_accounts(PageRequest { after, limit: ACCOUNTS }).await?;
        for account in page.rows {
            // What is told of a message is kept no longer than the message itself.
            let days = account.plan.event_days.min(account.plan.message_days.unwrap_or(u64::MAX));
            dropped += services.store.expire_events(&account.id, services.clock.now() - time::days(days)).await?;
        }
        after = page.next;
        if after.is_none() {
            return Ok(dropped);
        }
    }
}
