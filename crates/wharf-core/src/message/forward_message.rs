//! Forwarding a message to another chat of its session.

use wharf_api::Recipient;
use wharf_api::types::message::Content;

use super::{Envelope, Error, Sent, find_row, post};
use crate::caller::Caller;
use crate::engine::Body;
use crate::services::Services;
use crate::store::Claim;

#[derive(Clone, Debug)]
pub struct Command {
    pub message: String,
    pub to: String,
    pub asynchronous: bool,
}

/// Checks the shape of a command.
pub fn check(command: &Command) -> Result<(), Error> {
    Recipient::parse(&command.to).map(drop).map_err(Error::InvalidRecipient)
}

/// Sends what a message says to somebody else, marked as forwarded; see [`super::send`].
pub async fn forward_message(services: &Services, caller: &Caller, command: Command, claim: Option<Claim>) -> Result<Sent, Error> {
    check(&command)?;
    let row = find_row(services, caller, &command.message).await?;
    let (body, content) = said(row.content)?;
    let envelope = Envelope {
        session: row.session.to_string(),
        to: command.to,
        forwarded: true,
        asynchronous: command.asynchronous,
        ..Envelope::default()
    };
    post(services, caller, &envelope, (body, content), claim).await
}

/// What the message says, to be said once more.
fn said(content: Content) -> Result<(Body, Content), Error> {
    let body = match &content {
        Content::Text { text, link_preview } => Body::Text { text: text.clone(), preview: link_preview.clone() },
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
        Content::Deleted {} => return Err(Error::Unsupported("the message is deleted")),
        _ => return Err(Error::Unsupported("a message of this kind cannot be forwarded")),
    };
    Ok((body, content))
}
