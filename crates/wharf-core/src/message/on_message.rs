//! Changes that are made through the API: which message they are about, and what all of them ask of it.

use wharf_api::Recipient;
use wharf_api::types::message::{Content, Direction, MessageStatus, Reference};

use super::heading::key;
use super::{Error, Parcel, change, find_living_row};
use crate::caller::Caller;
use crate::engine::{Body, Draft, Key};
use crate::services::Services;
use crate::session;
use crate::store::MessageRow;

/// A message that WhatsApp has and that can be changed.
pub(super) struct Changeable(pub(super) MessageRow);

/// The message that `id` spells, if it is one that others can refer to.
pub(super) async fn target(services: &Services, caller: &Caller, id: &str) -> Result<Changeable, Error> {
    let row = find_living_row(services, caller, id).await?;
    match row.status {
        MessageStatus::Queued => return Err(Error::Conflict("the message has not been sent yet")),
        MessageStatus::Failed => return Err(Error::Unsupported("the message was never sent")),
        _ => {}
    }
    if row.content.target().is_some() {
        return Err(Error::Unsupported("this is a change of another message"));
    }
    Ok(Changeable(row))
}

impl Changeable {
    pub(super) fn key(&self) -> Key {
        key(&self.0)
    }

    pub(super) fn reference(&self) -> Reference {
        Reference {
            message_id: Some(self.0.id.clone()),
            whatsapp_id: self.0.wa_id.clone(),
            from: self.0.sender.clone(),
            ..Reference::default()
        }
    }

    pub(super) fn is_own(&self) -> bool {
        self.0.direction == Direction::Outgoing
    }

    pub(super) fn is_deleted(&self) -> bool {
        change::is_deleted(&self.0)
    }

    /// The change, on its way to the message's chat.
    pub(super) async fn parcel(&self, services: &Services, caller: &Caller, body: Body, content: Content) -> Result<Parcel, Error> {
        if self.is_deleted() {
            return Err(Error::Unsupported("the message is deleted"));
        }
        let session = session::find(services, caller, self.0.session.as_str()).await?;
        let to = Recipient::parse(&self.0.chat).map_err(|_| Error::Unsupported("nothing can be sent to this chat"))?;
        let fits_a_status = match body {
            Body::Revoke { .. } => self.is_own(),
            Body::Reaction { .. } => !self.is_own(),
            _ => false,
        };
        if to == Recipient::Status && !fits_a_status {
            return Err(Error::Unsupported("an own status can be deleted, one of others can be reacted to, and neither can be changed"));
        }
        Ok(Parcel::new(session, to, Draft::new(body), content))
    }
}
