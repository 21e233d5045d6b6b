//! Forwarding a message to another chat of its session.

use wharf_api::Recipient;
use wharf_api::types::media::{MediaContent, MediaKind, MediaStatus};
use wharf_api::types::message::Content;

use super::send_media::{self, Source};
use super::{Envelope, Error, Manner, Sent, change, find_row, post};
use crate::caller::Caller;
use crate::engine::{Body, Preview};
use crate::media;
use crate::services::Services;
use crate::store::{Claim, MediaRow};

#[derive(Clone, Debug)]
pub struct Command {
    pub message: String,
    pub to: String,
    pub manner: Manner,
}

/// Checks the shape of a command.
pub fn check(command: &Command) -> Result<(), Error> {
    command.manner.check()?;
    match Recipient::parse(&command.to) {
        Ok(Recipient::Status) => Err(Error::Unsupported("a message cannot be forwarded to a status")),
        Ok(_) => Ok(()),
        Err(reason) => Err(Error::InvalidRecipient(reason)),
    }
}

/// Sends what a message says to somebody else, marked as forwarded; see [`super::send`].
pub async fn forward_message(services: &Services, caller: &Caller, command: Command, claim: Option<Claim>) -> Result<Sent, Error> {
    check(&command)?;
    let row = find_row(services, caller, &command.message).await?;
    if change::is_deleted(&row) {
        return Err(Error::Unsupported("the message is deleted"));
    }
    let envelope =
        Envelope { session: row.session.to_string(), to: command.to, forwarded: true, manner: command.manner, ..Envelope::default() };
    match (row.content.media_kind(), row.content.media()) {
        (Some(_), _) if row.marks.view_once => Err(Error::Unsupported("what can be opened once cannot be forwarded")),
        (Some(kind), Some(content)) => {
            let file = file(services, caller, content).await?;
            send_media::transmit(services, caller, again(envelope, kind, content, file), claim).await
        }
        _ => post(services, caller, &envelope, said(row.content)?, claim).await,
    }
}

/// The file of a message, while it is here.
async fn file(services: &Services, caller: &Caller, content: &MediaContent) -> Result<MediaRow, Error> {
    let gone = |reason| media::Error::NotFound { field: None, reason: Some(reason) };
    match content.media_status {
        MediaStatus::Pending => return Err(Error::Conflict("the file has not been fetched from WhatsApp yet")),
        MediaStatus::Failed => return Err(gone("the file could not be fetched from WhatsApp").into()),
        MediaStatus::Stored => {}
    }
    media::find(services, caller, content.media_id.as_str()).await.map_err(|error| match error {
        media::Error::NotFound { reason: None, .. } => gone("the message's file is not kept any more").into(),
        other => other.into(),
    })
}

/// The file with its words, under a key of its own: who gets it learns nothing of the message that it comes from.
fn again(envelope: Envelope, kind: MediaKind, content: &MediaContent, file: MediaRow) -> send_media::Command {
    send_media::Command {
        envelope,
        kind,
        source: Source::Message(Box::new(file)),
        caption: content.caption.clone(),
        file_name: content.file_name.clone(),
        voice: content.voice,
        view_once: false,
    }
}

/// What a message without a file says, to be said once more.
fn said(content: Content) -> Result<(Body, Content), Error> {
    let body = match &content {
        Content::Text { text, link_preview } => {
            let preview = link_preview.clone().map(|link| Preview { link, thumbnail: None });
            Body::Text { text: text.clone(), preview, background: None }
        }
        Content::Location { latitude, longitude, name, address } => {
            Body::Location { latitude: *latitude, longitude: *longitude, name: name.clone(), address: address.clone() }
        }
        Content::Contact { contacts } => Body::Contact { contacts: contacts.clone() },
        Content::Poll { question, options, selectable_count, .. } => {
            // A poll that is forwarded starts without votes.
            let body = Body::Poll { question: question.clone(), options: options.clone(), selectable_count: *selectable_count };
            let (question, options, selectable_count) = (question.clone(), options.clone(), *selectable_count);
            return Ok((body, Content::Poll { question, options, selectable_count, results: Vec::new() }));
        }
        _ => return Err(Error::Unsupported("a message of this kind cannot be forwarded")),
    };
    Ok((body, content))
}
