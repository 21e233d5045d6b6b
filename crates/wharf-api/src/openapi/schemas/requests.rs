//! What we are asked.

use serde_json::{Value, json};

use crate::openapi::schema::{
    Member, about, always, chars, list, maybe, name, nullable, phone, recipient, request, session_id, text, time, word,
};
use crate::{Permission, limits};

pub(super) fn create_session() -> Value {
    request(vec![title(), maybe("webhook", hook()), maybe("proxy", about(nullable(some_text()), PROXY))])
}

pub(super) fn update_session() -> Value {
    let proxy = about(nullable(some_text()), &format!("{PROXY} `null` takes it away: the gateway's own way counts then."));
    request(vec![
        maybe("name", about(nullable(name(limits::SESSION_NAME_CHARS)), "What people call it. `null` leaves it as it is.")),
        maybe("proxy", proxy),
    ])
}

const PROXY: &str = "Its own proxy on the way to WhatsApp, for socket and media: `socks5://` or `http://`, perhaps `NAME:PASSWORD@`, a host and a port. It is kept sealed.";

/// A text that is not empty.
fn some_text() -> Value {
    let mut schema = text();
    schema["minLength"] = json!(1);
    schema
}

fn title() -> Member {
    always("name", about(name(limits::SESSION_NAME_CHARS), "What people call it."))
}

pub(super) fn create_pairing_code() -> Value {
    request(vec![always("phoneNumber", phone())])
}

pub(super) fn quick_session() -> Value {
    request(vec![title(), maybe("webhook", hook())])
}

fn hook() -> Value {
    about(nullable(some_text()), "Where all its events are delivered. The session is made only if this address takes a `webhook.test`.")
}

pub(super) fn quick_message() -> Value {
    request(vec![always("to", recipient()), always("message", about(chars(1, limits::TEXT_CHARS), "The text."))])
}

pub(super) fn check_contacts() -> Value {
    let mut phones = list(&phone());
    phones["minItems"] = json!(1);
    phones["maxItems"] = json!(limits::CONTACTS_PER_CHECK);
    request(vec![always("sessionId", about(session_id(), "The session that asks.")), always("phoneNumbers", phones)])
}

pub(super) fn create_key() -> Value {
    let mut permissions = list(&word(Permission::ALL.iter().map(|permission| permission.as_str())));
    permissions["minItems"] = json!(1);
    let mut sessions = list(&session_id());
    sessions["maxItems"] = json!(limits::KEY_SESSIONS);
    request(vec![
        always("name", about(name(limits::KEY_NAME_CHARS), "What people call it.")),
        always("permissions", about(permissions, "What it may do; not more than the key that asks.")),
        maybe("expiresAt", about(nullable(time()), "From when on it is refused.")),
        maybe("sessionIds", about(nullable(sessions), "The only sessions that it may use; all of the account's where absent.")),
    ])
}
