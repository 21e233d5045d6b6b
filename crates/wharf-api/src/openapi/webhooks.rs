//! The `webhooks` section of the document: every kind of event with the shape of its `data`.

use serde_json::{Map, Value, json};

use super::schema::{about, always, answer, id, integer, maybe, reference, session_id, text, time, word};
use crate::ids::WebhookId;
use crate::types::event::EventKind;
use crate::types::session::{DisconnectReason, SessionStatus};
use crate::types::webhook::DisabledReason;

/// One entry for each kind.
pub(super) fn section() -> Value {
    EventKind::ALL.iter().map(|kind| (kind.as_str().to_owned(), json!({ "post": entry(*kind) }))).collect::<Map<_, _>>().into()
}

fn entry(kind: EventKind) -> Value {
    let body = json!({
        "allOf": [
            reference("Event"),
            { "type": "object", "properties": { "event": { "const": kind.as_str() }, "data": data(kind) } },
        ],
    });
    let mut content = json!({ "schema": body });
    if let Some(example) = super::example::event(kind) {
        content["example"] = example.clone();
    }
    let header =
        |name: &str, sentence: &str| json!({ "name": name, "in": "header", "required": true, "schema": text(), "description": sentence });
    json!({
        "operationId": format!("on_{}", kind.as_str().replace('.', "_")),
        "summary": sentence(kind),
        "description": "Delivered to your server: the signature is what proves where it comes from.",
        "tags": ["webhooks"],
        "security": [],
        "parameters": [
            header("webhook-id", "The event's id, the same at every try."),
            header("webhook-timestamp", "When this try was made, in seconds since 1970."),
            header("webhook-signature", "`v1,` and HMAC-SHA256 in Base64 over `id.timestamp.body`; more than one with spaces between while a secret is replaced."),
        ],
        "requestBody": { "required": true, "content": { "application/json": content } },
        "responses": {
            "2XX": { "description": "Taken. Anything else is tried again." },
            "410": { "description": "No more: the webhook is switched off." },
        },
    })
}

const fn sentence(kind: EventKind) -> &'static str {
    match kind {
        EventKind::MessageReceived => "A message came in.",
        EventKind::StatusReceived => "Somebody posted a status; only where the gateway is set to take them.",
        EventKind::MessageStatus => "A sent message reached another status.",
        EventKind::MessageSent => "WhatsApp's server has the message.",
        EventKind::MessageDelivered => "The recipient's phone has the message.",
        EventKind::MessageRead => "The recipient has seen the message.",
        EventKind::MessageFailed => "The message will never arrive.",
        EventKind::MessageReaction => "Somebody reacted to a message.",
        EventKind::MessageEdited => "Somebody edited a message.",
        EventKind::MessageDeleted => "Somebody deleted a message for everyone.",
        EventKind::PollVote => "Somebody voted in a poll.",
        EventKind::SessionQr => "The session shows a QR code.",
        EventKind::SessionPasskey => {
            "WhatsApp asks for a passkey before it links the phone: one event for each step, `failed` at an end without a link."
        }
        EventKind::SessionConnected => "The session is connected.",
        EventKind::SessionDisconnected => "The session lost its link; `reason` tells why.",
        EventKind::SessionStatus => "The session reached another status.",
        EventKind::GroupUpdated => "A group changed.",
        EventKind::CallReceived => "Somebody calls: once for each call.",
        EventKind::CallEnded => "A call rings no more: it was answered or rejected at another device, or nobody did.",
        EventKind::WebhookTest => "A test, sent on request. It stands in no log.",
        EventKind::WebhookDisabled => "A webhook was switched off by its failures.",
        EventKind::UsageWarning => "80 or 100 per cent of the day's messages are used.",
    }
}

fn data(kind: EventKind) -> Value {
    match kind {
        EventKind::MessageReceived
        | EventKind::StatusReceived
        | EventKind::MessageStatus
        | EventKind::MessageSent
        | EventKind::MessageDelivered
        | EventKind::MessageRead
        | EventKind::MessageFailed
        | EventKind::MessageReaction
        | EventKind::MessageEdited
        | EventKind::MessageDeleted
        | EventKind::PollVote => reference("Message"),
        EventKind::SessionQr | EventKind::SessionConnected | EventKind::SessionDisconnected | EventKind::SessionStatus => session(),
        EventKind::SessionPasskey => super::schemas::passkey_event(),
        EventKind::WebhookTest => answer(vec![always("webhookId", id(WebhookId::PREFIX)), always("message", text())]),
        EventKind::WebhookDisabled => answer(vec![
            always("webhookId", id(WebhookId::PREFIX)),
            always("url", text()),
            always("reason", word(DisabledReason::ALL.iter().map(|reason| reason.as_str()))),
        ]),
        EventKind::UsageWarning => answer(vec![
            always("metric", word(["messages"])),
            always("percent", about(integer(0, Some(100)), "80 or 100.")),
            always("used", integer(0, None)),
            always("limit", integer(0, None)),
            always("resetAt", time()),
        ]),
        EventKind::GroupUpdated => reference("GroupUpdated"),
        EventKind::CallReceived => reference("CallReceived"),
        EventKind::CallEnded => reference("CallEnded"),
    }
}

fn session() -> Value {
    answer(vec![
        always("sessionId", session_id()),
        always("status", word(SessionStatus::ALL.iter().map(|status| status.as_str()))),
        maybe("reason", word(DisconnectReason::ALL.iter().map(|reason| reason.as_str()))),
        maybe("waitingFor", super::schemas::waiting_for()),
        maybe("since", about(time(), "When that wait began.")),
        maybe("refusal", super::schemas::refusal()),
        maybe("degraded", super::schemas::degraded()),
        maybe("qr", about(text(), "The string that the QR code encodes.")),
        maybe("qrExpiresAt", time()),
    ])
}
