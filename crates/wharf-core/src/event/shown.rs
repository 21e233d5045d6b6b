//! An event as it is shown, and as the bytes that are sent.

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use wharf_api::ids::AccountId;
use wharf_api::types::event::Event;

use crate::store::EventRow;

/// The event as the wire shows it.
pub fn view(account: &AccountId, row: &EventRow) -> Event {
    around(account, row, data(row).unwrap_or_default())
}

/// What the event tells; `None` where that is no JSON.
fn data(row: &EventRow) -> Option<Box<RawValue>> {
    RawValue::from_string(row.data.clone()).ok()
}

fn around(account: &AccountId, row: &EventRow, data: Box<RawValue>) -> Event {
    Event {
        id: row.id.clone(),
        event: row.kind,
        created_at: row.at,
        account_id: account.clone(),
        session_id: row.session.clone(),
        sequence: row.sequence,
        truncated: false,
        path: None,
        data,
    }
}

/// What stands around an event's data has so many bytes at the most, about.
const AROUND: usize = 384;

/// The event as the bytes that are sent, the same at every time. `None` where what it tells cannot be read.
pub fn body(account: &AccountId, row: &EventRow) -> Option<String> {
    let event = around(account, row, data(row)?);
    // With room for all of it: it is made for each delivery, and would move four times while it grows.
    let mut bytes = Vec::with_capacity(row.data.len() + AROUND);
    serde_json::to_writer(&mut bytes, &event).ok()?;
    String::from_utf8(bytes).ok()
}

/// The event for a server that takes at most `max` bytes. What is larger comes without its largest members, ids apart, and says at which
/// `path` it is read whole: half a text could be taken for the text.
pub fn body_within(account: &AccountId, row: &EventRow, max: usize, path: &str) -> Option<String> {
    let whole = body(account, row)?;
    if whole.len() <= max {
        return Some(whole);
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
            _ => return Some(text),
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
        let whole = body(&account, &row).unwrap();
        assert_eq!(body_within(&account, &row, whole.len(), "/here").unwrap(), whole);
        let less = |max: usize| {
            let text = body_within(&account, &row, max, "/here").unwrap();
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

    #[test]
    fn what_cannot_be_read_makes_no_body_and_is_shown_without_what_it_tells() {
        let chance: &dyn Chance = &SystemChance;
        let account = chance.account_id();
        for damaged in ["", "{\"messageId\":\"msg_", "{}{}"] {
            let (id, at, kind) = (chance.event_id(), Timestamp::from_millis(1), EventKind::MessageReceived);
            let row = EventRow { number: 7, id, session: None, sequence: 1, kind, at, data: damaged.to_owned() };
            assert_eq!((body(&account, &row), body_within(&account, &row, 5_000, "/here")), (None, None), "{damaged:?}");
            let shown = serde_json::to_value(view(&account, &row)).unwrap();
            assert_eq!((&shown["eventId"], &shown["data"]), (&json!(row.id), &Value::Null), "{damaged:?}");
        }
    }
}
