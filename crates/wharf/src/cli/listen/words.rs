//! What an event says to a person: who and what, and how far a message has come.

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use wharf_api::types::event::EventKind;
use wharf_api::types::message::{Direction, MessageStatus};

use crate::cli::operations::shortened;
use crate::cli::plain::plain;

/// How much of a text is shown, in columns.
const SHOWN: usize = 120;

/// What one line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// The message or the session that the line is about: what is said of it later takes the line's place.
    pub about: Option<String>,
    pub words: String,
    /// How far a message has come; empty for all else.
    pub mark: String,
    pub style: Style,
}

/// The event in words.
pub(super) fn said(event: &Value) -> Said {
    let (name, data) = (event["event"].as_str().unwrap_or("-"), &event["data"]);
    // A kind of a later release has its name at least.
    let Some(kind) = EventKind::parse(name) else { return once(plain(name)) };
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
        | EventKind::PollVote => message(data),
        EventKind::SessionQr | EventKind::SessionConnected | EventKind::SessionDisconnected | EventKind::SessionStatus => {
            Said { about: text(&data["sessionId"]), ..once(session(data)) }
        }
        EventKind::SessionPasskey => {
            let code = text(&data["code"]).map(|code| format!(", code {code}")).unwrap_or_default();
            once(format!("a passkey is to confirm the link: {}{code}", text(&data["step"]).unwrap_or_default()))
        }
        EventKind::GroupUpdated => once(group(data)),
        EventKind::CallReceived => {
            let missed = if data["missed"] == true { ", and it is over" } else { "" };
            let kind = text(&data["type"]).map(|kind| format!(" ({kind})")).unwrap_or_default();
            once(format!("☎ {} calls{kind}{missed}", party(&data["from"])))
        }
        EventKind::CallEnded => once(format!("☎ {}: {}", party(&data["from"]), spaced(&data["outcome"]))),
        EventKind::WebhookTest => once("a test of a webhook".to_owned()),
        EventKind::WebhookDisabled => {
            once(format!("the webhook to {} is off: {}", text(&data["url"]).unwrap_or_default(), spaced(&data["reason"])))
        }
        EventKind::UsageWarning => {
            once(format!("{} % of the day's messages are used: {} of {}", data["percent"], data["used"], data["limit"]))
        }
    }
}

/// A line that nothing takes the place of.
fn once(words: String) -> Said {
    Said { about: None, words, mark: String::new(), style: Style::new() }
}

fn message(data: &Value) -> Said {
    let outgoing = data["direction"] == Direction::Outgoing.as_str();
    let chat = &data["chat"];
    let place = if !outgoing && data["from"].is_object() && is_group(chat) {
        format!("{} in {}", party(&data["from"]), party(chat))
    } else if !outgoing && data["from"].is_object() {
        party(&data["from"])
    } else {
        party(chat)
    };
    let elsewhere = if data["fromOtherDevice"] == true { " (at another device)" } else { "" };
    let arrow = if outgoing { '→' } else { '←' };
    let (mark, style) = if outgoing { mark(data) } else { (String::new(), Style::new()) };
    Said { about: text(&data["messageId"]), words: format!("{arrow} {place}{elsewhere}  {}", content(data)), mark, style }
}

/// The ticks, as phones show them, with their word.
fn mark(data: &Value) -> (String, Style) {
    let Some(status) = data["status"].as_str().and_then(MessageStatus::parse) else {
        return (text(&data["status"]).unwrap_or_default(), Style::new());
    };
    let word = status.as_str();
    match status {
        MessageStatus::Queued => {
            let held = text(&data["heldUntil"]).map(|until| format!(" until {until}")).unwrap_or_default();
            (format!("· {word}{held}"), Style::new().dimmed())
        }
        MessageStatus::Sent => (format!("✓ {word}"), Style::new().dimmed()),
        MessageStatus::Delivered => (format!("✓✓ {word}"), Style::new().dimmed()),
        MessageStatus::Read | MessageStatus::Played => (format!("✓✓ {word}"), AnsiColor::Cyan.on_default()),
        MessageStatus::Failed => {
            let code = text(&data["error"]["code"]).map(|code| format!(": {code}")).unwrap_or_default();
            (format!("✗ {word}{code}"), AnsiColor::Red.on_default().bold())
        }
        MessageStatus::Received => (word.to_owned(), Style::new()),
    }
}

fn content(data: &Value) -> String {
    let kind = data["type"].as_str().unwrap_or("message");
    let quoted = |member: &str| text(&data[member]).filter(|text| !text.is_empty()).map(|text| format!("«{}»", cut(&text)));
    let many = |member: &str| {
        let all = data[member].as_array().into_iter().flatten().filter_map(text);
        all.map(|one| format!("«{}»", cut(&one))).collect::<Vec<_>>().join(", ")
    };
    match kind {
        "text" => quoted("text").unwrap_or_else(|| "«»".to_owned()),
        "edit" => format!("✎ {}", quoted("text").unwrap_or_default()),
        "deletion" => "✗ deletes a message".to_owned(),
        "reaction" => text(&data["emoji"]).filter(|emoji| !emoji.is_empty()).unwrap_or_else(|| "takes a reaction back".to_owned()),
        "poll" => format!("☑ {}", quoted("question").unwrap_or_default()),
        "poll_vote" if many("options").is_empty() => "takes a vote back".to_owned(),
        "poll_vote" => format!("☑ {}", many("options")),
        "contact" => format!("[contact] {}", text(&data["contacts"][0]["name"]).unwrap_or_default()),
        other => {
            let words = ["text", "caption", "fileName", "name", "address"].into_iter().find_map(quoted);
            let gap = if words.is_some() { " " } else { "" };
            format!("[{}]{gap}{}", plain(other), words.unwrap_or_default())
        }
    }
}

fn session(data: &Value) -> String {
    let status = match data["status"].as_str().unwrap_or_default() {
        "qr" => "waits for its scan".to_owned(),
        "qr_expired" => "was not scanned in time".to_owned(),
        other => format!("is {}", plain(other)),
    };
    let refusal = text(&data["refusal"]["text"]).or_else(|| text(&data["refusal"]["code"]));
    let why = [&data["reason"], &data["waitingFor"], &data["degraded"]].into_iter().filter_map(text).map(|word| word.replace('_', " "));
    let why: Vec<_> = why.chain(refusal).collect();
    if why.is_empty() { status } else { format!("{status} ({})", why.join(", ")) }
}

fn group(data: &Value) -> String {
    let by = if data["by"].is_object() { format!(", by {}", party(&data["by"])) } else { String::new() };
    let people: Vec<_> = data["participants"].as_array().into_iter().flatten().map(party).collect();
    let what = ["subject", "description", "setting"].iter().find_map(|member| text(&data[*member])).map(|text| cut(&text));
    let what = if people.is_empty() { what.unwrap_or_default() } else { people.join(", ") };
    let gap = if what.is_empty() { "" } else { ": " };
    format!("group {}: {}{gap}{what}{by}", text(&data["groupId"]).unwrap_or_default(), spaced(&data["type"]))
}

fn is_group(chat: &Value) -> bool {
    chat["chatId"].as_str().is_some_and(|id| id.ends_with("@g.us"))
}

/// The name and the number of a person, or the id where there is neither.
fn party(shown: &Value) -> String {
    let number = text(&shown["phoneNumber"]).map(|number| format!("+{}", number.trim_start_matches('+')));
    let id = || text(&shown["contactId"]).or_else(|| text(&shown["chatId"])).unwrap_or_else(|| "?".to_owned());
    match (text(&shown["name"]).filter(|name| !name.is_empty()), number) {
        (Some(name), Some(number)) => format!("{} ({number})", cut(&name)),
        (Some(name), None) => cut(&name),
        (None, Some(number)) => number,
        (None, None) => id(),
    }
}

/// A text, fit for a terminal.
fn text(value: &Value) -> Option<String> {
    value.as_str().map(plain)
}

fn spaced(value: &Value) -> String {
    text(value).unwrap_or_default().replace('_', " ")
}

fn cut(text: &str) -> String {
    // More letters than columns do not fit, whatever their width.
    if text.chars().nth(SHOWN).is_some() { shortened(text, SHOWN) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(event: &str, data: &Value) -> String {
        let said = said(&json!({"event": event, "data": data}));
        format!("{}  {}", said.words, said.mark).trim_end().to_owned()
    }

    #[test]
    fn a_message_says_who_and_what_and_how_far_it_has_come() {
        let sent = |status: &str| {
            json!({"messageId": "msg_1", "direction": "outgoing", "status": status, "type": "text", "text": "Hello",
                "chat": {"chatId": "1555@s.whatsapp.net", "phoneNumber": "1555", "name": "Ann"}})
        };
        assert_eq!(of("message.status", &sent("queued")), "→ Ann (+1555)  «Hello»  · queued");
        assert_eq!(of("message.sent", &sent("sent")), "→ Ann (+1555)  «Hello»  ✓ sent");
        assert_eq!(of("message.read", &sent("read")), "→ Ann (+1555)  «Hello»  ✓✓ read");
        let mut failed = sent("failed");
        failed["error"] = json!({"code": "some_code"});
        assert_eq!(of("message.failed", &failed), "→ Ann (+1555)  «Hello»  ✗ failed: some_code");
        let came = json!({"messageId": "msg_2", "direction": "incoming", "status": "received", "type": "image", "caption": "look",
            "chat": {"chatId": "9@g.us", "name": "Team"}, "from": {"contactId": "1@s", "phoneNumber": "1"}});
        assert_eq!(of("message.received", &came), "← +1 in Team  [image] «look»");
    }

    #[test]
    fn whatever_changes_a_message_is_told_by_what_it_changes() {
        let change = |more: Value| {
            let mut data = json!({"messageId": "msg_1", "direction": "incoming", "chat": {"chatId": "1@s"}, "from": {"contactId": "1@s"}});
            data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            data
        };
        assert_eq!(of("message.reaction", &change(json!({"type": "reaction", "emoji": "👍"}))), "← 1@s  👍");
        assert_eq!(of("message.reaction", &change(json!({"type": "reaction", "emoji": ""}))), "← 1@s  takes a reaction back");
        assert_eq!(of("message.edited", &change(json!({"type": "edit", "text": "new"}))), "← 1@s  ✎ «new»");
        assert_eq!(of("message.deleted", &change(json!({"type": "deletion"}))), "← 1@s  ✗ deletes a message");
        assert_eq!(of("poll.vote", &change(json!({"type": "poll_vote", "options": ["a", "b"]}))), "← 1@s  ☑ «a», «b»");
        assert_eq!(of("poll.vote", &change(json!({"type": "poll_vote", "options": []}))), "← 1@s  takes a vote back");
    }

    #[test]
    fn sessions_groups_and_calls_are_told_with_their_reasons() {
        let lost = json!({"sessionId": "ses_1", "status": "disconnected", "reason": "logged_out"});
        assert_eq!(of("session.disconnected", &lost), "is disconnected (logged out)");
        assert_eq!(of("session.qr", &json!({"sessionId": "ses_1", "status": "qr", "qr": "x"})), "waits for its scan");
        let people = json!([{"contactId": "1@s", "name": "Ann"}]);
        let added = json!({"groupId": "9@g.us", "type": "participants_added", "participants": people, "by": {"contactId": "2@s"}});
        assert_eq!(of("group.updated", &added), "group 9@g.us: participants added: Ann, by 2@s");
        assert_eq!(of("call.ended", &json!({"from": {"phoneNumber": "1"}, "outcome": "answered_elsewhere"})), "☎ +1: answered elsewhere");
        assert_eq!(of("usage.warning", &json!({"percent": 80, "used": 8, "limit": 10})), "80 % of the day's messages are used: 8 of 10");
        assert_eq!(of("a.kind.of.tomorrow", &json!({})), "a.kind.of.tomorrow");
    }

    #[test]
    fn every_kind_of_event_says_something_and_nothing_in_it_steers_the_terminal() {
        let evil = "a\u{1b}[2J\nb\u{202e}";
        let data = json!({"messageId": evil, "sessionId": evil, "type": evil, "text": evil, "status": evil, "reason": evil, "step": evil,
            "url": evil, "chat": {"name": evil}, "from": {"name": evil}, "by": {"name": evil}, "groupId": evil, "subject": evil,
            "outcome": evil});
        for kind in EventKind::ALL {
            let line = of(kind.as_str(), &data);
            assert!(!line.is_empty() && !line.chars().any(|letter| letter.is_control() || letter == '\u{202e}'), "{line:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = "é".repeat(SHOWN + 1);
        let long = json!({"messageId": "m", "direction": "incoming", "type": "text", "text": text, "from": {"contactId": "x"}});
        let line = of("message.received", &long);
        assert!(line.ends_with("é…»") && line.matches('é').count() == SHOWN - 1, "{line}");
    }
}
