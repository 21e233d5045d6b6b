//! Forwarding a message to another chat of its session.

use wharf_api::Recipient;
use wharf_api::types::media::{MediaContent, MediaStatus};
use wharf_api::types::message::{Content, ForwardMessage};

use super::heading::Heading;
use super::manner::Manner;
use super::send_media::{Label, NewFile, Source, send_media};
use super::{Error, Finished, Sent, change, find_row, post, send_poll};
use crate::caller::Caller;
use crate::engine::{Body, Preview};
use crate::media;
use crate::services::Services;
use crate::store::{Claim, MediaRow};

/// What is to be forwarded to whom, its shape good.
#[derive(Clone, Debug)]
pub struct NewForward {
    message: String,
    to: Recipient,
    manner: Manner,
}

/// What can be said without looking anything up.
pub fn parse(message: &str, request: &ForwardMessage) -> Result<NewForward, Error> {
    let manner = Manner::parse(request.asynchronous, request.reference.as_deref(), request.dry_run)?;
    match Recipient::parse(&request.to) {
        Ok(Recipient::Status) => Err(Error::Unsupported("a message cannot be forwarded to a status")),
        Ok(to) => Ok(NewForward { message: message.to_owned(), to, manner }),
        Err(reason) => Err(Error::InvalidRecipient(reason)),
    }
}

/// Sends what a message says to somebody else, marked as forwarded; see [`super::send()`].
pub async fn forward_message(services: &Services, caller: &Caller, new: NewForward, claim: Option<Claim>) -> Result<Sent, Error> {
    let row = find_row(services, caller, &new.message).await?;
    if change::is_deleted(&row) {
        return Err(Error::Unsupported("the message is deleted"));
    }
    let heading = Heading { forwarded: true, manner: new.manner, ..Heading::plain(row.session.to_string(), new.to) };
    match (row.content.media_kind(), row.content.media()) {
        (Some(_), _) if row.marks.view_once => Err(Error::Unsupported("what can be opened once cannot be forwarded")),
        (Some(kind), Some(content)) => {
            let file = file(services, caller, content).await?;
            // Under a key of its own: who gets it learns nothing of the message that it comes from.
            let (caption, file_name, voice) = (content.caption.clone(), content.file_name.clone(), content.voice);
            let label = Label { kind, caption, file_name, voice, view_once: false };
            send_media(services, caller, NewFile { heading, source: Source::Message(Box::new(file)), label }, claim).await
        }
        _ => post(services, caller, Finished { heading, said: said(row.content)? }, claim).await,
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
        // A poll that is forwarded starts without votes.
        Content::Poll { question, options, selectable_count, .. } => {
            return Ok(send_poll::said(question.clone(), options.clone(), *selectable_count));
        }
        _ => return Err(Error::Unsupported("a message of this kind cannot be forwarded")),
    };
    Ok((body, content))
}
