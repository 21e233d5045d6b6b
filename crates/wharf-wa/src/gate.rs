//! Holds back what a client writes while something that it heard is being written down: the library acknowledges by itself, and the
//! acknowledgement may only go out when nothing can be lost any more. What cannot be written down breaks the connection, so that the
//! network says it again on the next.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use wacore::net::Transport;
use wacore::stats::TransportResourceReport;
use wharf_core::Lease;

use crate::awaitable::Awaitable;
use crate::ratchet::{Ratchet, Unsaved};

#[derive(Default)]
struct GateState {
    next: u64,
    /// What is being written down, in the order in which it was heard.
    held: BTreeSet<u64>,
    /// How often something could not be written down.
    lost: u64,
}

/// One client's gate, over all of its connections, within one term of the node's lease.
#[derive(Default)]
pub(crate) struct AckGate {
    state: Awaitable<GateState>,
    pub(crate) ratchet: Ratchet,
    lease: Arc<Lease>,
    term: u64,
}

/// The connection may not be used any more.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("something that was heard on this connection could not be written down")]
    Unwritten,
    #[error(transparent)]
    Unsaved(#[from] Unsaved),
    #[error("the node's lease is over")]
    Lapsed,
}

impl AckGate {
    /// Of a session that was taken in this term of the lease.
    pub(crate) fn within(lease: &Arc<Lease>, term: u64) -> Self {
        Self { lease: Arc::clone(lease), term, ..Self::default() }
    }

    /// Ends when the term is over: another node may have the session, also where this one has a lease again.
    pub(crate) async fn lapsed(&self) {
        self.lease.ended(self.term).await;
    }

    /// Opens a connection, and gives up with the end of the term.
    pub(crate) async fn opened<T>(&self, opening: impl Future<Output = T> + Send) -> anyhow::Result<T> {
        tokio::select! {
            biased;
            () = self.lapsed() => Err(Lost::Lapsed.into()),
            opened = opening => Ok(opened),
        }
    }

    fn check_term(&self) -> Result<(), Lost> {
        if self.lease.has_ended(self.term) { Err(Lost::Lapsed) } else { Ok(()) }
    }

    /// Nothing goes out any more on a connection that is open: whoever tries breaks it.
    pub(crate) fn cut(&self) {
        self.state.change(|state| state.lost += 1);
    }

    /// From now on nothing goes out until the hold ends.
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        let id = self.state.change(|state| {
            let id = state.next;
            state.next += 1;
            state.held.insert(id);
            id
        });
        Hold { gate: Arc::clone(self), id, written: false }
    }

    /// Holds what goes out, unless so much is held that one more would not be held back for long alone.
    pub(crate) fn hold_among(self: &Arc<Self>, most: usize) -> Option<Hold> {
        let few = self.state.look(|state| state.held.len()) < most;
        few.then(|| self.hold())
    }

    /// The connection behind the gate.
    pub(crate) fn guard(self: &Arc<Self>, inner: Arc<dyn Transport>) -> Arc<dyn Transport> {
        Arc::new(GuardedTransport { inner, gate: Arc::clone(self), lost_before: self.state.look(|state| state.lost) })
    }

    /// Waits for what was heard so far, on a connection that was opened after so many losses, and for the keys of what wants to pass.
    async fn pass(&self, length: usize, lost_before: u64) -> Result<(), Lost> {
        self.check_term()?;
        self.ratchet.saved(length).await?;
        let until = self.state.look(|state| state.next);
        let open = |state: &GateState| {
            let is_open = state.lost != lost_before || state.held.first().is_none_or(|first| *first >= until);
            is_open.then_some(state.lost)
        };
        if self.state.until(open).await != lost_before {
            return Err(Lost::Unwritten);
        }
        self.check_term()
    }
}

/// Ends when what was heard is written down; dropped before that, it breaks the connection.
pub(crate) struct Hold {
    gate: Arc<AckGate>,
    id: u64,
    written: bool,
}

impl Hold {
    /// Waits until everything that was heard before is written down, or is lost.
    pub(crate) async fn turn(&self) {
        self.gate.state.until(|state| (state.held.first() == Some(&self.id)).then_some(())).await;
    }

    pub(crate) fn written(mut self) {
        self.written = true;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.gate.state.change(|state| {
            state.held.remove(&self.id);
            state.lost += u64::from(!self.written);
        });
    }
}

struct GuardedTransport {
    inner: Arc<dyn Transport>,
    gate: Arc<AckGate>,
    lost_before: u64,
}

#[async_trait]
impl Transport for GuardedTransport {
    async fn send(&self, data: Bytes) -> anyhow::Result<()> {
        if let Err(lost) = self.gate.pass(data.len(), self.lost_before).await {
            self.inner.disconnect().await;
            return Err(lost.into());
        }
        self.inner.send(data).await
    }

    async fn disconnect(&self) {
        self.inner.disconnect().await;
    }

    fn resource_report(&self) -> Option<TransportResourceReport> {
        self.inner.resource_report()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use futures::FutureExt as _;
    use tokio::time::Instant;

    use super::*;

    #[derive(Default)]
    struct Wire {
        sent: Mutex<Vec<Bytes>>,
        cut: Mutex<bool>,
    }

    #[async_trait]
    impl Transport for Wire {
        async fn send(&self, data: Bytes) -> anyhow::Result<()> {
            self.sent.lock().unwrap().push(data);
            Ok(())
        }

        async fn disconnect(&self) {
            *self.cut.lock().unwrap() = true;
        }
    }

    fn opened(gate: &Arc<AckGate>) -> (Arc<Wire>, Arc<dyn Transport>) {
        let wire = Arc::<Wire>::default();
        (Arc::clone(&wire), gate.guard(wire))
    }

    #[tokio::test]
    async fn nothing_goes_out_before_what_was_heard_is_written_down_and_later_notices_hold_nothing_back() {
        let gate = Arc::<AckGate>::default();
        let (wire, guarded) = opened(&gate);
        guarded.send(Bytes::from_static(b"free")).await.unwrap();
        let (first, second) = (gate.hold(), gate.hold());
        let mut held = guarded.send(Bytes::from_static(b"held"));
        assert!(held.as_mut().now_or_never().is_none());
        assert!(second.turn().now_or_never().is_none(), "one after the other");
        first.written();
        assert!(held.as_mut().now_or_never().is_none());
        let later = gate.hold();
        second.written();
        held.await.unwrap();
        assert_eq!(*wire.sent.lock().unwrap(), ["free", "held"]);
        later.written();
    }

    #[tokio::test]
    async fn what_is_not_written_down_breaks_its_connection_and_not_the_next() {
        let gate = Arc::<AckGate>::default();
        let (wire, guarded) = opened(&gate);
        let hold = gate.hold();
        let mut held = guarded.send(Bytes::from_static(b"held"));
        assert!(held.as_mut().now_or_never().is_none());
        drop(hold);
        assert!(held.await.is_err() && guarded.send(Bytes::from_static(b"more")).await.is_err());
        assert!(*wire.cut.lock().unwrap() && wire.sent.lock().unwrap().is_empty());
        let (wire, guarded) = opened(&gate);
        guarded.send(Bytes::from_static(b"again")).await.unwrap();
        assert_eq!(*wire.sent.lock().unwrap(), ["again"]);
    }

    #[tokio::test]
    async fn nothing_goes_out_after_the_end_of_the_lease_although_a_next_one_is_good() {
        let lease = Arc::<Lease>::default();
        let gate = Arc::new(AckGate::within(&lease, lease.term()));
        let (wire, guarded) = opened(&gate);
        guarded.send(Bytes::from_static(b"in time")).await.unwrap();
        let hold = gate.hold();
        let mut held = guarded.send(Bytes::from_static(b"held"));
        assert!(held.as_mut().now_or_never().is_none());
        lease.renewed(Instant::now(), Duration::ZERO);
        hold.written();
        assert!(held.await.is_err(), "it was in line when the lease ended");
        assert!(*wire.cut.lock().unwrap());
        lease.alone();
        assert!(guarded.send(Bytes::from_static(b"late")).await.is_err(), "another node may have the session by now");
        let (next, of_next) = opened(&gate);
        assert!(of_next.send(Bytes::from_static(b"late")).await.is_err() && *next.cut.lock().unwrap());
        assert_eq!((wire.sent.lock().unwrap().len(), next.sent.lock().unwrap().len()), (1, 0));
        let (wire, guarded) = opened(&Arc::new(AckGate::within(&lease, lease.term())));
        guarded.send(Bytes::from_static(b"taken anew")).await.unwrap();
        assert_eq!(*wire.sent.lock().unwrap(), ["taken anew"]);
    }

    #[tokio::test]
    async fn a_connection_that_is_being_opened_when_the_lease_ends_comes_to_nothing_and_none_is_begun_after_it() {
        let lease = Arc::<Lease>::default();
        let gate = AckGate::within(&lease, lease.term());
        assert_eq!(gate.opened(async { 1 }).await.unwrap(), 1);
        let mut dialled = Box::pin(gate.opened(std::future::pending::<()>()));
        assert!(dialled.as_mut().now_or_never().is_none());
        lease.renewed(Instant::now(), Duration::ZERO);
        lease.alone();
        assert!(dialled.await.is_err());
        let mut begun = false;
        let refused = gate.opened(async { begun = true }).await;
        assert!(refused.is_err() && !begun);
    }
}
