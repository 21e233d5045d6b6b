//! Reacting to a message.

use wharf_api::types::message::Content;

use super::shape::Shape;
use super::{Error, Manner, Sent, emoji, on_message};
use crate::caller::Caller;
use crate::engine::Body;
use crate::services::Services;
use crate::store::Claim;

#[derive(Clone, Debug)]
pub struct Command {
    pub message: String,
    /// Empty takes the reaction back.
    pub emoji: String,
    pub manner: Manner,
}

/// Checks the shape of a command.
pub fn check(command: &Command) -> Result<(), Error> {
    command.manner.check()?;
    if command.emoji.is_empty() || emoji::is_one(&command.emoji) {
        return Ok(());
    }
    Err(Shape::new("emoji", "one emoji is expected, or an empty text to take the reaction back").into())
}

/// Reacts to a message; see [`super::send`].
pub async fn send_reaction(services: &Services, caller: &Caller, command: Command, claim: Option<Claim>) -> Result<Sent, Error> {
    check(&command)?;
    let target = on_message::target(services, caller, &command.message).await?;
    let body = Body::Reaction { target: target.key(), emoji: command.emoji.clone() };
    let content = Content::Reaction { emoji: command.emoji, target: target.reference() };
    let mut parcel = target.parcel(services, caller, body, content).await?;
    parcel.manner = command.manner;
    super::send(services, caller, parcel, claim).await
}
