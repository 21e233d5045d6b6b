//! Messages that came and could not be read: their rows stand there before the library acknowledges them and asks for them again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wacore::types::events::{DecryptFailMode, UnavailableType, UndecryptableMessage};
use wharf_api::types::message::Content;
use wharf_core::store;

use super::inbound::is_wanted;
use super::{Own, convert, door};

/// Stores that a message came which could not be decrypted. The library asks the sender and the account's own phone for it again; what
/// comes then takes the place of this row's content. What WhatsApp gives to phones alone never comes, and is shown as what it is.
pub(super) fn keep(own: &Arc<Own>, message: &UndecryptableMessage) {
    if message.decrypt_fail_mode == DecryptFailMode::Hide || !is_wanted(own, &message.info) {
        return;
    }
    let Ok(mut row) = convert::bare(own.fence(), own.ctx.chance.message_id(), &message.info, own.ctx.clock.now()) else { return };
    if message.is_unavailable && message.unavailable_type.is_unrecoverable_fanout() {
        row.content = Content::unsupported(message.unavailable_type.as_str());
        row.marks.view_once = message.unavailable_type == UnavailableType::ViewOnce;
    } else if !own.vault.is_shut() {
        // With its keys out of reach nobody knows that; the door sends it back then.
        own.ctx.meter().undecryptable.one();
        tracing::warn!(message = %row.id, "a message could not be decrypted");
    }
    let is_first = AtomicBool::new(true);
    door::keep(own, "a message that could not be read", move |own| {
        let mut row = row.clone();
        // Hours may have passed. Lists of a time go by ids, which are to be made when their rows are numbered.
        if !is_first.swap(false, Ordering::Relaxed) {
            row.id = own.ctx.chance.message_id();
        }
        async move {
            fail::fail_point!("unread-before-commit");
            own.ctx.store.record_inbound(own.fence(), &[row]).await.map_err(|error| match error {
                // It says nothing that could be at fault.
                store::Error::Corrupt(why) => store::Error::Refused(why),
                error => error,
            })?;
            own.none_unread.store(false, Ordering::Relaxed);
            fail::fail_point!("unread-after-commit");
            Ok(())
        }
    });
}
