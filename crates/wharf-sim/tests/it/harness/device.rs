//! The real client library as a linked device, and waiting for its events.

use std::sync::{Arc, Mutex};

use wacore::store::in_memory::InMemoryBackend;
use wacore::store::traits::Backend;
use wacore::types::events::{Event, EventHandler};
use waproto::whatsapp as wa;
use whatsapp_rust::TokioRuntime;
use whatsapp_rust::bot::{Bot, BotHandle};
use whatsapp_rust::pair_code::PairCodeOptions;
use whatsapp_rust::{Client, Jid, SendOptions};

use super::{Sim, until};

#[derive(Default)]
struct Seen(Mutex<Vec<Arc<Event>>>);

impl EventHandler for Seen {
    fn handle_event(&self, event: Arc<Event>) {
        self.0.lock().unwrap().push(event);
    }
}

/// One client with the real library in it.
pub struct Device {
    pub client: Arc<Client>,
    pub backend: Arc<dyn Backend>,
    seen: Arc<Seen>,
    handle: Option<BotHandle>,
}

impl Device {
    pub async fn new(sim: &Sim) -> Self {
        Self::on(&sim.url, Arc::new(InMemoryBackend::new()), None).await
    }

    pub async fn with_code(sim: &Sim, phone: &str, code: &str) -> Self {
        let options = PairCodeOptions { phone_number: phone.to_owned(), custom_code: Some(code.to_owned()), ..Default::default() };
        let backend = Arc::new(InMemoryBackend::new());
        Self::on(&sim.url, backend, Some(options)).await
    }

    /// A device that brings the name of its person.
    pub async fn named(url: &str, name: &str) -> Self {
        Self::built(url, Arc::new(InMemoryBackend::new()), None, Some(name)).await
    }

    pub async fn on(url: &str, backend: Arc<dyn Backend>, code: Option<PairCodeOptions>) -> Self {
        Self::built(url, backend, code, None).await
    }

    async fn built(url: &str, backend: Arc<dyn Backend>, code: Option<PairCodeOptions>, name: Option<&str>) -> Self {
        let transport = whatsapp_rust::transport::TokioWebSocketTransportFactory::new().with_url(url);
        let mut builder = Bot::builder()
            .with_backend_arc(Arc::clone(&backend))
            .with_transport_factory(transport)
            .with_http_client(NoHttp)
            .with_runtime(TokioRuntime)
            .with_version((2, 3000, super::CURRENT))
            .with_wanted_pre_key_count(30)
            .skip_history_sync();
        if let Some(code) = code {
            builder = builder.with_pair_code(code);
        }
        if let Some(name) = name {
            builder = builder.with_push_name(name);
        }
        let bot = builder.build().await.unwrap();
        let client = bot.client();
        let seen = Arc::new(Seen::default());
        client.subscribe_handler(seen.clone()).detach();
        let handle = bot.spawn();
        Self { client, backend, seen, handle: Some(handle) }
    }

    /// Linked to a phone by QR and connected.
    pub async fn linked(sim: &Sim, phone: &str) -> Self {
        let device = Self::new(sim).await;
        let qr = device.qr().await;
        sim.scan(&qr, phone).await;
        device.connected().await;
        device
    }

    pub async fn qr(&self) -> String {
        self.event("a QR code", |event| match event {
            Event::PairingQrCode(qr) => Some(qr.code.clone()),
            _ => None,
        })
        .await
    }

    pub async fn connected(&self) {
        self.event("connected", |event| matches!(event, Event::Connected(_)).then_some(())).await;
        until("ready", async || (self.client.is_connected() && self.client.is_logged_in()).then_some(())).await;
    }

    /// Waits until an event has come; it may have come before the call.
    pub async fn event<T>(&self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        until(what, async || {
            let seen = self.seen.0.lock().unwrap();
            seen.iter().find_map(|event| pick(event))
        })
        .await
    }

    pub fn count(&self, mut wanted: impl FnMut(&Event) -> bool) -> usize {
        let seen = self.seen.0.lock().unwrap();
        seen.iter().filter(|event| wanted(event)).count()
    }

    pub fn forget_events(&self) {
        self.seen.0.lock().unwrap().clear();
    }

    pub async fn send(&self, to: &str, text: &str) -> String {
        let message = text_message(text);
        let sent = self.client.send_message(Jid::pn(to), message).await.unwrap();
        sent.message_id
    }

    pub async fn send_as(&self, to: &str, text: &str, id: &str) {
        let options = SendOptions::default().with_message_id(id);
        self.client.send_message_with_options(Jid::pn(to), text_message(text), options).await.unwrap();
    }

    /// The server's word on a message: `None` is accepted, else the code.
    pub async fn server_ack(&self, id: &str) -> Option<String> {
        self.event("the server's acknowledgement", |event| match event {
            Event::ServerAck(ack) if ack.id == id => Some(ack.error.clone()),
            _ => None,
        })
        .await
    }

    pub async fn receipt(&self, id: &str, kind: &str) {
        self.event(&format!("a {kind} receipt"), |event| match event {
            Event::Receipt(receipt) if receipt.message_ids.iter().any(|known| known == id) && format!("{:?}", receipt.r#type) == kind => {
                Some(())
            }
            _ => None,
        })
        .await;
    }

    /// The text of an inbound message with this id, or of any that is not ours.
    pub async fn inbound(&self, wanted: Option<&str>) -> (String, String) {
        self.event("an inbound message", |event| match event {
            Event::Messages(batch) => batch.iter().find_map(|inbound| {
                let id = inbound.info.id.clone();
                let text = inbound.message.conversation.clone()?;
                let fits = wanted.map_or(!inbound.info.source.is_from_me, |wanted| wanted == id);
                fits.then_some((id, text))
            }),
            _ => None,
        })
        .await
    }

    /// How often a message with this id was dispatched.
    pub fn times_inbound(&self, id: &str) -> usize {
        self.count(|event| match event {
            Event::Messages(batch) => batch.iter().any(|inbound| inbound.info.id == id),
            _ => false,
        })
    }

    /// Stops the client and gives its store, as a restart of a gateway would find it.
    pub async fn stop(mut self) -> Arc<dyn Backend> {
        if let Some(handle) = self.handle.take() {
            handle.shutdown().await;
        }
        Arc::clone(&self.backend)
    }
}

pub fn text_message(text: &str) -> wa::Message {
    wa::Message { conversation: Some(text.to_owned()), ..Default::default() }
}

/// The pretend network needs no plain HTTP, so none may happen.
struct NoHttp;

#[async_trait::async_trait]
impl whatsapp_rust::http::HttpClient for NoHttp {
    async fn execute(&self, request: whatsapp_rust::http::HttpRequest) -> anyhow::Result<whatsapp_rust::http::HttpResponse> {
        Err(anyhow::anyhow!("no HTTP here: {}", request.url))
    }
}
