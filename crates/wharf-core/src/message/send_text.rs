//! Sending a text.

use wharf_api::types::message::Content;
use wharf_api::{Recipient, limits};

use super::{Error, Parcel, Sent, send};
use crate::caller::Caller;
use crate::engine::{Body, Draft};
use crate::services::Services;
use crate::session;
use crate::store::Claim;

/// A text as the caller wants it sent.
#[derive(Clone, Debug)]
pub struct Command {
    pub session: String,
    pub to: String,
    pub text: String,
    /// Answer as soon as the message is durable.
    pub asynchronous: bool,
}

/// Checks the shape of a command: what can be said without looking anything up.
pub fn check(command: &Command) -> Result<Recipient, Error> {
    let recipient = Recipient::parse(&command.to).map_err(Error::InvalidRecipient)?;
    if command.text.is_empty() {
        return Err(Error::EmptyText);
    }
    let chars = command.text.chars().count();
    if chars > limits::TEXT_CHARS {
        return Err(Error::TooLong { chars });
    }
    Ok(recipient)
}

/// Sends a text; see [`send`].
pub async fn send_text(services: &Services, caller: &Caller, command: Command, claim: Option<Claim>) -> Result<Sent, Error> {
    let to = check(&command)?;
    let session = session::find(services, caller, &command.session).await?;
    let draft = Draft::new(Body::Text { text: command.text.clone(), preview: None });
    let mut parcel = Parcel::new(session, to, draft, Content::text(command.text));
    parcel.asynchronous = command.asynchronous;
    send(services, caller, parcel, claim).await
}
