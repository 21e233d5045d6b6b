//! The parameters of operations: what stands in their paths, and what their query strings may hold.

use serde_json::{Value, json};

use super::schema::{chars, id, integer, key_id, message_id, pattern, recipient, session_id, text, time, word};
use crate::ids::{AccountId, DeliveryId, LoginId, MediaId, UserId, WebhookId};
use crate::limits;
use crate::types::event::EventKind;
use crate::types::media::MediaKind;
use crate::types::message::{Content, Direction, MessageStatus};
use crate::types::session::SessionStatus;
use crate::types::webhook::DeliveryStatus;

/// A parameter of the query string.
pub(crate) struct Parameter {
    pub name: &'static str,
    pub schema: Value,
    pub description: &'static str,
}

/// A part of the path.
pub(super) fn in_path(name: &str) -> Value {
    match name {
        "sessionId" => session_id(),
        "messageId" => message_id(),
        "mediaId" => id(MediaId::PREFIX),
        "keyId" => key_id(),
        "userId" => id(UserId::PREFIX),
        "loginId" => id(LoginId::PREFIX),
        "webhookId" => id(WebhookId::PREFIX),
        "deliveryId" => id(DeliveryId::PREFIX),
        "accountId" => id(AccountId::PREFIX),
        "contactId" | "chatId" => recipient(),
        "groupId" => pattern("^[0-9-]{1,40}(?:@g\\.us)?$"),
        "action" => word(["add", "remove", "promote", "demote"]),
        "decision" => word(["approve", "reject"]),
        "name" => pattern(&format!("^[a-z0-9_-]{{1,{}}}$", limits::PLAN_NAME_CHARS)),
        _ => text(),
    }
}

/// Of `get_session_qr`.
pub(crate) fn session_qr() -> Vec<Parameter> {
    vec![
        parameter("wait", integer(0, Some(limits::LONG_POLL_MAX_SECS)), "Seconds to wait for a code other than `known`."),
        parameter("known", text(), "The code that the caller shows now."),
    ]
}

/// Of `get_message`.
pub(crate) fn message() -> Vec<Parameter> {
    vec![
        parameter(
            "wait",
            integer(0, Some(limits::LONG_POLL_MAX_SECS)),
            "Seconds to wait for the status `until`, or a later one; a failure ends the wait.",
        ),
        parameter("until", word(["sent", "delivered", "read", "played"]), "`sent` unless said otherwise."),
    ]
}

/// Of `list_deliveries`.
pub(crate) fn deliveries() -> Vec<Parameter> {
    vec![parameter("status", word(DeliveryStatus::ALL.iter().map(|state| state.as_str())), "Only those in this state.")]
}

/// Of `list_events`.
pub(crate) fn events() -> Vec<Parameter> {
    vec![
        parameter(
            "cursor",
            text(),
            "Where to begin: the id of an event, the `page.next` of an answer, `oldest`, `latest`, or `-N`: with the last N events, 1000 at most.",
        ),
        parameter("sessionId", session_id(), "Only this session's."),
        parameter(
            "events",
            pattern(&kinds()),
            "Only these: kinds of events with commas between. `*`: each step once, as webhooks with `*` get it.",
        ),
        parameter("wait", integer(0, Some(limits::LONG_POLL_MAX_SECS)), "Seconds to wait for a first event."),
        parameter(
            "lastEventId",
            text(),
            "What `Last-Event-ID` says, for readers that cannot set headers. The header is newer, `cursor` older.",
        ),
        parameter("last_event_id", text(), "The same, as other readers write it."),
        parameter(
            "names",
            word(["kind", "message"]),
            "How a stream calls its events: by their `kind`, or `message`, which the `onmessage` of a page hears and which a `token` means.",
        ),
        parameter("token", text(), "What `create_event_token` made, in place of a key: for a stream or a WebSocket, and for no list."),
    ]
}

/// Of `list_sessions`.
pub(crate) fn sessions() -> Vec<Parameter> {
    vec![
        parameter("name", chars(1, limits::SESSION_NAME_CHARS), "Only those whose name has this in it, letter case apart."),
        parameter("status", word(SessionStatus::ALL.iter().map(|status| status.as_str())), "Only those in this status at this moment."),
    ]
}

/// Of what a session is asked without a body.
pub(crate) fn session() -> Vec<Parameter> {
    vec![parameter("sessionId", session_id(), "The session that asks. Required.")]
}

/// Of `get_contact_picture`.
pub(crate) fn contact_picture() -> Vec<Parameter> {
    vec![
        parameter("sessionId", session_id(), "The session that asks. Required."),
        parameter("size", word(["full", "preview"]), "The whole picture, or a small one."),
    ]
}

/// Of `upload_media`.
pub(crate) fn upload() -> Vec<Parameter> {
    vec![
        parameter(
            "mediaType",
            word(MediaKind::ALL.iter().map(|kind| kind.as_str())),
            "What the file is for; told from its bytes otherwise.",
        ),
        parameter("fileName", text(), "The file's name, where the body itself carries none."),
    ]
}

/// Of `admin_list_users`.
pub(crate) fn users() -> Vec<Parameter> {
    vec![parameter("accountId", id(AccountId::PREFIX), "Only this account's.")]
}

/// Of `list_audit`.
pub(crate) fn audit() -> Vec<Parameter> {
    vec![
        parameter("action", text(), "Only this operation's, by its id; `authenticate` for keys that were refused."),
        parameter("keyId", key_id(), "Only what was done with this key."),
        parameter("target", text(), "Only what names this id or plan."),
    ]
}

/// Of `admin_list_audit`.
pub(crate) fn all_audit() -> Vec<Parameter> {
    let mut all = audit();
    all.push(parameter("accountId", id(AccountId::PREFIX), "Only what is about this account."));
    all
}

/// Of `list_messages`.
pub(crate) fn messages() -> Vec<Parameter> {
    vec![
        parameter("sessionId", session_id(), "Only this session's."),
        parameter(
            "chatId",
            json!({ "anyOf": [recipient(), pattern("^[^\\u0000]*@[^\\u0000]*$")] }),
            "Only this chat's: a phone number, a chat id or a LID.",
        ),
        parameter("direction", word([Direction::Outgoing.as_str(), Direction::Incoming.as_str()]), "Only these."),
        parameter("status", word(MessageStatus::ALL.iter().map(|status| status.as_str())), "Only those in this status."),
        parameter("type", word(Content::TYPES.iter().copied()), "Only those of this type."),
        parameter(
            "text",
            chars(1, limits::SEARCH_CHARS),
            "Only those whose words have this in them, letter case included. A page may have fewer of them, or none, and a next one.",
        ),
        parameter("since", time(), "Only those from then on."),
        parameter("until", time(), "Only those before then."),
        parameter("reference", chars(1, limits::REFERENCE_CHARS), "Only those that were sent under this name of your own."),
        parameter("whatsappId", text(), "Only those that WhatsApp knows by this id. Needs `sessionId`."),
    ]
}

/// Kinds of events with commas between, or a star.
fn kinds() -> String {
    let words: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str().replace('.', "\\.")).collect();
    let kind = format!("(?:{})", words.join("|"));
    format!("^(?:\\*|{kind}(?:,{kind})*)$")
}

pub(super) fn parameter(name: &'static str, schema: Value, description: &'static str) -> Parameter {
    Parameter { name, schema, description }
}
