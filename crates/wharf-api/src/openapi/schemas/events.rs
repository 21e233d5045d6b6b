//! Events.

use serde_json::{Value, json};

use super::super::schema::{
    about, always, answer, any_object, boolean, id, integer, maybe, nullable, otherwise, request, session_id, text, time, word,
};
use crate::ids::{AccountId, EventId};
use crate::limits;
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
        always("data", about(any_object(), "What the event tells, in the shape of its kind.")),
    ])
}

pub(super) fn create_event_token() -> Value {
    let (min, max) = (*limits::EVENT_TOKEN_RANGE_SECS.start(), *limits::EVENT_TOKEN_RANGE_SECS.end());
    let seconds = about(integer(min, Some(max)), "How long it is good; it ends with the key that made it in any case.");
    request(vec![
        always("sessionId", about(session_id(), "Whose events it opens.")),
        maybe("expiresInSeconds", otherwise(seconds, &json!(limits::EVENT_TOKEN_SECS))),
    ])
}

pub(super) fn event_token() -> Value {
    answer(vec![
        always("token", about(text(), "For the address of a stream or a WebSocket: `GET /v1/events?token=`. It opens nothing else.")),
        always("sessionId", session_id()),
        always("expiresAt", about(time(), "From then on it is refused, and a stream that it opened ends.")),
        always("cursor", about(text(), "Where the log ended: with `?cursor=` a page misses nothing until its stream is open.")),
    ])
}
