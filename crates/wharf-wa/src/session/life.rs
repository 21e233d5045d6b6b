//! What the task of a session has, whichever client it attends to.

mod run;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;
use wharf_api::Timestamp;
use wharf_api::ids::SessionId;
use wharf_core::engine::{Error, Link};

use super::again::Again;
use super::flow::Flow;
use super::intake::Stopped;
use super::links::Links;
use super::outgoing::Queue;
use super::receipts::Receipts;
use super::seen::LastHeard;
use super::standby::Standby;
use super::{Context, Orders};

/// For how long a session that was taken over from another node may be in conflict with what that node still does.
const TAKE_OVER: Duration = Duration::from_mins(1);

/// The life of a session, over all its clients.
pub(super) struct Life {
    pub(super) ctx: Arc<Context>,
    pub(super) session: SessionId,
    pub(super) links: Links,
    pub(super) orders: Orders,
    pub(super) wake: Arc<Notify>,
    seen: Arc<LastHeard>,
    flow: Arc<Flow>,
    /// Clients that ended without a reason since one was connected.
    pub(super) failures: u32,
    /// What is remembered of refusals.
    pub(super) standby: Standby,
    /// WhatsApp turned the session away: the next client comes at that time and not before.
    pub(super) not_before: Option<Timestamp>,
    /// How often WhatsApp refused a pairing code since it gave one.
    pub(super) refused_codes: Arc<AtomicU32>,
    /// Receipts that are not stored yet. WhatsApp has its acknowledgement of them: they outlive the client that heard them.
    pub(super) receipts: Receipts,
    /// What was asked for again of what cannot be read.
    pub(super) again: Again,
    /// What the pump knows of messages, while no pump runs.
    pub(super) queue: Option<Queue>,
    /// What the database refused to keep of what came in.
    stopped: Option<Stopped>,
    /// Who waits for a logout to be done.
    pub(super) logout: Option<oneshot::Sender<Result<(), Error>>>,
    /// When the session was last taken from another node.
    took_over_at: Option<Instant>,
}

impl Life {
    pub(super) fn new(
        ctx: Arc<Context>,
        session: SessionId,
        link: Arc<watch::Sender<Link>>,
        orders: Orders,
        wake: Arc<Notify>,
        (seen, flow): (Arc<LastHeard>, Arc<Flow>),
    ) -> Self {
        let links = Links::new(session.clone(), link);
        Self {
            ctx,
            session,
            links,
            orders,
            wake,
            seen,
            flow,
            failures: 0,
            standby: Standby::default(),
            not_before: None,
            refused_codes: Arc::default(),
            receipts: Receipts::default(),
            again: Again::default(),
            queue: None,
            stopped: None,
            logout: None,
            took_over_at: None,
        }
    }

    /// Whether the node that had the session before may still be at work with its keys.
    pub(super) fn took_over_lately(&self) -> bool {
        self.took_over_at.is_some_and(|at| at.elapsed() < TAKE_OVER)
    }

    /// Tells whoever asked for a logout what became of it.
    pub(super) fn answer_logout(&mut self, answer: Result<(), Error>) {
        if let Some(logout) = self.logout.take() {
            // Who asked may have stopped waiting.
            let _ = logout.send(answer);
        }
    }
}
