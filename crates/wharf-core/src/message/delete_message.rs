//! Deleting a message for everyone, as long as WhatsApp lets one.

use wharf_api::recipient::is_group;
use wharf_api::types::message::Content;
use wharf_api::{Recipient, limits};

use super::{Changed, Error, audience, on_message};
use crate::caller::Caller;
use crate::engine::Body;
use crate::services::Services;

/// Deletes an own message for everyone, or as its admin another's in a group; see [`super::send()`]. A message that is deleted
/// already stays so. The day's limit does not stand in the way: what was sent by mistake must be taken back.
pub async fn delete_message(services: &Services, caller: &Caller, id: &str) -> Result<Changed, Error> {
    let target = on_message::target(services, caller, id).await?;
    if target.is_deleted() {
        return Ok(Changed { row: target.0, change: None });
    }
    if !target.is_own() && !is_group(&target.0.chat) {
        return Err(Error::Unsupported("only own messages can be deleted for everyone"));
    }
    if services.clock.now() > target.0.created_at + limits::DELETE_WINDOW {
        return Err(Error::Unsupported("a message can be deleted for everyone for 60 hours"));
    }
    let content = Content::Deletion { target: target.reference() };
    let mut parcel = target.parcel(services, caller, Body::Revoke { target: target.key() }, content).await?;
    if parcel.to == Recipient::Status {
        parcel.audience = audience::of(services, &target.0).await?;
    }
    parcel.bounded = false;
    let sent = super::send(services, caller, parcel, None).await?;
    Changed::after(services, caller, &target, sent).await
}
