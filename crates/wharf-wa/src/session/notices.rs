//! What WhatsApp tells once and does not keep for us: calls, and changes of groups. The library acknowledges such a notice by itself
//! once its listeners have returned; the gate keeps the acknowledgement back until the event is committed. A death earlier is a repeat
//! of the notice.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;
use wacore::types::events::Event;
use wharf_api::types::event::EventKind;
use wharf_core::store::{self, NewEvent};

use super::{Own, calls, groups};

/// How long a database that does not answer may hold a client back. After that its connection is given up.
const PATIENCE: Duration = Duration::from_secs(10);
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

    /// Writes the event beside the session's other work, in the order in which notices came.
    pub(super) fn keep(self, own: &Arc<Own>) {
        let (own, hold) = (Arc::clone(own), own.gate.hold());
        tokio::spawn(async move {
            hold.turn().await;
            if self.commit(&own).await {
                return hold.written();
            }
            drop(hold);
            own.unstored.notify_one();
        });
    }

    /// `false` where the network has to say it again.
    async fn commit(self, own: &Own) -> bool {
        let given_up = Instant::now() + PATIENCE;
        fail::fail_point!("notice-before-commit");
        loop {
            let now = own.ctx.clock.now();
            match own.vault.notice(own.ctx.store.announce(own.fence(), now, &self.name, self.event.clone()).await) {
                Ok(_) => break,
                Err(store::Error::Unavailable(_)) if Instant::now() < given_up && !own.vault.is_shut() => tokio::time::sleep(PAUSE).await,
                Err(error @ (store::Error::Unavailable(_) | store::Error::Fenced)) => {
                    tracing::warn!(session = %own.session(), %error, "a notice could not be stored; the network has to say it again");
                    return false;
                }
                Err(error) => {
                    tracing::error!(session = %own.session(), %error, "a notice was left out");
                    break;
                }
            }
        }
        fail::fail_point!("notice-after-commit");
        true
    }
}
