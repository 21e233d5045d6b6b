//! The lists that are asked for, each as its callers use it, and what their times come to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Where in a database lists are begun and what they look for.
pub struct OldPlaces {
    pub session: String,
    /// A contact's number.
    pub chat: String,
    /// A message from far back: its id, the network's id of it, when it was made, and the cursor that leads to it.
    pub message: String,
    pub whatsapp_id: String,
    pub made_at: String,
    pub message_cursor: String,
    /// When the newest message was made.
    pub newest_at: String,
    /// The second pages.
    pub chats_next: String,
    pub contacts_next: String,
    /// The middle of the log.
    pub event_cursor: String,
}

/// One way to ask for a list.
pub struct ListCall {
    pub name: &'static str,
    /// As the document calls it.
    pub operation: &'static str,
    pub path: String,
}

/// How long a list took, by the median of its calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListTime {
    pub median_ms: f64,
    /// The status of an answer that was no list.
    pub refused: Option<u16>,
}

/// The cursor of that number.
pub fn cursor(number: i64) -> String {
    URL_SAFE_NO_PAD.encode(number.to_string())
}

impl ListCall {
    /// Whether only an operator may ask.
    pub fn is_operators(&self) -> bool {
        self.path.starts_with("/v1/admin/") || self.path == "/metrics"
    }
}

pub fn all(at: &OldPlaces) -> Vec<ListCall> {
    let mut all = messages(at);
    all.extend(chats_and_events(at));
    all.extend(others());
    all
}

fn messages(at: &OldPlaces) -> Vec<ListCall> {
    let OldPlaces { session, chat, message_cursor: back, .. } = at;
    let of = |name, words: String| ListCall { name, operation: "list_messages", path: format!("/v1/messages?{words}") };
    vec![
        of("messages", "limit=50".to_owned()),
        of("messages, far back", format!("cursor={back}")),
        of("messages of a session", format!("sessionId={session}")),
        of("messages of a session, far back", format!("sessionId={session}&cursor={back}")),
        of("messages of a chat", format!("chatId={chat}")),
        // Far back an empty one has two of a chat: as many rows are asked of both.
        of("messages of a chat, far back", format!("chatId={chat}&cursor={back}&limit=2")),
        of("messages of a session's chat", format!("sessionId={session}&chatId={chat}")),
        of("messages that came in", "direction=incoming".to_owned()),
        of("messages that went out", "direction=outgoing".to_owned()),
        of("messages that arrived", "status=delivered".to_owned()),
        of("messages that failed, which none did", "status=failed".to_owned()),
        of("messages that are queued, which none is", "status=queued".to_owned()),
        of("texts", "type=text".to_owned()),
        of("images, of which there is none", "type=image".to_owned()),
        of("messages with a word", "text=tomorrow".to_owned()),
        of("messages with a word that none has", "text=yesterday".to_owned()),
        of("messages of a chat with a word that none has", format!("chatId={chat}&text=yesterday")),
        of("messages since the newest", format!("since={}", at.newest_at)),
        of("messages until far back", format!("until={}", at.made_at)),
        of("messages by a reference that none has", "reference=none".to_owned()),
        of("messages by the network's id", format!("sessionId={session}&whatsappId={}", at.whatsapp_id)),
        ListCall { name: "one message, from far back", operation: "get_message", path: format!("/v1/messages/{}", at.message) },
    ]
}

fn chats_and_events(at: &OldPlaces) -> Vec<ListCall> {
    let (session, middle) = (&at.session, &at.event_cursor);
    let chats = |name, words: &str| ListCall { name, operation: "list_chats", path: format!("/v1/chats?sessionId={session}{words}") };
    let contacts =
        |name, words: &str| ListCall { name, operation: "list_contacts", path: format!("/v1/contacts?sessionId={session}{words}") };
    let events = |name, words: String| ListCall { name, operation: "list_events", path: format!("/v1/events?{words}") };
    vec![
        chats("chats", ""),
        chats("chats, the second page", &format!("&cursor={}", at.chats_next)),
        contacts("contacts", ""),
        contacts("contacts, the second page", &format!("&cursor={}", at.contacts_next)),
        events("events, the oldest", "cursor=oldest".to_owned()),
        events("events, from the middle", format!("cursor={middle}")),
        events("events, the last 50", "cursor=-50".to_owned()),
        events("events of a session, from the middle", format!("sessionId={session}&cursor={middle}")),
        events("events, each step once, from the middle", format!("events=*&cursor={middle}")),
        events("events of deliveries, from the middle", format!("events=message.delivered&cursor={middle}")),
        events("events of failures, of which there is none, from the middle", format!("events=message.failed&cursor={middle}")),
    ]
}

fn others() -> Vec<ListCall> {
    let of = |name, operation, path: &str| ListCall { name, operation, path: path.to_owned() };
    vec![
        of("usage", "get_usage", "/v1/usage"),
        of("account", "get_account", "/v1/account"),
        of("sessions", "list_sessions", "/v1/sessions"),
        of("webhooks", "list_webhooks", "/v1/webhooks"),
        of("keys", "list_api_keys", "/v1/api-keys"),
        of("users", "list_users", "/v1/users"),
        of("audit", "list_audit", "/v1/audit"),
        of("all accounts", "admin_list_accounts", "/v1/admin/accounts"),
        of("all users", "admin_list_users", "/v1/admin/users"),
        of("all queues", "admin_list_queues", "/v1/admin/queues"),
        of("all nodes", "admin_list_nodes", "/v1/admin/nodes"),
        of("all plans", "admin_list_plans", "/v1/admin/plans"),
        of("all audit", "admin_list_audit", "/v1/admin/audit"),
        of("metrics", "get_metrics", "/metrics"),
    ]
}

/// A row of the table.
pub fn line(name: &str, empty: ListTime, full: ListTime) -> String {
    let cell = |time: ListTime| match time.refused {
        Some(status) => format!("{status} after {:.2}", time.median_ms),
        None => format!("{:.2}", time.median_ms),
    };
    format!("| {name} | {} | {} | {:.2} × |", cell(empty), cell(full), full.median_ms / empty.median_ms)
}

/// Whether the full database makes the list slower than the bound allows, or answers without one.
pub fn is_above(empty: ListTime, full: ListTime, bound: f64) -> bool {
    full.refused.is_some() || full.median_ms > empty.median_ms * bound
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const fn took(median_ms: f64, refused: Option<u16>) -> ListTime {
        ListTime { median_ms, refused }
    }

    #[test]
    fn each_way_to_ask_has_a_name_and_a_path_of_its_own() {
        let text = || "x".to_owned();
        let at = OldPlaces {
            session: text(),
            chat: text(),
            message: text(),
            whatsapp_id: text(),
            made_at: "then".to_owned(),
            message_cursor: text(),
            newest_at: "now".to_owned(),
            chats_next: text(),
            contacts_next: text(),
            event_cursor: text(),
        };
        let all = all(&at);
        let (names, paths): (BTreeSet<_>, BTreeSet<_>) = all.iter().map(|list| (list.name, list.path.as_str())).unzip();
        assert_eq!((names.len(), paths.len()), (all.len(), all.len()));
        let operators: Vec<_> = all.iter().filter(|list| list.is_operators()).map(|list| list.operation).collect();
        assert!(operators.contains(&"admin_list_queues") && operators.contains(&"get_metrics"), "{operators:?}");
        assert!(operators.iter().all(|name| name.starts_with("admin_") || *name == "get_metrics"), "{operators:?}");
    }

    #[test]
    fn a_cursor_is_what_the_gateway_writes() {
        assert_eq!([cursor(0), cursor(123), cursor(-7)], ["MA", "MTIz", "LTc"]);
    }

    #[test]
    fn a_list_that_is_refused_is_above_every_bound_and_the_table_says_so() {
        let (empty, slow, refused) = (took(2.0, None), took(3.5, None), took(1.0, Some(503)));
        assert_eq!(line("chats", empty, slow), "| chats | 2.00 | 3.50 | 1.75 × |");
        assert_eq!(line("chats", empty, refused), "| chats | 2.00 | 503 after 1.00 | 0.50 × |");
        assert!(is_above(empty, slow, 1.5) && !is_above(empty, slow, 2.0) && is_above(empty, refused, 2.0));
    }
}
