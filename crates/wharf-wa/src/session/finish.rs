//! The end of a session: what follows from it is written until it is written, unless somebody ends the task or takes the session first.

use std::time::Duration;

use wharf_api::types::session::{DisconnectReason, SessionStatus};
use wharf_core::engine::Error;
use wharf_core::{Backoff, store};

use super::end::End;
use super::life::Life;
use super::outgoing::give_up_queue;
use super::{Order, Own};

/// The pauses between two tries to write down an end.
const PAUSES: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(15));

/// What has to be written.
#[derive(Clone, Copy, Debug)]
enum Duty {
    /// The keys of a link that is gone. Those that stay would be taken for a link at the next start.
    Wipe,
    /// The change of the link, with its events.
    Link,
    /// That nobody runs the session any more.
    Release,
}

impl Life {
    /// Does what the end of the session demands, after its client is gone.
    pub(super) async fn finish(&mut self, own: &Own, end: End) {
        let written = match end {
            End::Stopped { record } => {
                if record {
                    self.links.ended(own, SessionStatus::Stopped, None, false).await;
                }
                true
            }
            End::LoggedOut => self.finish_logout(own).await,
            End::Lost(reason) => {
                self.links.ended(own, SessionStatus::Disconnected, Some(reason), false).await;
                let written = self.insist(own, Duty::Link).await;
                if own.vault.is_fenced() {
                    // Whoever replaced us owns the session: that is a take-over, and its link is theirs to show.
                    self.links.show(SessionStatus::Stopped, None);
                }
                written
            }
            End::QrExpired => {
                self.links.ended(own, SessionStatus::QrExpired, None, false).await;
                self.insist(own, Duty::Link).await
            }
            End::Fenced | End::Broken | End::Paused | End::Barred | End::Lapsed => {
                self.links.show(SessionStatus::Stopped, None);
                true
            }
        };
        self.answer_logout(if written && end == End::LoggedOut { Ok(()) } else { Err(Error::NotConnected) });
        // Somebody waits for a stop; whoever starts the session next finds that this node has it.
        let waits = written && !matches!(end, End::Stopped { .. });
        if waits {
            self.insist(own, Duty::Release).await;
        } else {
            self.done(own, Duty::Release).await;
        }
    }

    async fn finish_logout(&mut self, own: &Own) -> bool {
        let ended = (SessionStatus::Disconnected, Some(DisconnectReason::LoggedOut));
        if !self.done(own, Duty::Wipe).await {
            self.links.show_end(ended.0, ended.1, true);
            self.answer_logout(Err(Error::Store(store::Error::Unavailable("the logout is not written down yet".into()))));
            if !self.insist(own, Duty::Wipe).await {
                return false;
            }
        }
        self.links.ended(own, ended.0, ended.1, true).await;
        if !self.insist(own, Duty::Link).await {
            return false;
        }
        give_up_queue(own).await;
        true
    }

    /// Does its duty however long that takes. `false` where somebody ended the session first.
    async fn insist(&mut self, own: &Own, duty: Duty) -> bool {
        let mut pauses = 0;
        while !self.done(own, duty).await {
            tracing::warn!(?duty, "the end of a session is not written down yet; it is tried again");
            if self.is_stopped_within(PAUSES.pause(pauses)).await {
                return false;
            }
            pauses += 1;
        }
        true
    }

    /// Tries once. What another owner or the rules refuse is over too.
    async fn done(&mut self, own: &Own, duty: Duty) -> bool {
        let store = &own.ctx.store;
        let tried = match duty {
            Duty::Wipe => own.vault.notice(store.vault_wipe(own.fence()).await),
            Duty::Release => store.release_session(own.fence()).await,
            Duty::Link => {
                self.links.catch_up(own).await;
                return self.links.is_recorded();
            }
        };
        match tried {
            Err(error) if error.is_for_later() => false,
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(?duty, %error, "the end of a session was not written down");
                true
            }
        }
    }

    /// Waits; `true` as soon as the session is told to stop. What asks for a client is refused meanwhile.
    async fn is_stopped_within(&mut self, pause: Duration) -> bool {
        let stopped = async {
            while let Some(order) = self.orders.recv().await {
                match order {
                    Order::Stop { .. } => return,
                    order => order.refuse(),
                }
            }
        };
        tokio::time::timeout(pause, stopped).await.is_ok()
    }
}
