//! The wait of a session for its turn, and what begins and ends it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use wharf_api::types::session::{SessionStatus, WaitingFor};
use wharf_core::switches::State;

use crate::session::attendance::Attendance;
use crate::session::end::End;
use crate::session::life::Life;
use crate::session::{Order, Own};

/// The pause before a session comes back, by chance from the first to the sum of both; shorter where few do.
const RETURN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(9)];
/// As long as no more than so many wait besides there is no crowd.
const FEW: usize = 8;

/// What ends a wait.
enum Woken {
    /// Something has changed.
    Look,
    /// It is this session's turn.
    Turn,
    /// The operator pauses connections.
    Pause,
}

impl Life {
    /// Waits until the session may try. Tells how it ends where somebody ends it meanwhile.
    pub(in crate::session) async fn stand_by(&mut self, own: &Arc<Own>) -> Option<End> {
        let ctx = Arc::clone(&own.ctx);
        let (mut version, mut release) = (ctx.version.watch(), ctx.standing.watch());
        let mut switches = ctx.config.switches.subscribe();
        let mut returns = self.standby.knocked.is_some();
        self.standby.turn = false;
        if let Err(end) = self.unless_ended(own, ctx.version.settle()).await {
            return Some(end);
        }
        loop {
            let revision = version.borrow_and_update().revision;
            let Some(cause) = ctx.standing.bars(revision, self.standby.knocked) else { break };
            self.show_waiting(own, cause).await;
            returns = true;
            let counted = ctx.standing.wait(ctx.clock.now());
            let next = async {
                tokio::select! {
                    _ = version.changed() => Woken::Look,
                    _ = release.changed() => Woken::Look,
                    () = ctx.standing.turn() => Woken::Turn,
                    () = paused(&mut switches) => Woken::Pause,
                }
            };
            match self.unless_ended(own, next).await {
                Err(end) => return Some(end),
                Ok(Woken::Look) => {}
                // Nobody tries while connections pause.
                Ok(Woken::Pause) => return Some(End::Barred),
                Ok(Woken::Turn) => {
                    self.standby.turn = true;
                    return None;
                }
            }
            drop(counted);
        }
        if returns { self.come_back(own).await } else { None }
    }

    /// Comes back with others, and not all at once.
    async fn come_back(&mut self, own: &Own) -> Option<End> {
        self.standby.knocked = None;
        let [least, spread] = RETURN;
        let crowd = own.ctx.standing.waiting() > FEW;
        let pause = if crowd { least + own.ctx.jitter(spread) } else { own.ctx.jitter(least) };
        let starts = Arc::clone(&own.ctx.starts);
        let come = async {
            // The pause holds no place: it is there to spread them, and places are for those that connect.
            tokio::time::sleep(pause).await;
            starts.acquire_owned().await
        };
        match self.unless_ended(own, come).await {
            Ok(place) => {
                self.hold(place.ok());
                None
            }
            Err(end) => Some(end),
        }
    }

    /// Waits for something, and refuses what only a client can do. `Err` where somebody ends the session first, or where the node's lease
    /// ends: however long the wait was, a client begins only with a session that nobody else can have taken meanwhile.
    async fn unless_ended<T>(&mut self, own: &Own, what: impl Future<Output = T>) -> Result<T, End> {
        tokio::pin!(what);
        loop {
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(Order::Stop { record }) => return Err(End::Stopped { record }),
                    Some(order) => order.refuse(),
                    None => return Err(End::Stopped { record: false }),
                },
                () = own.gate.lapsed() => return Err(End::Lapsed),
                done = &mut what => return Ok(done),
            }
        }
    }

    async fn show_waiting(&mut self, own: &Own, cause: WaitingFor) {
        let shown = self.links.shown();
        if shown.waiting.is_none() && matches!(shown.status, SessionStatus::Starting | SessionStatus::Qr | SessionStatus::Connecting) {
            // No client tells whether it is linked, and no code can be scanned any more.
            let jid = self.linked_to(own).await;
            let status = if jid.is_some() { SessionStatus::Reconnecting } else { SessionStatus::Starting };
            self.links.show(status, jid);
        }
        self.links.wait_for(own, Some(cause)).await;
    }
}

async fn paused(switches: &mut watch::Receiver<State>) {
    // The switches live as long as the process.
    let _ = switches.wait_for(|state| state.connecting.paused).await;
}

impl Attendance<'_> {
    /// WhatsApp does not take the version that the client claims.
    pub(in crate::session) fn on_outdated(&mut self) -> End {
        let (ctx, revision) = (&self.own.ctx, self.running.revision);
        let now = ctx.clock.now();
        ctx.meter().refusals.one(405);
        tracing::error!(revision, "WhatsApp refuses this version of the client: it is too old");
        self.life.standby.knocked = Some(ctx.standing.outdated(self.own.session(), revision, now));
        ctx.version.refuse(revision, now);
        End::Barred
    }

    /// WhatsApp turned the connection away with a code that says: too much. The client ends where others hear the same.
    pub(in crate::session) fn on_turned_away(&self, code: u16) -> Option<End> {
        let crowded = matches!(code, 409 | 418 | 428 | 503);
        (crowded && self.own.ctx.standing.overloaded(self.own.session(), self.own.ctx.clock.now())).then_some(End::Barred)
    }

    /// WhatsApp let the client in: it is connected, or has a code to be scanned.
    pub(in crate::session) fn on_admitted(&mut self) {
        let standby = std::mem::take(&mut self.life.standby);
        self.own.ctx.standing.accepted(self.running.revision, standby.turn);
    }
}
