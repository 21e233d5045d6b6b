//! Which events are notices of what WhatsApp tells once.

use wacore::types::events::Event;

use super::notice::Notice;
use super::{calls, groups};

/// What the event is a notice of; `None` for all other events.
pub(super) fn of(event: &Event) -> Option<Notice> {
    match event {
        Event::PictureUpdate(update) => groups::pictured(update),
        Event::IncomingCall(call) => calls::said(call),
        Event::MissedCall(call) => Some(calls::missed(call)),
        _ => None,
    }
}
