//! Reacting to a message.

use wharf_api::types::message::{Content, SendReaction};

use super::manner::Manner;
use super::shape::Shape;
use super::{Error, Sent, emoji, on_message};
use crate::caller::Caller;
use crate::engine::Body;
use crate::services::Services;
use crate::store::Claim;

/// A reaction whose shape is good.
#[derive(Clone, Debug)]
pub struct NewReaction {
    pub(crate) message: String,
    /// Empty takes the reaction back.
    pub(crate) emoji: String,
    pub(crate) manner: Manner,
}

/// What can be said without looking anything up.
pub fn parse(request: &SendReaction) -> Result<NewReaction, Error> {
    let manner = Manner::parse(request.asynchronous, request.reference.as_deref(), request.dry_run)?;
    if !request.emoji.is_empty() && !emoji::is_one(&request.emoji) {
        return Err(Shape::new("emoji", "one emoji is expected, or an empty text to take the reaction back").into());
    }
    Ok(NewReaction { message: request.message_id.clone(), emoji: request.emoji.clone(), manner })
}

/// Reacts to a message; see [`super::send()`].
pub async fn send_reaction(services: &Services, caller: &Caller, reaction: NewReaction, claim: Option<Claim>) -> Result<Sent, Error> {
    let target = on_message::target(services, caller, &reaction.message).await?;
    let body = Body::Reaction { target: target.key(), emoji: reaction.emoji.clone() };
    let content = Content::Reaction { emoji: reaction.emoji, target: target.reference() };
    let mut parcel = target.parcel(services, caller, body, content).await?;
    parcel.manner = reaction.manner;
    super::send(services, caller, parcel, claim).await
}
