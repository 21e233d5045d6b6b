//! The event log as customers read it: where a reader stands, what it may see, what an event looks like.

mod bell;
pub mod feed;
pub mod token;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use wharf_api::ids::{AccountId, EventId};
use wharf_api::types::event::Event;

use crate::caller::Caller;
use crate::services::Services;
use crate::session;
use crate::store::{self, EventFilter, EventPage, EventRow, PageRequest};

pub use bell::Bell;

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

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
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
            let days = i64::try_from(days).unwrap_or(i64::MAX / DAY_MS);
            let before = services.clock.now().plus_millis(-days.saturating_mul(DAY_MS));
            dropped += services.store.expire_events(&account.id, before).await?;
        }
        after = page.next;
        if after.is_none() {
            return Ok(dropped);
        }
    }
}

/// The event as the wire shows it.
pub fn view(account: &AccountId, row: &EventRow) -> Event {
    Event {
        id: row.id.clone(),
        event: row.kind,
        created_at: row.at,
        account_id: account.clone(),
        session_id: row.session.clone(),
        sequence: row.sequence,
        truncated: false,
        path: None,
        data: RawValue::from_string(row.data.clone()).unwrap_or_default(),
    }
}

/// The event as the bytes that are sent, the same at every time.
pub fn body(account: &AccountId, row: &EventRow) -> String {
    serde_json::to_string(&view(account, row)).unwrap_or_default()
}

/// The same for a server that takes at most `max` bytes. What is larger comes without its largest members, ids apart, and says at which
/// `path` it is read whole: half a text could be taken for the text.
pub fn body_within(account: &AccountId, row: &EventRow, max: usize, path: &str) -> String {
    let whole = body(account, row);
    if whole.len() <= max {
        return whole;
    }
    let mut data: Map<String, Value> = serde_json::from_str(&row.data).unwrap_or_default();
    loop {
        let row = EventRow { data: Value::Object(data.clone()).to_string(), ..row.clone() };
        let event = Event { truncated: true, path: Some(path.to_owned()), ..view(account, &row) };
        let text = serde_json::to_string(&event).unwrap_or_default();
        let members = data.iter().filter(|(name, _)| !name.ends_with("Id"));
        let largest = members.max_by_key(|(_, member)| member.to_string().len()).map(|(name, _)| name.clone());
        match largest {
            Some(name) if text.len() > max => drop(data.remove(&name)),
            _ => return text,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wharf_api::Timestamp;
    use wharf_api::types::event::EventKind;

    use super::*;
    use crate::Chance;
    use crate::chance::SystemChance;

    #[test]
    fn a_body_comes_whole_at_the_limit_and_without_its_largest_members_one_byte_past_it() {
        let chance: &dyn Chance = &SystemChance;
        let account = chance.account_id();
        let data = json!({"messageId": "msg_1", "text": "é".repeat(5_000), "caption": "a".repeat(3_000), "type": "text"});
        let (id, at, kind) = (chance.event_id(), Timestamp::from_millis(1), EventKind::MessageReceived);
        let row = EventRow { number: 7, id, session: None, sequence: 1, kind, at, data: data.to_string() };
        let whole = body(&account, &row);
        assert_eq!(body_within(&account, &row, whole.len(), "/here"), whole);
        let less = |max: usize| {
            let text = body_within(&account, &row, max, "/here");
            assert!(text.len() <= max, "{} bytes", text.len());
            serde_json::from_str::<Value>(&text).unwrap()
        };
        let without_text = less(whole.len() - 1);
        assert_eq!((&without_text["truncated"], &without_text["path"]), (&json!(true), &json!("/here")));
        assert_eq!(without_text["data"], json!({"messageId": "msg_1", "caption": "a".repeat(3_000), "type": "text"}));
        assert_eq!(without_text["eventId"], json!(row.id));
        let exactly = without_text.to_string().len();
        assert_eq!(less(exactly), without_text, "what fits now stays");
        assert_eq!(less(exactly - 1)["data"], json!({"messageId": "msg_1", "type": "text"}));
    }
}
