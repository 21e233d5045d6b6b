//! What WhatsApp tells once and does not keep for us: calls, and changes of groups. The library acknowledges such a notice by itself
//! as soon as its listeners have returned, so the event is committed before that. A death earlier is a repeat of the notice.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::runtime::Handle;
use tokio::time::Instant;
use wacore::types::events::Event;
use wharf_api::types::event::EventKind;
use wharf_core::store::{self, NewEvent};

use super::{Own, calls, groups};

/// How long a database that does not answer may hold a notice back.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(500);

/// An event, and the name under which it is written once.
pub(super) struct Notice {
    name: String,
    event: NewEvent,
}

impl Notice {
    pub(super) fn new(name: String, kind: EventKind, data: &impl Serialize) -> Self {
        let data = serde_json::to_value(data).expect("the types of the contract can be written");
        Self { name, event: NewEvent { kind, data } }
    }

    /// What the event is a notice of; `None` for all other events.
    pub(super) fn of(event: &Event) -> Option<Self> {
        match event {
            Event::GroupUpdate(update) => Some(groups::changed(update)),
            Event::PictureUpdate(update) => groups::pictured(update),
            Event::IncomingCall(call) => calls::ringing(call),
            Event::MissedCall(call) => Some(calls::missed(call)),
            _ => None,
        }
    }

    /// Returns when the event is written, or when nobody can write it any more. Holds its thread: the library calls its
    /// listeners like that, and notices are rare.
    pub(super) fn keep(self, own: &Arc<Own>) {
        tokio::task::block_in_place(|| Handle::current().block_on(self.commit(own)));
    }

    async fn commit(self, own: &Own) {
        let given_up = Instant::now() + PATIENCE;
        fail::fail_point!("notice-before-commit");
        while !own.vault.is_shut() {
            let now = own.ctx.clock.now();
            match own.vault.notice(own.ctx.store.announce(own.fence(), now, &self.name, self.event.clone()).await) {
                Ok(_) => break,
                Err(store::Error::Unavailable(_)) if Instant::now() < given_up => tokio::time::sleep(PAUSE).await,
                Err(error) => {
                    tracing::warn!(session = %own.session(), %error, "a notice was not announced");
                    break;
                }
            }
        }
        fail::fail_point!("notice-after-commit");
    }
}
