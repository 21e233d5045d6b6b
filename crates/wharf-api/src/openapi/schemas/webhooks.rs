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
    about(nullable(chars(0, limits::WEBHOOK_DESCRIPTION_CHARS)), "What people say of it; nothing depends on it.")
}

fn enabled() -> Value {
    about(boolean(), "Whether deliveries go out; while it is off they wait.")
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
        maybe("enabled", otherwise(nullable(enabled()), &json!(true))),
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
        maybe("enabled", nullable(enabled())),
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

/// What the words for why a webhook is off mean.
const DISABLED: &str = "Why it is switched off: `requested` by a request, `gone` where its server answered 410, `failing` where it did \
    nothing but fail for days. Absent while it is on.";

fn webhook_members() -> Vec<super::super::schema::Member> {
    vec![
        always("webhookId", id(WebhookId::PREFIX)),
        always("url", url()),
        always("events", events()),
        always("sessionId", about(nullable(session_id()), "Null where it gets the events of all sessions and of the account.")),
        maybe("description", about(text(), "What people say of it; nothing depends on it.")),
        always("timeoutSeconds", timeout()),
        maybe("maxBytes", max_bytes()),
        always("headerNames", about(list(&text()), "The names of its own headers.")),
        always("enabled", enabled()),
        maybe("disabledReason", about(word(DisabledReason::ALL.iter().map(|reason| reason.as_str())), DISABLED)),
        maybe("disabledAt", about(time(), "When it was switched off; absent while it is on.")),
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
        always("eventId", about(id(EventId::PREFIX), "The `webhook.test` that was sent; it stands in no log.")),
        always("httpStatus", about(integer(200, Some(299)), "The server's status.")),
        always("durationMs", about(integer(0, None), "How long the server took to answer.")),
    ])
}

pub(super) fn delivery() -> Value {
    answer(vec![
        always("deliveryId", id(DeliveryId::PREFIX)),
        always("eventId", id(EventId::PREFIX)),
        always("event", word(EventKind::ALL.iter().map(|kind| kind.as_str()))),
        always("sessionId", about(nullable(session_id()), "Null where the event is the account's.")),
        always("sequence", about(integer(0, None), "The event's place among those of its session.")),
        always("createdAt", about(time(), "When the event happened.")),
        always(
            "status",
            about(
                word(DeliveryStatus::ALL.iter().map(|state| state.as_str())),
                "`pending`: it waits for its first or its next try. `delivered`: the server answered 2xx. `failed`: all tries failed.",
            ),
        ),
        maybe("nextAttemptAt", about(time(), "Absent where it is due now or never.")),
        always("attempts", about(list(&reference("Attempt")), "Oldest first.")),
    ])
}

pub(super) fn attempt() -> Value {
    answer(vec![
        always("at", about(time(), "When the try began.")),
        always("durationMs", about(integer(0, None), "How long it took, until the answer or until it was given up.")),
        maybe("httpStatus", about(integer(100, Some(999)), "The server's status; absent where it gave no answer.")),
        maybe("reason", about(word(NoAnswer::ALL.iter().map(|why| why.as_str())), "Why there was no answer.")),
        maybe("answer", about(text(), "How the answer begins.")),
    ])
}
