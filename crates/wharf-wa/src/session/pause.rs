//! The operator's pause of all connections, as one session lives it: no socket, no try, and a word for why.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use wharf_api::types::session::SessionStatus;

use super::end::End;
use super::life::Life;
use super::{Order, Own};
use crate::task;

/// How often it is tried to write down what a database that was away did not take.
const CATCH_UP: Duration = Duration::from_secs(10);
/// How long a session holds its place among those that connect after a pause.
const PLACE: Duration = Duration::from_secs(15);

/// What the look at the switch brought.
pub(super) enum Pause {
    /// Connections do not pause.
    None,
    /// They did.
    Over,
    /// They do, and the session ended meanwhile.
    Ended(End),
}

impl Life {
    /// Waits while connections pause. What asks for a client meanwhile is refused.
    pub(super) async fn wait_out_pause(&mut self, own: &Arc<Own>) -> Pause {
        let ctx = Arc::clone(&own.ctx);
        let mut switches = ctx.config.switches.subscribe();
        let Some(since) = ctx.config.switches.connecting_paused() else { return Pause::None };
        let jid = self.linked_to(own).await;
        let status = if jid.is_some() { SessionStatus::Reconnecting } else { SessionStatus::Starting };
        self.links.paused(own, status, jid, since).await;
        let over = async {
            // The switches live as long as the process.
            let _ = switches.wait_for(|state| !state.connecting.paused).await;
            tokio::time::sleep(ctx.jitter(ctx.config.start_stagger)).await;
            Arc::clone(&ctx.starts).acquire_owned().await
        };
        let mut over = std::pin::pin!(over);
        loop {
            tokio::select! {
                place = &mut over => {
                    self.links.wait_for(own, None).await;
                    self.hold(place.ok());
                    return Pause::Over;
                }
                order = self.orders.recv() => match order {
                    Some(Order::Stop { record }) => return Pause::Ended(End::Stopped { record }),
                    Some(order) => order.refuse(),
                    None => return Pause::Ended(End::Stopped { record: false }),
                },
                () = tokio::time::sleep(CATCH_UP) => self.links.catch_up(own).await,
            }
        }
    }

    /// The account that the session is linked to. A process that has just started knows it from the row.
    pub(super) async fn linked_to(&self, own: &Own) -> Option<String> {
        if let Some(jid) = self.links.shown().jid {
            return Some(jid);
        }
        let row = own.ctx.store.find_session(&own.fence().account, own.session()).await;
        row.ok().flatten().and_then(|row| row.jid)
    }

    /// Holds a place among those that connect until the session has connected or had its chance.
    pub(super) fn hold(&self, place: Option<OwnedSemaphorePermit>) {
        let mut link = self.links.watch();
        task::spawn(async move {
            let settled = link
                .wait_for(|link| !matches!(link.status, SessionStatus::Starting | SessionStatus::Connecting | SessionStatus::Reconnecting));
            let _ = tokio::time::timeout(PLACE, settled).await;
            drop(place);
        });
    }
}
