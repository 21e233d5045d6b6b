//! The task of a session: builds its client, attends to it, and decides what follows its end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Instrument as _;
use wharf_api::types::session::SessionStatus;
use wharf_core::engine::Error;
use wharf_core::{Backoff, store};

use super::Life;
use crate::session::attendance::Attendance;
use crate::session::client::Running;
use crate::session::end::End;
use crate::session::pause::Pause;
use crate::session::verdicts::reached;
use crate::session::{Order, Own};
use crate::task;
use crate::vault::Halt;

/// The pauses between two clients of one session.
const PAUSES: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(5));
/// The pauses while only the database is asked.
const TRIALS: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(15));

impl Life {
    /// Runs until the session ends. `started` hears whether it could be taken. In a box: what a future is given takes its room in that
    /// future and in each one around it, for as long as the session lives.
    pub(in crate::session) async fn run(mut self: Box<Self>, started: oneshot::Sender<Result<(), Error>>) {
        let mut started = Some(started);
        loop {
            if started.is_none()
                && let Some(record) = Box::pin(self.wait_for_lease()).await
            {
                if record {
                    self.links.show(SessionStatus::Stopped, None);
                }
                return;
            }
            // Before the question: what is taken in a term is the node's as long as that lasts.
            let term = self.ctx.config.lease.term();
            // Every client gets an epoch of its own: what the one before still writes is refused.
            let taken = self.ctx.store.take_session(&self.session, &self.ctx.config.node, self.ctx.clock.now()).await;
            let refusal = match taken {
                Ok(Some(fence)) => {
                    if fence.taken_over {
                        self.took_over_at = Some(Instant::now());
                    }
                    let span = task::client_span(&self.session, fence.epoch);
                    let own = Own::new(&self.ctx, fence, term, &self.flow);
                    if let Some(started) = started.take() {
                        // Who asked may have stopped waiting.
                        let _ = started.send(Ok(()));
                    }
                    let end = AssertUnwindSafe(self.attend(&own).instrument(span.clone())).catch_unwind().await;
                    own.vault.shut(Halt::Ended);
                    self.stopped = own.intake.take().or_else(|| self.stopped.take());
                    let end = end.unwrap_or(End::Broken);
                    tracing::debug!(parent: &span, ?end, "a client ended");
                    // What a session waited for told when to go on: no pause of its own.
                    if matches!(end, End::Paused | End::Barred | End::Lapsed) {
                        // A logout that was under way went with its client, and the next may be a long time away.
                        self.answer_logout(Err(Error::NotConnected));
                        if end == End::Lapsed {
                            Box::pin(self.note_lapse(&own).instrument(span)).await;
                        }
                        continue;
                    }
                    if end != End::Broken {
                        Box::pin(self.finish(&own, end).instrument(span)).await;
                        return;
                    }
                    // The next client hears whether the device is still linked.
                    self.answer_logout(Err(Error::NotConnected));
                    None
                }
                Ok(None) => Some(Error::Conflict("another process runs the session, or its account is suspended")),
                Err(error @ (store::Error::Unavailable(_) | store::Error::Refused(_))) if started.is_none() => {
                    tracing::warn!(%error, "the session could not be taken");
                    None
                }
                Err(error) => Some(error.into()),
            };
            if let Some(refusal) = refusal {
                self.links.show(SessionStatus::Stopped, None);
                if let Some(started) = started {
                    let _ = started.send(Err(refusal));
                }
                return;
            }
            if let Some(record) = Box::pin(self.pause()).await {
                if record {
                    // Without an epoch nothing can be recorded; the row's status is old anyway.
                    self.links.show(SessionStatus::Stopped, None);
                }
                return;
            }
        }
    }

    /// Waits before the next client. `Some` when the session was told to stop meanwhile.
    async fn pause(&mut self) -> Option<bool> {
        let pauses = if self.stopped.is_some() { TRIALS } else { PAUSES };
        let pause = pauses.pause(self.failures);
        self.failures = self.failures.saturating_add(1);
        let until = Instant::now() + pause + self.ctx.jitter(pause / 4);
        let (not_before, clock) = (self.not_before.take(), Arc::clone(&self.ctx.clock));
        let over = async {
            match not_before {
                Some(at) => reached(&*clock, at).await,
                None => tokio::time::sleep_until(until).await,
            }
        };
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return None,
                order = self.orders.recv() => match order {
                    Some(Order::Stop { record }) => return Some(record),
                    Some(order) => order.refuse(),
                    None => return Some(false),
                },
            }
        }
    }

    async fn attend(&mut self, own: &Arc<Own>) -> End {
        match Box::pin(self.wait_out_pause(own)).await {
            Pause::None => self.one_client(own).await,
            // In all that time another process may have taken it.
            Pause::Over => End::Paused,
            Pause::Ended(end) => end,
        }
    }

    /// What ends before the client is there, or begins with its end, is in boxes: the session would keep the room for as long as it lives.
    async fn one_client(&mut self, own: &Arc<Own>) -> End {
        if let Some(end) = Box::pin(self.stand_by(own)).await {
            return end;
        }
        if let Some(stopped) = &self.stopped {
            if !Box::pin(stopped.try_again(own)).await {
                return if own.vault.is_fenced() { End::Fenced } else { End::Broken };
            }
            self.stopped = None;
        }
        let running = match Box::pin(Running::start(own)).await {
            Ok(running) => running,
            Err(error) => {
                tracing::error!(error = error.root_cause(), "a client could not be built");
                return match own.vault.halted() {
                    Some(Halt::Fenced) => End::Fenced,
                    _ => End::Broken,
                };
            }
        };
        self.seen.follow(&running.client);
        Box::pin(own.away.load(own)).await;
        if running.is_linked() {
            let jid = running.client.pn().map(|jid| jid.to_non_ad_string());
            let status = if self.failures == 0 { SessionStatus::Connecting } else { SessionStatus::Reconnecting };
            self.links.show(status, jid);
        } else {
            Box::pin(self.links.recall(own)).await;
        }
        let mut attendance = Box::new(Attendance::new(self, own, running));
        let end = attendance.run().await;
        Box::pin(attendance.close(end)).await
    }
}
