//! Telling a sender that its message was read.

use wharf_api::recipient::is_shared;
use wharf_api::types::message::Direction;
use wharf_api::types::switches::Feature;

use super::{Error, find_living_row};
use crate::caller::Caller;
use crate::services::Services;
use crate::session;
use crate::store::MessageRow;

/// Sends a read receipt for a message that came in. Does nothing where that was done before.
pub async fn read_message(services: &Services, caller: &Caller, id: &str) -> Result<MessageRow, Error> {
    let mut row = find_living_row(services, caller, id).await?;
    if row.direction != Direction::Incoming {
        return Err(Error::Unsupported("only messages that came in can be read"));
    }
    if row.marks.read_at.is_some() {
        return Ok(row);
    }
    let session = session::find(services, caller, row.session.as_str()).await?;
    services.switches.require(Feature::Receipts)?;
    session::require_connected(services, &session)?;
    let sender = if is_shared(&row.chat) { row.sender_lid.as_deref().or(row.sender.as_deref()) } else { None };
    services.engine.tell_read(&row.session, &row.chat, sender, std::slice::from_ref(&row.wa_id)).await?;
    let now = services.clock.now();
    // A death before this is a second receipt for the same message, which changes nothing at the sender's.
    services.store.mark_message_read(&caller.account, &row.id, now).await?;
    row.marks.read_at = Some(now);
    Ok(row)
}
