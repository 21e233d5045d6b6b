//! Building a client and putting it away.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use wacore::store::DevicePropsOverride;
use wacore::types::events::{Event, EventHandler, EventInterest, EventKind};
use waproto::whatsapp::device_props::PlatformType;
use wharf_api::types::switches::Feature;
use wharf_core::session::open_proxy;
use whatsapp_rust::bot::{Bot, BotHandle};
use whatsapp_rust::client::Client;
use whatsapp_rust::{CacheConfig, CacheEntryConfig, CacheStores, RawNodeLease};

use super::flight::Answer;
use super::heard::heard;
use super::inbound::Inbound;
use super::passkey::act::Answered;
use super::receipts::Kept;
use super::usable::Patient;
use super::{Own, anew, leftovers, notices, unread};
use crate::backend::{Backend, NoCache};
use crate::http::MediaHttp;
use crate::lane::{LaneReceiver, LaneSender, lane};
use crate::transport::{Dial, Dialer};
use crate::vault::Halt;

/// The library bounds its own steps by 5 s each; after this time a client that still lives is cut off.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(12);

/// What a client tells its session, in order. Kept small by boxes: the queue keeps room for some of them.
pub(super) enum Signal {
    Event(Arc<Event>),
    /// A receipt, and its acknowledgement.
    Receipt(Box<(Arc<Event>, Option<Kept>)>),
    /// It opens a socket. The library keeps quiet about connections that it ended itself; this tells of them.
    Dialing,
    /// What WhatsApp said to a step of the ceremony with a passkey.
    Passkey(Box<Answered>),
}

/// A client that runs.
pub(super) struct Running {
    pub(super) client: Arc<Client>,
    pub(super) signals: LaneReceiver<Signal>,
    /// The other end of `signals`, for tasks of the session's own.
    pub(super) bell: LaneSender<Signal>,
    pub(super) handle: BotHandle,
    /// The version that it claims.
    pub(super) revision: u32,
    /// Some of what WhatsApp says the library drops, and some it does not know; it is heard on the wire.
    _raw: RawNodeLease,
}

impl Running {
    pub(super) async fn start(own: &Arc<Own>) -> anyhow::Result<Self> {
        anew::begin(own).await?;
        let config = &own.ctx.config;
        let revision = own.ctx.version.revision();
        let (sender, signals) = lane();
        let (bell, own_bell) = (sender.clone(), sender.clone());
        let caller = Arc::clone(own);
        let dialing = move || {
            caller.line.dialing();
            // The session is gone: nobody cares any more.
            drop(bell.send(Signal::Dialing));
        };
        let (dialer, http) = ways(own).await?;
        let backend = Backend::new(Arc::clone(&own.vault), Arc::clone(&own.ctx.clock), Arc::clone(&own.flight))
            .heeding(Arc::clone(&own.strays))
            .timing(Arc::clone(&own.timers))
            .sharing(&own.ctx.shelf);
        let bot = Bot::builder();
        // The privacy tokens of existing chats come with the history; nothing else of it is kept.
        let bot = if config.switches.is_off(Feature::HistoryTokens) { bot.skip_history_sync() } else { bot };
        let bot = bot
            .with_backend_arc(Arc::new(backend))
            .with_transport_factory(Dial { dialer, dialing, gate: Arc::clone(&own.gate) })
            .with_http_client(http)
            .with_runtime(Patient::new(Arc::clone(&own.lacks_settings), Arc::clone(&own.qr_clock), own.ctx.beat))
            .with_version((2, 3000, revision))
            .with_device_props(DevicePropsOverride::new().with_os(config.device_name.clone()).with_platform_type(PlatformType::CHROME))
            .with_wanted_pre_key_count(config.wanted_pre_keys)
            .with_cache_config(caches())
            .with_inbound_durability_hook(Inbound::new(Arc::clone(own)))
            .build()
            .await?;
        let client = bot.client();
        // Whoever writes to the account is to see that it came, although the session is not «available».
        client.set_force_active_delivery_receipts(true);
        client.subscribe_handler(Arc::new(EventTap { own: Arc::clone(own), sender })).detach();
        own.gate.ratchet.of(Arc::downgrade(&client));
        own.strays.of(own, &client);
        own.known.of(&client);
        leftovers::take(own, &client).await;
        let raw = client.acquire_raw_node_forwarding();
        Ok(Self { client, signals, bell: own_bell, handle: bot.spawn(), revision, _raw: raw })
    }

    /// Whether the device is linked to an account.
    pub(super) fn is_linked(&self) -> bool {
        self.client.pn().is_some()
    }

    /// Ends the client and saves what it holds, unless its vault is shut. Gives what nobody has read of what it told.
    pub(super) async fn end(self, own: &Own) -> LaneReceiver<Signal> {
        if tokio::time::timeout(SHUTDOWN_LIMIT, self.handle.shutdown()).await.is_err() {
            tracing::warn!("a client did not end in time and was cut off");
        }
        own.vault.shut(Halt::Ended);
        own.qr_clock.hold(false);
        self.signals
    }
}

/// The ways out that all sessions share, or those through the session's own proxy. Where that cannot be read there is no way.
async fn ways(own: &Own) -> anyhow::Result<(Arc<Dialer>, MediaHttp)> {
    let (ctx, session) = (&own.ctx, own.session());
    let Some(sealed) = ctx.store.session_proxy(session).await? else { return Ok((Arc::clone(&ctx.dialer), ctx.http.clone())) };
    let proxy = open_proxy(&ctx.seal, session, &sealed)?;
    Ok((Arc::new(ctx.dialer.through(proxy.clone())?), ctx.http.through(proxy)))
}

/// How many chats keep a task of their own for what comes in there, while nothing does. Each is 10 KiB, and the library would keep 5,000.
const CHAT_TASKS: u64 = 8;

/// How many locks on people's keys, and on groups, are kept while nobody holds them; the library would keep 10,000 and 512.
const PEOPLES_LOCKS: u64 = 256;
const GROUPS_LOCKS: u64 = 16;

/// Of how many groups it stays in memory who has their keys; of the others the database is asked before a send.
const KEYED_GROUPS: u64 = 8;

/// Caches for small memory. An entry whose time is over leaves the library's caches when somebody asks for it and no sooner, so it is sizes
/// that bound them. A task and a lock may go: the library keeps each that has something to do, or that somebody holds or waits for, and
/// makes it anew the next time. Device lists come from the backend, which has a memory of its own for them: with a cache in the library it
/// would also keep the lists of 512 chats and 64 groups put together, and no setting reaches those.
fn caches() -> CacheConfig {
    let minutes = |minutes: u64| Some(Duration::from_secs(minutes * 60));
    CacheConfig {
        // In the library's own memory: it takes the members that it has just asked for only where what it knew is the very same object.
        group_cache: CacheEntryConfig::new(minutes(60), 50),
        cache_stores: CacheStores { device_registry_cache: Some(Arc::new(NoCache)), ..CacheStores::default() },
        message_retry_counts: CacheEntryConfig::new(minutes(60), 200),
        undecryptable_dispatched: CacheEntryConfig::new(minutes(5), 100),
        // Only what is asked twice in one breath is left out: the session asks again by a schedule of its own.
        pdo_pending_requests: CacheEntryConfig::new(Some(Duration::from_secs(1)), 50),
        pdo_requested: CacheEntryConfig::new(Some(Duration::from_secs(1)), 200),
        sender_key_devices_cache: CacheEntryConfig::new(minutes(15), KEYED_GROUPS),
        // What the API sent is kept by the store, for longer; this bounds the library's own rows.
        sent_message_ttl_secs: 14 * 24 * 60 * 60,
        seed_msg_secrets_from_history: false,
        chat_lanes_capacity: CHAT_TASKS,
        session_locks_capacity: PEOPLES_LOCKS,
        group_distribution_locks_capacity: GROUPS_LOCKS,
        ..CacheConfig::default()
    }
}

/// Takes events off the library's bus. Acknowledgements go straight to who waits, notices into the log; the rest queues up for
/// the session.
struct EventTap {
    own: Arc<Own>,
    sender: LaneSender<Signal>,
}

impl EventHandler for EventTap {
    fn handle_event(&self, event: Arc<Event>) {
        if let Event::RawNode(stanza) = &*event
            && !heard(&self.own, stanza.get())
        {
            return;
        }
        if matches!(*event, Event::Disconnected(_)) {
            self.own.line.closed();
        }
        if let Event::ServerAck(ack) = &*event {
            if ack.class.as_deref() == Some("message") {
                if ack.error.is_none() {
                    self.own.away.asked(self.own.ctx.clock.now());
                }
                let answer = ack.error.clone().map_or(Answer::Acknowledged, Answer::Refused);
                self.own.flight.answer(&ack.id, answer);
            }
            return;
        }
        match &*event {
            Event::PairingQrCode(_) => self.own.qr_clock.ticks_here(),
            // At once, and not when the session's task gets to it: the last code's time may be about to end.
            Event::PairPasskeyRequest(_) => self.own.qr_clock.hold(true),
            _ => {}
        }
        if let Some(notice) = notices::of(&event) {
            return notice.keep(&self.own);
        }
        if let Event::UndecryptableMessage(message) = &*event {
            return unread::keep(&self.own, message);
        }
        let signal = match &*event {
            Event::Receipt(_) => Signal::Receipt(Box::new((event, Kept::back(&self.own)))),
            _ => Signal::Event(event),
        };
        // The session is gone: nobody cares any more.
        let _ = self.sender.send(signal);
    }

    fn interest(&self) -> EventInterest {
        EventInterest::of(&[
            EventKind::RawNode,
            EventKind::PairingQrCode,
            EventKind::PairingQrCodesExhausted,
            EventKind::PairingCode,
            EventKind::PairingCodeError,
            EventKind::PairingCodeRefresh,
            EventKind::QrScannedWithoutMultidevice,
            EventKind::PairSuccess,
            EventKind::PairError,
            EventKind::PairPasskeyRequest,
            EventKind::PairPasskeyConfirmation,
            EventKind::PairPasskeyError,
            EventKind::Connected,
            EventKind::Disconnected,
            EventKind::SelfPushNameUpdated,
            EventKind::MexNotification,
            EventKind::HistorySync,
            EventKind::OfflineSyncCompleted,
            EventKind::LoggedOut,
            EventKind::StreamReplaced,
            EventKind::TemporaryBan,
            EventKind::ClientOutdated,
            EventKind::ConnectFailure,
            EventKind::Receipt,
            EventKind::PictureUpdate,
            EventKind::IncomingCall,
            EventKind::MissedCall,
            EventKind::Presence,
            EventKind::ChatPresence,
            EventKind::ServerAck,
            EventKind::UndecryptableMessage,
            EventKind::AppStateSyncFailed,
        ])
    }
}

/// Ends what happens on one connection when it ends.
#[derive(Clone, Default)]
pub(super) struct Tokens {
    /// The socket is gone.
    pub(super) gone: CancellationToken,
    /// Nothing more may be begun; what is on the wire gets its chance.
    pub(super) drain: CancellationToken,
}
