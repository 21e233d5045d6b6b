//! One session: the task that owns its client, and what the parts of that task share.

mod again;
mod anew;
mod attendance;
mod away;
mod calls;
mod client;
pub(crate) mod convert;
mod door;
mod end;
mod events;
mod finish;
pub(crate) mod flight;
mod flow;
mod groups;
mod heard;
mod inbound;
mod intake;
pub(crate) mod keyed;
mod known;
mod lapse;
mod leftovers;
mod life;
mod line;
mod links;
pub(crate) mod lookup;
pub(crate) mod media;
mod notice;
mod notices;
pub(crate) mod online;
mod outgoing;
pub(crate) mod pairing;
mod part;
pub(crate) mod passkey;
mod pause;
pub(crate) mod presence;
mod receipts;
mod recovered;
mod seen;
mod standby;
pub(crate) mod strays;
mod timelock;
pub(crate) mod timers;
mod turns;

mod unknown;
mod unread;
mod usable;
mod verdicts;
pub(crate) mod votes;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::{Notify, Semaphore, oneshot, watch};
use tokio_util::sync::CancellationToken;
use wharf_api::ids::SessionId;
use wharf_api::types::session::SessionStatus;
use wharf_core::engine::{Error, Link, PairCode, Registration};
use wharf_core::message::outcomes::Outcomes;
use wharf_core::store::{Fence, Store};
use wharf_core::{Chance, Clock, Meter};
use whatsapp_rust::client::Client;

use crate::awaitable::Awaitable;
use crate::beat::CommonBeat;
use crate::config::Config;
use crate::gate::AckGate;
use crate::http::MediaHttp;
use crate::lane::{LaneReceiver, LaneSender, lane};
use crate::shelf::DeviceShelf;
use crate::standing::Standing;
use crate::task;
use crate::transport::Dialer;
use crate::vault::Vault;
use crate::version::{Sources, WebVersion};
use away::Away;
use flight::Flight;
use flow::Flow;
use line::Line;
use lookup::batch::Lookups;
use online::Online;
use passkey::qr_clock::QrClock;
use presence::Presences;
use seen::LastHeard;
use wharf_core::seal::Seal;

/// What all sessions of the process share.
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) outcomes: Arc<Outcomes>,
    pub(crate) seal: Arc<Seal>,
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) presences: Presences,
    pub(crate) http: MediaHttp,
    /// Places for sessions that all want to connect at the same moment.
    pub(crate) starts: Arc<Semaphore>,
    pub(crate) beat: CommonBeat,
    pub(crate) shelf: Arc<DeviceShelf>,
    pub(crate) version: WebVersion,
    pub(crate) sources: Sources,
    pub(crate) standing: Standing,
}

impl Context {
    pub(crate) fn meter(&self) -> &Meter {
        &self.config.meter
    }

    /// A pause from nothing up to `bound`, for what must not coincide.
    pub(crate) fn jitter(&self, bound: std::time::Duration) -> std::time::Duration {
        self.chance.up_to(bound)
    }
}

/// What the parts of one session share while one client lives. The next client gets a new one, under a new epoch.
pub(crate) struct Own {
    pub(crate) ctx: Arc<Context>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) flight: Arc<Flight>,
    /// Rung when a received message could not be stored: only another connection brings it again.
    pub(crate) unstored: Notify,
    /// Rung while messages go out when there may be more of them.
    more: Notify,
    flow: Arc<Flow>,
    /// What the client writes passes it.
    pub(crate) gate: Arc<AckGate>,
    /// The connection is used without settings that the library waits for.
    lacks_settings: Arc<AtomicBool>,
    /// What the client's QR codes go by.
    pub(crate) qr_clock: Arc<QrClock>,
    pub(crate) line: Line,
    pub(crate) away: Away,
    pub(crate) online: Online,
    /// What WhatsApp said of its reach-out lock.
    timelock: timelock::Heard,
    /// Whether the client knows the server's properties, as far as anybody waits for them.
    has_properties: AtomicBool,
    /// The last look found no message that stays unreadable, and none came since.
    none_unread: AtomicBool,
    /// Whether the device was linked by this client, and its phone has not told it of the time before.
    pub(crate) awaits_history: Awaitable<bool>,
    pub(crate) lookups: Arc<Lookups>,
    pub(crate) intake: intake::Intake,
    pub(crate) strays: Arc<strays::Strays>,
    pub(crate) timers: Arc<timers::Timers>,
    known: known::KnownSession,
}

impl Own {
    /// `term` is that of the node's lease in which the session was taken.
    fn new(ctx: &Arc<Context>, fence: Fence, term: u64, flow: &Arc<Flow>) -> Arc<Self> {
        let vault = Arc::new(Vault::new(Arc::clone(&ctx.store), Arc::clone(&ctx.seal), fence));
        let qr_clock = Arc::new(QrClock::new(ctx.config.qr_life));
        Arc::new(Self {
            ctx: Arc::clone(ctx),
            vault,
            flight: Arc::default(),
            unstored: Notify::new(),
            more: Notify::new(),
            flow: Arc::clone(flow),
            gate: Arc::new(AckGate::within(&ctx.config.lease, term)),
            lacks_settings: Arc::default(),
            qr_clock,
            line: Line::default(),
            away: Away::default(),
            online: Online::default(),
            timelock: timelock::Heard::default(),
            has_properties: AtomicBool::new(false),
            none_unread: AtomicBool::new(false),
            awaits_history: Awaitable::default(),
            lookups: Arc::default(),
            intake: intake::Intake::default(),
            strays: Arc::default(),
            timers: Arc::default(),
            known: known::KnownSession::default(),
        })
    }

    pub(crate) fn fence(&self) -> &Fence {
        self.vault.fence()
    }

    pub(crate) fn session(&self) -> &SessionId {
        &self.vault.fence().session
    }
}

/// What the engine asks of a session's task.
pub(crate) enum Order {
    /// End the task. `record` writes the status `stopped`; a process that goes down leaves the status as it was.
    Stop {
        record: bool,
    },
    Logout(oneshot::Sender<Result<(), Error>>),
    PairCode {
        phone: String,
        reply: oneshot::Sender<Result<PairCode, Error>>,
    },
    Passkey {
        act: passkey::Act,
        reply: passkey::Reply,
    },
    Registrations {
        phones: Vec<String>,
        reply: oneshot::Sender<Result<Vec<Registration>, Error>>,
    },
    /// Something that a connected client is needed for; it answers whoever asked by itself.
    Work(Work),
}

/// Gets the client and what its session has, or nothing where none is connected.
pub(crate) type Work = Box<dyn FnOnce(Option<(Arc<Client>, Arc<Own>)>) + Send>;

impl Order {
    /// Answers what can only be asked of a client, where there is none.
    fn refuse(self) {
        match self {
            Self::Stop { .. } => {}
            // The asker may have stopped waiting.
            Self::Logout(reply) | Self::Passkey { reply, .. } => drop(reply.send(Err(Error::NotConnected))),
            Self::PairCode { reply, .. } => drop(reply.send(Err(Error::NotConnected))),
            Self::Registrations { reply, .. } => drop(reply.send(Err(Error::NotConnected))),
            Self::Work(work) => work(None),
        }
    }
}

/// Where a session's task finds its orders. Each is in a box of its own: the queue keeps room for some, which every session would pay for
/// all its life.
pub(crate) struct Orders(LaneReceiver<Box<Order>>);

impl Orders {
    /// `None` where nobody is left who could give one.
    pub(crate) async fn recv(&mut self) -> Option<Order> {
        self.0.recv().await.map(|order| *order)
    }
}

/// The engine's hold on a session's task.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) link: Arc<watch::Sender<Link>>,
    pub(crate) orders: LaneSender<Box<Order>>,
    pub(crate) wake: Arc<Notify>,
    pub(crate) seen: Arc<LastHeard>,
    pub(crate) flow: Arc<Flow>,
    /// Cancelled when the task has ended.
    pub(crate) ended: CancellationToken,
}

impl Handle {
    /// Starts the task of a session. `link` is what watchers of an earlier task look at. The receiver tells whether the
    /// session could be taken.
    pub(crate) fn spawn(
        ctx: &Arc<Context>,
        session: &SessionId,
        link: Option<Arc<watch::Sender<Link>>>,
    ) -> (Self, oneshot::Receiver<Result<(), Error>>) {
        let fresh = Link::new(SessionStatus::Starting);
        let link = link.unwrap_or_else(|| Arc::new(watch::Sender::new(fresh.clone())));
        link.send_replace(fresh);
        let (orders, inbox) = lane();
        let wake = Arc::new(Notify::new());
        let ended = CancellationToken::new();
        let (started, outcome) = oneshot::channel();
        let (seen, flow) = (Arc::<LastHeard>::default(), Arc::<Flow>::default());
        let watched = (Arc::clone(&seen), Arc::clone(&flow));
        let life = life::Life::new(Arc::clone(ctx), session.clone(), Arc::clone(&link), Orders(inbox), Arc::clone(&wake), watched);
        let life = Box::new(life);
        let guard = ended.clone().drop_guard();
        task::spawn_session(session, async move {
            life.run(started).await;
            drop(guard);
        });
        (Self { link, orders, wake, seen, flow, ended }, outcome)
    }

    /// Ends the task and waits for its end.
    pub(crate) async fn stop(&self, record: bool) {
        // A queue that nobody reads is a task that has ended.
        let _ = self.orders.send(Box::new(Order::Stop { record }));
        self.ended.cancelled().await;
    }
}
