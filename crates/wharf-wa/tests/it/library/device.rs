//! A client of the library alone, without anything of ours around it.

use std::sync::{Arc, Mutex};

use wacore::store::in_memory::InMemoryBackend;
use wacore::types::events::{Event, EventHandler, EventInterest, EventKind, InboundMessage, MessageBatch};
use waproto::whatsapp as wa;
use whatsapp_rust::bot::{Bot, BotHandle};
use whatsapp_rust::http::{HttpClient, HttpRequest, HttpResponse};
use whatsapp_rust::types::durability_hook::InboundDurabilityHook;
use whatsapp_rust::{Client, Jid, SendOptions, TokioRuntime};

use crate::harness::{World, until};

/// The events that the library tells; which of them, the test says.
struct Seen {
    interest: EventInterest,
    events: Mutex<Vec<Arc<Event>>>,
}

impl EventHandler for Seen {
    fn handle_event(&self, event: Arc<Event>) {
        self.events.lock().unwrap().push(event);
    }

    fn interest(&self) -> EventInterest {
        self.interest
    }
}

/// What the library asks over HTTP, none of which is answered.
#[derive(Clone, Default)]
pub struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    pub fn urls(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait::async_trait]
impl HttpClient for Asked {
    async fn execute(&self, request: HttpRequest) -> anyhow::Result<HttpResponse> {
        self.0.lock().unwrap().push(request.url);
        anyhow::bail!("there is no such server")
    }
}

/// A hook that the test goes on holding.
struct Shared(Arc<dyn InboundDurabilityHook>);

#[async_trait::async_trait]
impl InboundDurabilityHook for Shared {
    async fn on_messages(&self, client: Arc<Client>, batch: &[InboundMessage]) -> anyhow::Result<()> {
        self.0.on_messages(client, batch).await
    }
}

/// How a client differs from the plain one.
pub struct Ways {
    pub version: bool,
    pub hook: Option<Arc<dyn InboundDurabilityHook>>,
    pub backend: Arc<InMemoryBackend>,
}

impl Default for Ways {
    fn default() -> Self {
        Self { version: true, hook: None, backend: Arc::new(InMemoryBackend::new()) }
    }
}

pub struct Device {
    pub client: Arc<Client>,
    pub handle: BotHandle,
    pub asked: Asked,
    seen: Arc<Seen>,
}

impl Device {
    pub async fn new(world: &World, ways: Ways) -> Self {
        let asked = Asked::default();
        let mut builder = Bot::builder()
            .with_backend_arc(ways.backend)
            .with_transport_factory(whatsapp_rust::transport::TokioWebSocketTransportFactory::new().with_url(world.network.url()))
            .with_http_client(asked.clone())
            .with_runtime(TokioRuntime)
            .with_wanted_pre_key_count(30)
            .skip_history_sync();
        if ways.version {
            builder = builder.with_version((2, 3000, wharf_wa::BUILT_IN_REVISION));
        }
        if let Some(hook) = ways.hook {
            builder = builder.with_inbound_durability_hook(Shared(hook));
        }
        let bot = builder.build().await.unwrap();
        let client = bot.client();
        let seen = Arc::new(Seen { interest: EventInterest::ALL, events: Mutex::default() });
        client.subscribe_handler(seen.clone()).detach();
        Self { client, handle: bot.spawn(), asked, seen }
    }

    pub async fn linked(world: &World, phone: &str, ways: Ways) -> Self {
        let device = Self::new(world, ways).await;
        let qr = device.event("a QR code", |event| if let Event::PairingQrCode(qr) = event { Some(qr.code.clone()) } else { None }).await;
        world.control(&format!("scan?phone={phone}"), qr).await;
        device.of_kind(EventKind::Connected).await;
        device.of_kind(EventKind::OfflineSyncCompleted).await;
        device
    }

    /// Waits until an event has come; it may have come before the call.
    pub async fn event<T>(&self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        until(what, async || self.seen.events.lock().unwrap().iter().find_map(|event| pick(event))).await
    }

    pub async fn of_kind(&self, kind: EventKind) {
        self.event(&format!("{kind:?}"), |event| (event.kind() == kind).then_some(())).await;
    }

    /// The kinds in the order in which they came.
    pub fn kinds(&self) -> Vec<EventKind> {
        self.seen.events.lock().unwrap().iter().map(|event| event.kind()).collect()
    }

    /// The messages that came, as they came together.
    pub fn batches(&self) -> Vec<MessageBatch> {
        let seen = self.seen.events.lock().unwrap();
        seen.iter().filter_map(|event| if let Event::Messages(batch) = &**event { Some(batch.clone()) } else { None }).collect()
    }

    pub fn count(&self, kind: EventKind) -> usize {
        self.kinds().into_iter().filter(|seen| *seen == kind).count()
    }

    /// Sends under an id of our own.
    pub async fn say(&self, to: &str, text: &str, id: &str) {
        let message = wa::Message { conversation: Some(text.to_owned()), ..Default::default() };
        let sent = self.client.send_message_with_options(Jid::pn(to), message, SendOptions::default().with_message_id(id)).await.unwrap();
        assert_eq!(sent.message_id, id);
    }

    /// What the server says of a message: `None` is its acknowledgement.
    pub async fn word_on(&self, id: &str) -> Option<String> {
        self.event("the server's word", |event| match event {
            Event::ServerAck(ack) if ack.id == id && ack.class.as_deref() == Some("message") => Some(ack.error.clone()),
            _ => None,
        })
        .await
    }
}
