//! What WhatsApp tells once and does not keep for us: calls, and changes of groups. The library acknowledges such a notice by itself
//! once its listeners have returned; the door keeps the acknowledgement back until the event is committed. A death earlier is a repeat
//! of the notice.

use std::sync::Arc;

use serde::Serialize;
use wharf_api::types::event::EventKind;
use wharf_api::types::group::GroupUpdated;
use wharf_core::store::NewEvent;

use super::{Own, door, known};

/// An event, and the name under which it is written once.
pub(super) struct Notice {
    name: String,
    event: NewEvent,
    /// What it changes of a group.
    group: Option<GroupUpdated>,
}

impl Notice {
    pub(super) fn new(name: String, kind: EventKind, data: &impl Serialize) -> Self {
        Self { name, event: NewEvent::new(kind, data), group: None }
    }

    pub(super) fn of_group(name: String, updated: GroupUpdated) -> Self {
        let notice = Self::new(name, EventKind::GroupUpdated, &updated);
        Self { group: Some(updated), ..notice }
    }

    /// Writes the event beside the session's other work, in the order in which notices came.
    pub(super) fn keep(self, own: &Arc<Own>) {
        door::keep(own, "a notice", move |own| {
            let (name, event, group) = (self.name.clone(), self.event.clone(), self.group.clone());
            async move {
                fail::fail_point!("notice-before-commit");
                own.ctx.store.announce(own.fence(), own.ctx.clock.now(), &name, event).await?;
                fail::fail_point!("notice-after-commit");
                if let Some(updated) = group {
                    known::told(&own, &updated).await?;
                }
                Ok(())
            }
        });
    }
}
