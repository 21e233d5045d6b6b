//! The bare loop: one client of the library with its store in memory; no HTTP, no database, no checks.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, oneshot};
use tokio_websockets::ClientBuilder;
use wacore::net::{HttpClient, HttpRequest, HttpResponse, Transport, TransportEvent, TransportFactory};
use wacore::store::in_memory::InMemoryBackend;
use wacore::types::events::{ChannelEventHandler, Event};
use waproto::whatsapp as wa;
use whatsapp_rust::download::MediaType;
use whatsapp_rust::media::{DocumentOptions, document_message};
use whatsapp_rust::prelude::*;
use whatsapp_rust::transport::from_websocket;
use whatsapp_rust::upload::UploadOptions;

use crate::gateway::Http;
use crate::load::{self, CONTACTS, Load};
use crate::sends::contact;

#[derive(Args)]
pub struct BareOptions {
    #[arg(long)]
    url: String,
    #[arg(long)]
    control_url: String,
}

/// Whole bodies in memory, and any certificate: the servers are on loopback and a bench's.
struct WholeBodies(reqwest::Client);

#[async_trait::async_trait]
impl HttpClient for WholeBodies {
    async fn execute(&self, request: HttpRequest) -> Result<HttpResponse> {
        let mut asked = self.0.request(request.method.parse()?, request.url);
        for (name, value) in &request.headers {
            asked = asked.header(name, value);
        }
        if !request.headers.contains_key("Origin") {
            asked = asked.header("Origin", "https://web.whatsapp.com");
        }
        // The media servers take browsers only.
        let asked = asked.header("Referer", "https://web.whatsapp.com/").header("User-Agent", "Mozilla/5.0 (bench)");
        let answer = asked.body(request.body.unwrap_or_default()).send().await?;
        Ok(HttpResponse { status_code: answer.status().as_u16(), body: answer.bytes().await?.to_vec() })
    }
}

/// A plain web socket without Nagle's delay, which would make the loop wait instead of work.
struct BareDial {
    uri: http::Uri,
}

#[async_trait::async_trait]
impl TransportFactory for BareDial {
    async fn create_transport(&self) -> Result<(Arc<dyn Transport>, async_channel::Receiver<TransportEvent>)> {
        let host = self.uri.host().context("a host")?;
        let stream = TcpStream::connect((host, self.uri.port_u16().context("a port")?)).await?;
        stream.set_nodelay(true)?;
        let (socket, _) = ClientBuilder::from_uri(self.uri.clone()).connect_on(stream).await?;
        Ok(from_websocket(socket))
    }
}

type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<()>>>>;

pub async fn run(options: &BareOptions) -> Result<()> {
    let control = Http::new(&options.control_url, "")?;
    #[expect(clippy::disallowed_methods, reason = "the bare loop's client, not the gateway's")]
    let http = reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).build()?;
    let bot = Bot::builder()
        .with_backend_arc(Arc::new(InMemoryBackend::new()))
        .with_transport_factory(BareDial { uri: options.url.parse()? })
        .with_http_client(WholeBodies(http))
        .with_runtime(whatsapp_rust::TokioRuntime)
        .with_version((2, 3000, 1_045_649_367))
        .skip_history_sync()
        .build()
        .await?;
    let client = bot.client();
    let (handler, events) = ChannelEventHandler::new();
    client.subscribe_handler(handler).detach();
    let _running = bot.spawn();
    loop {
        match &*events.recv().await? {
            Event::PairingQrCode(code) => control.scan("15550002002", &code.code).await?,
            Event::Connected(_) => break,
            _ => {}
        }
    }
    let waiting: Waiting = Arc::default();
    tokio::spawn(acknowledge(events, Arc::clone(&waiting)));
    println!("{{\"ready\": true}}");

    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(load) = line.strip_prefix("timed ") {
            let took = load::drive(&Load::read(load)?, |number| send(&client, &waiting, number, CONTACTS)).await?;
            println!("{}", took.line());
            continue;
        }
        let files = line.strip_prefix("media ");
        let mut numbers = files.unwrap_or(&line).split_whitespace().map(str::parse::<usize>);
        let mut next = || numbers.next().context("three numbers").and_then(|number| Ok(number?));
        let (messages, concurrency, contacts) = (next()?, next()?, next()?);
        if files.is_some() {
            stream::iter(0..messages)
                .map(|number| send_file(&client, &waiting, number, contacts))
                .buffer_unordered(concurrency)
                .try_collect::<()>()
                .await?;
            println!("{{\"sent\": {messages}}}");
            continue;
        }
        stream::iter(0..messages)
            .map(|number| send(&client, &waiting, number, contacts))
            .buffer_unordered(concurrency)
            .try_collect::<()>()
            .await?;
        println!("{{\"sent\": {messages}}}");
    }
    Ok(())
}

/// Sends one document of so many megabytes, held in memory.
async fn send_file(client: &Arc<Client>, waiting: &Waiting, number: usize, megabytes: usize) -> Result<()> {
    let mut file = b"%PDF-1.7\n".to_vec();
    file.resize(megabytes * 1024 * 1024, 7);
    let uploaded = client.upload(file, MediaType::Document, UploadOptions::new()).await?;
    post(client, waiting, contact(number), document_message(uploaded, DocumentOptions::default())).await
}

/// Sends one text and waits for the server's acknowledgement.
async fn send(client: &Arc<Client>, waiting: &Waiting, number: usize, contacts: usize) -> Result<()> {
    let message = wa::Message { conversation: Some(format!("text {number}")), ..Default::default() };
    post(client, waiting, contact(number % contacts), message).await
}

async fn post(client: &Arc<Client>, waiting: &Waiting, to: String, message: wa::Message) -> Result<()> {
    let id = client.generate_message_id();
    let (sender, acknowledged) = oneshot::channel();
    waiting.lock().await.insert(id.clone(), sender);
    let to = Jid::pn(to);
    client.send_message_with_options(to, message, SendOptions::default().with_message_id(id)).await?;
    acknowledged.await?;
    Ok(())
}

async fn acknowledge(events: async_channel::Receiver<Arc<Event>>, waiting: Waiting) {
    while let Ok(event) = events.recv().await {
        if let Event::ServerAck(ack) = &*event
            && let Some(sender) = waiting.lock().await.remove(ack.id.as_str())
        {
            // Nobody waits for a message twice.
            let _ = sender.send(());
        }
    }
}
