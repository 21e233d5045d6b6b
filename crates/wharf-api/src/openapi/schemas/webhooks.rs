//! Webhooks and their deliveries.

use serde_json::{Value, json};

use super::super::schema::{
    about, always, answer, boolean, chars, id, integer, list, maybe, nullable, otherwise, pattern, reference, request, session_id, text,
    time, word,
};
use crate::ids::{DeliveryId, EventId, WebhookId};
use crate::limits;
use crate::types::event::EventKind;
use crate::types::webhook::{DeliveryStatus, DisabledReason, NoAnswer};

fn url() -> Value {
    about(json!({"type": "string", "maxLength": 2048}), "https, and an address of the public Internet, unless the operator allows more.")
}

fn events() -> Value {
    let mut events = list(&word(EventKind::ALL.iter().map(|kind| kind.as_str()).chain(["*"])));
    events["minItems"] = json!(1);
    about(events, "Which events are delivered; `*` for each step once, by its own kind where it has one.")
}

fn timeout() -> Value {
    let timeout = integer(*limits::WEBHOOK_TIMEOUT_SECS.start(), Some(*limits::WEBHOOK_TIMEOUT_SECS.end()));
    otherwise(about(timeout, "How long one delivery may take, in seconds."), &json!(limits::WEBHOOK_TIMEOUT_SECS.start()))
}

fn max_bytes() -> Value {
    let bytes = integer(*limits::WEBHOOK_MAX_BYTES.start(), Some(*limits::WEBHOOK_MAX_BYTES.end()));
    about(bytes, "The largest body of a delivery. What is larger comes without its largest members, with `truncated` and `path`.")
}

fn headers() -> Value {
    about(nullable(webhook_headers()), "Sent with every delivery; never shown again.")
}

pub(in crate::openapi) fn webhook_headers() -> Value {
    let value = json!({"type": "string", "maxLength": limits::WEBHOOK_HEADER_VALUE_BYTES});
    json!({"type": "object", "maxProperties": limits::WEBHOOK_HEADERS, "additionalProperties": value})
}

fn description() -> Value {
    nullable(chars(0, limits::WEBHOOK_DESCRIPTION_CHARS))
}

pub(super) fn create_webhook() -> Value {
    request(vec![
        always("url", url()),
        always("events", events()),
        maybe("sessionId", about(nullable(session_id()), "Only this session's events.")),
        maybe("description", description()),
        maybe("timeoutSeconds", nullable(timeout())),
        maybe("maxBytes", nullable(max_bytes())),
        maybe("headers", headers()),
        maybe("enabled", nullable(boolean())),
        maybe(
            "secret",
            about(
                nullable(pattern("^whsec_[A-Za-z0-9+/]{32,88}={0,2}$")),
                "A secret of one's own: 24 to 64 bytes. One is made where it is absent.",
            ),
        ),
    ])
}

pub(super) fn update_webhook() -> Value {
    let mut url = nullable(url());
    url["minLength"] = json!(1);
    request(vec![
        maybe("url", url),
        maybe("events", nullable(events())),
        maybe("description", description()),
        maybe("timeoutSeconds", nullable(timeout())),
        maybe("maxBytes", nullable(max_bytes())),
        maybe("headers", headers()),
        maybe("enabled", nullable(boolean())),
    ])
}

pub(super) fn rotate_secret() -> Value {
    let overlap = about(nullable(integer(0, Some(limits::WEBHOOK_OVERLAP_MAX_SECS))), "How long the old secret signs too.");
    request(vec![maybe("overlapSeconds", otherwise(overlap, &json!(limits::WEBHOOK_OVERLAP_SECS)))])
}

pub(super) fn recover() -> Value {
    request(vec![always("since", about(time(), "Events that were written from then on."))])
}

pub(super) fn recovered() -> Value {
    answer(vec![always("deliveries", about(integer(0, None), "How many events are delivered, or delivered again."))])
}

fn webhook_members() -> Vec<super::super::schema::Member> {
    vec![
        always("webhookId", id(WebhookId::PREFIX)),
        always("url", url()),
        always("events", events()),
        always("sessionId", about(nullable(session_id()), "Null where it gets the events of all sessions and of the account.")),
        maybe("description", text()),
        always("timeoutSeconds", timeout()),
        maybe("maxBytes", max_bytes()),
        always("headerNames", about(list(&text()), "The names of its own headers.")),
        always("enabled", boolean()),
        maybe("disabledReason", word(DisabledReason::ALL.iter().map(|reason| reason.as_str()))),
        maybe("disabledAt", time()),
        maybe("failingSince", about(time(), "Since when it does nothing but fail.")),
        maybe("oldSecretUntil", about(time(), "Until when the secret before the last rotation signs too.")),
        always("createdAt", time()),
        always("updatedAt", time()),
    ]
}

pub(super) fn webhook() -> Value {
    answer(webhook_members())
}

pub(super) fn created_webhook() -> Value {
    let mut members = webhook_members();
    members.push(always("secret", about(text(), "For the Standard Webhooks libraries; shown this once.")));
    answer(members)
}

pub(super) fn webhook_tested() -> Value {
    answer(vec![
        always("eventId", id(EventId::PREFIX)),
        always("httpStatus", about(integer(200, Some(299)), "The server's status.")),
        always("durationMs", integer(0, None)),
    ])
}

pub(super) fn delivery() -> Value {
    answer(vec![
        always("deliveryId", id(DeliveryId::PREFIX)),
        always("eventId", id(EventId::PREFIX)),
        always("event", word(EventKind::ALL.iter().map(|kind| kind.as_str()))),
        always("sessionId", nullable(session_id())),
        always("sequence", integer(0, None)),
        always("createdAt", time()),
        always("status", word(DeliveryStatus::ALL.iter().map(|state| state.as_str()))),
        maybe("nextAttemptAt", about(time(), "Absent where it is due now or never.")),
        always("attempts", about(list(&reference("Attempt")), "Oldest first.")),
    ])
}

pub(super) fn attempt() -> Value {
    answer(vec![
        always("at", time()),
        always("durationMs", integer(0, None)),
        maybe("httpStatus", about(integer(100, Some(999)), "The server's status; absent where it gave no answer.")),
        maybe("reason", about(word(NoAnswer::ALL.iter().map(|why| why.as_str())), "Why there was no answer.")),
        maybe("answer", about(text(), "How the answer begins.")),
    ])
}
