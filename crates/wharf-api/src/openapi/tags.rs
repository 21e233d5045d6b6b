//! The groups of the document, in the order in which a person learns them.

use serde_json::{Value, json};

/// Each with a sentence.
pub(super) const ALL: &[(&str, &str)] = &[
    ("sessions", "Phones that are linked: by QR code, by pairing code, with a passkey."),
    ("messages", "What is sent and what came in: texts, files, places, cards, polls, reactions."),
    ("media", "Files to send, and files that came in."),
    ("webhooks", "Events, delivered to your server, signed."),
    ("events", "The log of what happened: a list, a long poll, a stream."),
    ("contacts", "Who is on WhatsApp, names, pictures, presence, blocking."),
    ("chats", "Conversations: lists, read marks, typing."),
    ("groups", "Groups and their members, invites and requests."),
    ("keys", "API keys: made, shown, rotated, revoked."),
    ("users", "People who sign in: users, roles, log-ins."),
    ("account", "The own account: its plan, its use, its audit log."),
    ("admin", "For operators: accounts, users, plans, nodes, queues, switches, the version of WhatsApp Web."),
    ("open", "Without a key: this document, the error catalogue, health and metrics."),
];

pub(super) fn section() -> Value {
    ALL.iter().map(|(name, sentence)| json!({ "name": name, "description": sentence })).collect()
}

/// The group of an operation, by the first noun of its path; the quick start's by the last.
pub(super) fn of(path: &str) -> &'static str {
    let noun = match path.strip_prefix("/api/whatsapp/") {
        Some(rest) => rest.rsplit('/').next(),
        None => path.strip_prefix("/v1/").and_then(|rest| rest.split('/').next()),
    };
    match noun.unwrap_or_default() {
        "api-keys" => "keys",
        "usage" | "audit" => "account",
        "login" | "logins" => "users",
        // Whether a session is seen to be online.
        "presence" => "sessions",
        noun => ALL.iter().find(|(name, _)| *name == noun).map_or("open", |(name, _)| name),
    }
}
