//! Events.

use serde_json::{Value, json};

use super::super::schema::{about, always, answer, any_object, boolean, id, maybe, nullable, session_id, text, time, word};
use crate::ids::{AccountId, EventId};
use crate::types::event::EventKind;

pub(super) fn event() -> Value {
    answer(vec![
        always("eventId", about(id(EventId::PREFIX), "Stays the same at every delivery.")),
        always("event", word(EventKind::ALL.iter().map(|kind| kind.as_str()))),
        always("createdAt", about(time(), "When it happened.")),
        always("accountId", id(AccountId::PREFIX)),
        always("sessionId", about(nullable(session_id()), "Null where the event is the account's.")),
        always("sequence", about(json!({"type": "integer", "minimum": 0}), "Counts the events of the session without a gap.")),
        maybe("truncated", about(boolean(), "Only to a webhook with `maxBytes`: the largest members of `data` are left out.")),
        maybe("path", about(text(), "With `truncated`: where the event is read whole, as the first of the list.")),
        always("data", any_object()),
    ])
}
