//! What the canary sessions do, one step at a time, by the very verbs that requests use.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::time::Instant;
use wharf_api::ids::KeyId;
use wharf_api::types::canary::Step;
use wharf_api::types::media::{MediaKind, MediaStatus};
use wharf_api::types::message::{Content, Direction};
use wharf_api::{ApiError, Recipient};

use super::number;
use crate::caller::{By, Caller};
use crate::message::send_media::{Label, NewFile, Source, send_media};
use crate::message::send_reaction::NewReaction;
use crate::message::send_text::NewText;
use crate::message::{self, Finished, Heading, Manner, send_poll};
use crate::services::Services;
use crate::store::{self, MessageRow, SessionRow};

/// How often it is looked whether something has arrived.
const LOOK: Duration = Duration::from_millis(100);
const TEXT: &str = "Wharf canary";
const YES: &str = "yes";
const EDITED: &str = "Wharf canary, edited";
/// Nobody's key: what the canary does is asked for by no request.
const KEY: &str = "key_00000000";

/// How a step ended that did not fail.
pub(super) enum Took {
    Time(Duration),
    /// It had nothing to do.
    Nothing,
}

/// One pass from one session to the other.
pub(super) struct Walk<'a> {
    services: &'a Services,
    caller: Option<Caller>,
    from: &'a SessionRow,
    to: &'a SessionRow,
    /// A text of this pass, for what is done to a text.
    text: Option<MessageRow>,
}

impl<'a> Walk<'a> {
    pub async fn begin(services: &'a Services, from: &'a SessionRow, to: &'a SessionRow) -> Result<Self, store::Error> {
        let account = services.store.find_account(&from.account).await?;
        let caller = account.zip(KeyId::parse(KEY)).map(|(account, key)| Caller {
            account: account.id,
            plan: account.plan,
            by: By::Key(key),
            permissions: Vec::new(),
            sessions: None,
            operator: false,
            expires_at: None,
            sends_until: None,
            answer_by: None,
        });
        Ok(Self { services, caller, from, to, text: None })
    }

    pub async fn step(&mut self, step: Step) -> Result<Took, String> {
        let begun = Instant::now();
        match step {
            Step::Text => self.write().await?,
            Step::File => Box::pin(self.file()).await?,
            Step::Edit => self.edit().await?,
            Step::Reaction => self.react().await?,
            Step::Poll => Box::pin(self.poll()).await?,
            Step::Group => {
                let Some(group) = self.shared_group().await? else { return Ok(Took::Nothing) };
                let sent = self.send_text(&group).await?;
                self.arrives(&sent.wa_id, |_| true).await?;
            }
        }
        Ok(Took::Time(begun.elapsed()))
    }

    async fn write(&mut self) -> Result<(), String> {
        let to = self.number()?;
        let sent = self.send_text(&to).await?;
        self.arrives(&sent.wa_id, |_| true).await?;
        self.text = Some(sent);
        Ok(())
    }

    /// A text that the other session has.
    async fn text(&mut self) -> Result<MessageRow, String> {
        if self.text.is_none() {
            self.write().await?;
        }
        self.text.clone().ok_or_else(|| "there is no text".to_owned())
    }

    async fn file(&self) -> Result<(), String> {
        let file_name = Some("canary.txt".to_owned());
        let label = Label { kind: MediaKind::Document, caption: None, file_name, voice: false, view_once: false };
        let source = Source::Base64(STANDARD.encode(TEXT).into());
        let new = NewFile { heading: self.heading(&self.number()?)?, source, label };
        let sending = Box::pin(send_media(self.services, self.caller()?, new, None));
        let sent = sending.await.map_err(|error| in_words(&error))?;
        let has_file = |row: &MessageRow| row.content.media().is_some_and(|media| media.media_status == MediaStatus::Stored);
        self.arrives(&sent.row.wa_id, has_file).await.map(drop)
    }

    async fn edit(&mut self) -> Result<(), String> {
        let text = self.text().await?;
        message::edit_message(self.services, self.caller()?, text.id.as_str(), EDITED.to_owned())
            .await
            .map_err(|error| in_words(&error))?;
        self.arrives(&text.wa_id, |row| matches!(&row.content, Content::Text { text, .. } if text == EDITED)).await.map(drop)
    }

    async fn react(&mut self) -> Result<(), String> {
        let text = self.text().await?;
        let new = NewReaction { message: text.id.to_string(), emoji: "🐤".to_owned(), manner: Manner::default() };
        message::send_reaction(self.services, self.caller()?, new, None).await.map_err(|error| in_words(&error))?;
        self.arrives(&text.wa_id, |row| !row.marks.reactions.is_empty()).await.map(drop)
    }

    async fn poll(&self) -> Result<(), String> {
        let options = vec![YES.to_owned(), "no".to_owned()];
        let new = Finished { heading: self.heading(&self.number()?)?, said: send_poll::said(TEXT.to_owned(), options, 1) };
        let sent = message::post(self.services, self.caller()?, new, None).await.map_err(|error| in_words(&error))?;
        let poll = self.arrives(&sent.row.wa_id, |_| true).await?;
        // A vote is cast where its voter runs; on another node nobody votes.
        if self.services.engine.link(&self.to.id).is_none() {
            return Ok(());
        }
        let choice = vec![YES.to_owned()];
        let vote = self.services.engine.vote(&self.to.id, &poll, &choice).await.map_err(|error| format!("no vote was cast: {error}"))?;
        let is_ours = |row: &MessageRow| matches!(&row.content, Content::PollVote { options, .. } if *options == choice);
        self.comes_to(self.from, &vote, is_ours).await.map(drop)
    }

    /// The first group that both sessions are in.
    async fn shared_group(&self) -> Result<Option<String>, String> {
        let groups = self.services.engine.groups(&self.from.id).await.map_err(|error| error.to_string())?;
        let number = self.number()?;
        let is_other = |phone: Option<&str>, lid: Option<&str>| phone == Some(&number) || (lid.is_some() && lid == self.to.lid.as_deref());
        let shared = groups
            .into_iter()
            .find(|group| group.participants.iter().any(|member| is_other(member.phone_number.as_deref(), member.lid.as_deref())));
        Ok(shared.map(|group| group.group_id))
    }

    async fn send_text(&self, to: &str) -> Result<MessageRow, String> {
        let new = NewText::plain(self.heading(to)?, TEXT.to_owned());
        let sent = message::send_text(self.services, self.caller()?, new, None).await.map_err(|error| in_words(&error))?;
        Ok(sent.row)
    }

    /// Waits until the other session has the message and it looks as it should.
    async fn arrives(&self, wa_id: &str, good: impl Fn(&MessageRow) -> bool) -> Result<MessageRow, String> {
        self.comes_to(self.to, wa_id, good).await
    }

    async fn comes_to(&self, session: &SessionRow, wa_id: &str, good: impl Fn(&MessageRow) -> bool) -> Result<MessageRow, String> {
        loop {
            let rows = self.services.store.messages_on_wire(&session.id, wa_id).await.map_err(|error| error.to_string())?;
            if let Some(row) = rows.into_iter().find(|row| row.direction == Direction::Incoming && good(row)) {
                return Ok(row);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn caller(&self) -> Result<&Caller, String> {
        self.caller.as_ref().ok_or_else(|| "the account of the session is gone".to_owned())
    }

    fn number(&self) -> Result<String, String> {
        number(self.to).map(str::to_owned).ok_or_else(|| "the session that receives has no number".to_owned())
    }

    fn heading(&self, to: &str) -> Result<Heading, String> {
        let to = Recipient::parse(to).map_err(str::to_owned)?;
        Ok(Heading::plain(self.from.id.to_string(), to))
    }
}

/// The code, which holds no number, and not the words, which may.
fn in_words(error: &message::Error) -> String {
    ApiError::from(error).code.name().to_owned()
}
