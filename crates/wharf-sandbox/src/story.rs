//! What happens, told in the terminal as it happens: the demo account's events, a line each, and the QR code as a picture.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::time::Duration;

use serde_json::Value;
use wharf::http::picture;
use wharf_api::ids::{AccountId, SessionId};
use wharf_api::types::event::EventKind;
use wharf_core::store::{EventFilter, EventRow};
use wharf_core::{Services, event};

/// How many lines wait for a terminal that somebody has stopped; what comes then is not told.
const LINES: usize = 1_024;
/// How many events are read at a time.
const EVENTS: u32 = 100;
/// How long until the log is looked at although no bell rang: another process may have written to it.
const LOOK: Duration = Duration::from_secs(1);
/// How much of a text is shown.
const SHOWN: usize = 60;

/// In which form the story is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Lines for people.
    Words,
    /// Each event as webhooks carry it, a line each.
    Json,
}

struct Story {
    services: Arc<Services>,
    account: AccountId,
    control_url: String,
    form: Form,
    lines: SyncSender<String>,
    /// The sessions whose code was drawn.
    drawn: HashSet<SessionId>,
}

/// Tells what happens from now on, until the process ends.
pub fn tell(services: Arc<Services>, account: AccountId, control_url: Option<String>, form: Form) {
    let (lines, told) = mpsc::sync_channel::<String>(LINES);
    // A thread of its own: a terminal may be stopped, and the gateway goes on.
    std::thread::spawn(move || {
        for line in told {
            if writeln!(std::io::stdout(), "{line}").is_err() {
                return;
            }
        }
    });
    let control_url = control_url.unwrap_or_else(|| "$CONTROL".to_owned());
    tokio::spawn(Story { services, account, control_url, form, lines, drawn: HashSet::new() }.follow());
}

impl Story {
    async fn follow(mut self) {
        let mut bell = self.services.store.bell().listen(&self.account);
        let Ok(mut position) = self.services.store.latest_event(&self.account).await else { return };
        loop {
            bell.mark_unchanged();
            // A log that cannot be read now is read at the next look.
            if let Ok(page) = self.services.store.list_events(&self.account, &EventFilter::default(), position, EVENTS).await {
                position = page.position;
                for row in &page.rows {
                    if let Some(line) = self.line(row).await {
                        // Nobody reads: the line is left out.
                        let _ = self.lines.try_send(line);
                    }
                }
                if page.more {
                    continue;
                }
            }
            let _ = tokio::time::timeout(LOOK, bell.changed()).await;
        }
    }

    async fn line(&mut self, row: &EventRow) -> Option<String> {
        if self.form == Form::Json {
            return event::body(&self.account, row);
        }
        let data: Value = serde_json::from_str(&row.data).ok()?;
        let words = match row.kind {
            EventKind::SessionQr => self.qr_code(row, &data).await?,
            EventKind::SessionConnected | EventKind::SessionDisconnected => {
                let reason = data["reason"].as_str().map(|reason| format!(" ({reason})")).unwrap_or_default();
                format!("{} is {}{reason}", self.name(row).await, plain(data["status"].as_str()?))
            }
            other => in_words(other, &data)?,
        };
        // The time of day stands in the middle of the full form.
        let at = row.at.to_string();
        Some(format!("{}  {words}", at.get(11..19).unwrap_or(&at)))
    }

    /// The first code of a session as a picture, and how a pretend phone scans it. Those that follow are the same to look at.
    async fn qr_code(&mut self, row: &EventRow, data: &Value) -> Option<String> {
        let text = data["qr"].as_str()?;
        let name = self.name(row).await;
        let session = row.session.as_ref()?;
        if !self.drawn.insert(session.clone()) {
            return Some(format!("{name} has a fresh code: GET /v1/sessions/{session}/qr"));
        }
        let picture = picture::terminal(text).ok()?;
        Some(format!(
            "{name} waits until a phone scans this:\n\n{picture}\n  a pretend phone does: curl -s -X POST {}/control/scan -d '{text}'\n",
            self.control_url
        ))
    }

    async fn name(&self, row: &EventRow) -> String {
        let Some(id) = &row.session else { return "the account".to_owned() };
        match self.services.store.find_session(&self.account, id).await {
            Ok(Some(session)) => format!("session «{}»", plain(&session.name)),
            _ => format!("session {id}"),
        }
    }
}

/// An event of a message, a group or the account; nothing where another event tells the same.
fn in_words(kind: EventKind, data: &Value) -> Option<String> {
    let chat = || party(&data["chat"]);
    Some(match kind {
        EventKind::MessageReceived | EventKind::StatusReceived => format!("← {}  {}", party(&data["from"]), content(data)),
        EventKind::MessageSent | EventKind::MessageDelivered | EventKind::MessageRead => {
            format!("→ {}  {}  {}", chat(), content(data), plain(data["status"].as_str()?))
        }
        EventKind::MessageFailed => {
            let code = data["error"]["code"].as_str().unwrap_or("failed");
            format!("→ {}  {}  failed: {}", chat(), content(data), plain(code))
        }
        EventKind::MessageEdited => format!("✎ {}  {}", chat(), content(data)),
        EventKind::MessageDeleted => format!("✗ {}  a message was deleted", chat()),
        EventKind::MessageReaction => format!("♥ {}  {}", chat(), plain(data["emoji"].as_str().unwrap_or("a reaction"))),
        EventKind::PollVote => format!("☑ {}  a vote", chat()),
        EventKind::GroupUpdated => format!("group {} has changed", chat()),
        EventKind::CallReceived => format!("☎ {} calls", party(&data["from"])),
        EventKind::CallEnded => {
            let outcome = data["outcome"].as_str().unwrap_or("over").replace('_', " ");
            format!("☎ {}: the call is {}", party(&data["from"]), plain(&outcome))
        }
        EventKind::WebhookDisabled => "a webhook was switched off: GET /v1/webhooks".to_owned(),
        EventKind::UsageWarning => "most of the day's messages are used: GET /v1/usage".to_owned(),
        EventKind::SessionPasskey => "a passkey is to confirm a link: GET /v1/sessions/{sessionId}/passkey".to_owned(),
        EventKind::MessageStatus
        | EventKind::SessionStatus
        | EventKind::SessionQr
        | EventKind::SessionConnected
        | EventKind::SessionDisconnected
        | EventKind::WebhookTest => return None,
    })
}

/// A person's number and name, or a chat's id.
fn party(shown: &Value) -> String {
    let number = shown["phoneNumber"].as_str().map(|number| format!("+{}", number.trim_start_matches('+')));
    let id =
        number.or_else(|| shown["contactId"].as_str().or_else(|| shown["chatId"].as_str()).map(plain)).unwrap_or_else(|| "?".to_owned());
    match shown["name"].as_str().or_else(|| shown["subject"].as_str()) {
        Some(name) => format!("{id} ({})", plain(name)),
        None => id,
    }
}

fn content(data: &Value) -> String {
    let text = data["text"].as_str().or_else(|| data["caption"].as_str());
    let kind = data["type"].as_str().unwrap_or("message");
    match text {
        Some(text) if kind == "text" => format!("«{}»", plain(text)),
        Some(text) => format!("[{}] «{}»", plain(kind), plain(text)),
        None => format!("[{}]", plain(kind)),
    }
}

/// A piece of what a stranger wrote, fit for a terminal: no control characters, and not too long.
fn plain(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_strangers_text_cannot_steer_the_terminal() {
        let data = json!({"from": {"contactId": "x", "phoneNumber": "15550001001", "name": "E\u{1b}[2J"}, "type": "text", "text": "a\u{1b}]0;b\nc\u{9b}"});
        let line = in_words(EventKind::MessageReceived, &data).unwrap();
        assert_eq!(line, "← +15550001001 (E [2J)  «a ]0;b c »");
        assert!(!line.chars().any(char::is_control));
    }

    #[test]
    fn a_long_text_is_cut_and_one_that_just_fits_is_not() {
        assert_eq!(plain(&"é".repeat(SHOWN)), "é".repeat(SHOWN));
        assert_eq!(plain(&"é".repeat(SHOWN + 1)), "é".repeat(SHOWN) + "…");
    }

    #[test]
    fn a_change_that_two_events_tell_is_told_once() {
        let data = json!({"chat": {"chatId": "x", "phoneNumber": "15550001001"}, "status": "sent", "type": "text", "text": "Hello"});
        assert_eq!(in_words(EventKind::MessageSent, &data).as_deref(), Some("→ +15550001001  «Hello»  sent"));
        assert_eq!(in_words(EventKind::MessageStatus, &data), None);
    }
}
