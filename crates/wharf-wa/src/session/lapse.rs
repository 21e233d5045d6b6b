//! The end of the node's lease, as one session lives it: no word goes out any more, and the next client waits until the lease is good.

use std::sync::Arc;

use wharf_api::types::session::SessionStatus;

use super::attendance::Attendance;
use super::end::End;
use super::life::Life;
use super::links::Account;
use super::{Order, Own};
use crate::vault::Halt;

impl Attendance<'_> {
    /// Another node may take the session in a moment: this one is done with it.
    pub(super) fn on_lapse(&self) -> End {
        tracing::warn!("the node's lease is over: the session's connection ends");
        self.own.vault.shut(Halt::Lapsed);
        self.own.gate.cut();
        End::Lapsed
    }
}

impl Life {
    /// Shows that there is no connection. It is written down when the lease is good, unless the session is somebody else's by then.
    pub(super) async fn note_lapse(&mut self, own: &Own) {
        let shown = self.links.shown();
        match shown.status {
            SessionStatus::Connected => {
                let account = Account { jid: shown.jid, ..Account::default() };
                self.links.linked(own, SessionStatus::Reconnecting, account).await;
            }
            SessionStatus::Connecting | SessionStatus::Reconnecting => {}
            _ => self.links.show(SessionStatus::Starting, shown.jid),
        }
    }

    /// Waits while the node's lease is over: by then nothing can be taken. `Some` where the session was told to stop meanwhile.
    pub(super) async fn wait_for_lease(&mut self) -> Option<bool> {
        let ctx = Arc::clone(&self.ctx);
        if !ctx.config.lease.is_over() {
            return None;
        }
        tracing::warn!("the node's lease is over: the session waits for the next one, and another node may take it");
        let shown = self.links.shown();
        if shown.status == SessionStatus::Connected {
            // Its client broke before the lease was over, and could not write that down.
            self.links.show(SessionStatus::Reconnecting, shown.jid);
        }
        let good = async {
            ctx.config.lease.good().await;
            // All sessions of the node come back at this moment.
            tokio::time::sleep(ctx.jitter(ctx.config.start_stagger)).await;
            Arc::clone(&ctx.starts).acquire_owned().await
        };
        let mut good = std::pin::pin!(good);
        loop {
            tokio::select! {
                place = &mut good => {
                    self.hold(place.ok());
                    return None;
                }
                order = self.orders.recv() => match order {
                    Some(Order::Stop { record }) => return Some(record),
                    Some(order) => order.refuse(),
                    None => return Some(false),
                },
            }
        }
    }
}
