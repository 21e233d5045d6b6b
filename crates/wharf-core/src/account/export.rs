//! All that an account has, as lines of JSON: a page at a time, so that nobody's memory holds more, and in one order.
//!
//! It is what its caller may read anyway, and nothing that is secret. What comes in while it runs may be in it or not.

use serde::Serialize;
use serde_json::json;
use wharf_api::Permission;
use wharf_api::ids::{MediaId, SessionId};
use wharf_api::types::media::MediaStatus;

use crate::caller::Caller;
use crate::contact::book;
use crate::services::Services;
use crate::session::{self, Filter};
use crate::store::{self, EventFilter, MessageFilter, PageRequest};
use crate::{chat, event, media, message, usage};

/// How many rows one step reads.
const PAGE: u32 = 200;
/// Goes up when a line changes its meaning.
const FORMAT: u32 = 1;

/// Why the lines end before their end.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error(transparent)]
    Account(#[from] super::Error),
    #[error(transparent)]
    Session(#[from] session::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What comes next. Lists go on after what stands here.
enum Step {
    Begin,
    Account,
    Usage,
    Sessions(Option<i64>),
    /// Of the session at this place.
    Chats(usize, Option<i64>),
    Contacts(usize, Option<i64>),
    Messages(Option<i64>),
    Media(Option<MediaId>),
    /// And up to which event.
    Events(i64, i64),
    End,
}

/// The lines of one account, for one caller.
pub struct Export {
    caller: Caller,
    step: Option<Step>,
    sessions: Vec<SessionId>,
    lines: u64,
    text: String,
}

impl Export {
    pub fn of(caller: Caller) -> Self {
        Self { caller, step: Some(Step::Begin), sessions: Vec::new(), lines: 0, text: String::new() }
    }

    /// The next lines, each with its end; `None` after the last.
    pub async fn next(&mut self, services: &Services) -> Result<Option<String>, Broken> {
        while self.text.is_empty() {
            let Some(step) = self.step.take() else { return Ok(None) };
            self.step = self.go(services, step).await?;
        }
        Ok(Some(std::mem::take(&mut self.text)))
    }

    fn may(&self, permission: Permission) -> bool {
        self.caller.permissions.contains(&permission)
    }

    fn add(&mut self, kind: &'static str, data: &impl Serialize) {
        self.lines += 1;
        self.text += &serde_json::to_string(&Line { kind, data }).expect("the types of the contract can be written");
        self.text.push('\n');
    }

    async fn go(&mut self, services: &Services, step: Step) -> Result<Option<Step>, Broken> {
        Ok(Some(match step {
            Step::Begin => {
                let account = self.caller.account.clone();
                self.add("export", &json!({ "accountId": account, "format": FORMAT, "createdAt": services.clock.now() }));
                Step::Account
            }
            Step::Account => {
                let row = super::find(services, &self.caller.account).await?;
                let shown = super::show(services, &row).await?;
                self.add("account", &shown);
                Step::Usage
            }
            Step::Usage => {
                for day in usage::days(services, &self.caller.account).await? {
                    self.add("usage", &day);
                }
                Step::Sessions(None)
            }
            Step::Sessions(after) => self.sessions(services, after).await?,
            Step::Chats(place, after) => self.chats(services, place, after).await?,
            Step::Contacts(place, after) => self.contacts(services, place, after).await?,
            Step::Messages(after) => self.messages(services, after).await?,
            Step::Media(after) => self.media(services, after).await?,
            Step::Events(after, until) => self.events(services, after, until).await?,
            Step::End => {
                let lines = self.lines;
                self.add("end", &json!({ "lines": lines }));
                return Ok(None);
            }
        }))
    }

    async fn sessions(&mut self, services: &Services, after: Option<i64>) -> Result<Step, Broken> {
        let found = session::list(services, &self.caller, &Filter::default(), PageRequest { after, limit: PAGE }).await?;
        let shows = self.may(Permission::SessionsRead);
        for row in &found.rows {
            if shows {
                self.add("session", &session::view(services, row));
            }
            self.sessions.push(row.id.clone());
        }
        Ok(found.next.map_or(Step::Chats(0, None), |next| Step::Sessions(Some(next))))
    }

    async fn chats(&mut self, services: &Services, place: usize, after: Option<i64>) -> Result<Step, Broken> {
        let Some(session) = self.sessions.get(place).filter(|_| self.may(Permission::MessagesRead)).cloned() else {
            return Ok(Step::Contacts(0, None));
        };
        let found = services.store.list_chats(&self.caller.account, &session, PageRequest { after, limit: PAGE }).await?;
        for row in &found.rows {
            self.add("chat", &Of { session_id: &session, of: chat::view(row) });
        }
        Ok(found.next.map_or(Step::Chats(place + 1, None), |next| Step::Chats(place, Some(next))))
    }

    async fn contacts(&mut self, services: &Services, place: usize, after: Option<i64>) -> Result<Step, Broken> {
        let Some(session) = self.sessions.get(place).filter(|_| self.may(Permission::ContactsRead)).cloned() else {
            return Ok(Step::Messages(None));
        };
        let found = services.store.list_contacts(&self.caller.account, &session, PageRequest { after, limit: PAGE }).await?;
        for row in found.rows {
            self.add("contact", &Of { session_id: &session, of: book::view(row) });
        }
        Ok(found.next.map_or(Step::Contacts(place + 1, None), |next| Step::Contacts(place, Some(next))))
    }

    async fn messages(&mut self, services: &Services, after: Option<i64>) -> Result<Step, Broken> {
        if !self.may(Permission::MessagesRead) {
            return self.events_begin(services).await;
        }
        let filter = MessageFilter { sessions: self.caller.sessions.clone(), ..MessageFilter::default() };
        let found = services.store.list_messages(&self.caller.account, &filter, PageRequest { after, limit: PAGE }).await?;
        for row in &found.rows {
            self.add("message", &message::view(row));
        }
        Ok(found.next.map_or(Step::Media(None), |next| Step::Messages(Some(next))))
    }

    async fn media(&mut self, services: &Services, after: Option<MediaId>) -> Result<Step, Broken> {
        let rows = services.store.list_media(&self.caller.account, after.as_ref(), PAGE).await?;
        let Some(last) = rows.last().map(|row| row.id.clone()) else { return self.events_begin(services).await };
        let now = services.clock.now();
        for row in &rows {
            let is_seen = row.session.as_ref().is_none_or(|session| self.caller.may_use(session));
            if is_seen && row.state == MediaStatus::Stored && row.expires_at > now {
                self.add("media", &media::view(row));
            }
        }
        Ok(Step::Media(Some(last)))
    }

    /// Up to what is there now: a log that grows has no end.
    async fn events_begin(&self, services: &Services) -> Result<Step, Broken> {
        if !self.may(Permission::EventsRead) {
            return Ok(Step::End);
        }
        Ok(Step::Events(0, services.store.latest_event(&self.caller.account).await?))
    }

    async fn events(&mut self, services: &Services, after: i64, until: i64) -> Result<Step, Broken> {
        let filter = EventFilter { sessions: self.caller.sessions.clone(), ..EventFilter::default() };
        let account = self.caller.account.clone();
        let found = services.store.list_events(&account, &filter, after, PAGE).await?;
        for row in found.rows.iter().filter(|row| row.number <= until) {
            self.add("event", &event::view(&account, row));
        }
        let is_over = found.position >= until || (found.rows.is_empty() && !found.more);
        Ok(if is_over { Step::End } else { Step::Events(found.position, until) })
    }
}

/// What sort of thing it is, and the thing as the API shows it.
#[derive(Serialize)]
struct Line<'a, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    data: &'a T,
}

/// What is one session's and does not say so itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Of<'a, T> {
    session_id: &'a SessionId,
    #[serde(flatten)]
    of: T,
}
