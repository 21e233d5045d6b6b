//! `wharf listen`: shows events as they happen and hands them on, signed, to a server under development.

pub(super) mod frames;

use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use futures::StreamExt;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::time::Instant;
use url::Url;
use wharf_core::chance::SystemChance;
use wharf_core::clock::SystemClock;
use wharf_core::{Chance, Clock};

use super::target::Target;
use crate::machine;
use frames::{Frame, Frames};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// How long a reader waits before it connects again.
const PAUSE: Duration = Duration::from_secs(1);
/// The stream says every fifteen seconds that it lives: one that is silent for longer is dead.
const SILENCE: Duration = Duration::from_secs(45);
/// How long the server under development may take: it may stand in a debugger.
const FORWARD_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(super) struct Listen {
    /// Only these kinds of events, with commas between.
    #[arg(long, value_name = "KINDS")]
    events: Option<String>,
    /// Only this session's events.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Where to begin: the id of an event, oldest or latest.
    #[arg(long, value_name = "ID", default_value = "latest")]
    after: String,
    /// Hands every event on to this address, signed as a webhook is.
    #[arg(long, value_name = "URL")]
    forward: Option<Url>,
    /// The secret that signs; one is made and printed where none is given.
    #[arg(long, env = "WHARF_LISTEN_SECRET", hide_env_values = true, value_name = "SECRET")]
    secret: Option<String>,
    /// Prints the whole event as one line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// Where events are handed on to.
struct Forward {
    url: Url,
    signer: Webhook,
}

impl Listen {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        #[expect(clippy::disallowed_methods, reason = "both addresses are what the person at the terminal typed")]
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
        let gateway = self.target.with_key()?;
        let forward = self.forward.clone().map(|url| self.signed(url)).transpose()?;
        let mut signals = machine::Signals::listen()?;
        tokio::select! {
            ended = self.follow(&client, &gateway, forward.as_ref()) => ended,
            () = signals.asked_to_end() => Ok(()),
        }
    }

    fn signed(&self, url: Url) -> anyhow::Result<Forward> {
        let secret = self.secret.clone().unwrap_or_else(|| {
            let mut bytes = [0; 32];
            SystemChance.fill(&mut bytes);
            format!("whsec_{}", STANDARD.encode(bytes))
        });
        if self.secret.is_none() {
            println!("Events are signed with {secret}");
        }
        Ok(Forward { url, signer: Webhook::new(&secret).context("--secret is no secret: whsec_ and Base64 are expected")? })
    }

    /// Reads the stream, and reads it again where it ends, from the event that was seen last.
    async fn follow(&self, client: &Client, gateway: &(String, String), forward: Option<&Forward>) -> anyhow::Result<()> {
        let mut last: Option<String> = None;
        loop {
            match self.connect(client, gateway, last.as_deref()).await? {
                Some(response) => {
                    if last.is_none() {
                        eprintln!("Listening …");
                    }
                    self.read(client, response, forward, &mut last).await;
                    eprintln!("The stream ended; connecting again …");
                }
                None => eprintln!("The gateway does not answer; trying again …"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// `None` where it is worth while to try again.
    async fn connect(&self, client: &Client, (url, key): &(String, String), last: Option<&str>) -> anyhow::Result<Option<Response>> {
        let mut url = Url::parse(url).context("--url is no address")?;
        url.path_segments_mut().map_err(|()| anyhow::anyhow!("--url is no HTTP address"))?.pop_if_empty().extend(["v1", "events"]);
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("cursor", &self.after);
            for (name, value) in [("events", &self.events), ("sessionId", &self.session)] {
                if let Some(value) = value {
                    query.append_pair(name, value);
                }
            }
        }
        let mut request = client.get(url).bearer_auth(key).header(ACCEPT, "text/event-stream");
        if let Some(last) = last {
            request = request.header(LAST_EVENT_ID, last);
        }
        let Ok(response) = request.send().await else { return Ok(None) };
        match response.status() {
            StatusCode::OK => Ok(Some(response)),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => Ok(None),
            status => {
                let body: Value = response.json().await.unwrap_or_default();
                let error = &body["error"];
                let reason = error["details"]["reason"].as_str().or(error["message"].as_str()).unwrap_or("this is no Wharf gateway");
                bail!("the gateway refuses ({status}): {reason}")
            }
        }
    }

    async fn read(&self, client: &Client, response: Response, forward: Option<&Forward>, last: &mut Option<String>) {
        let (mut chunks, mut frames) = (response.bytes_stream(), Frames::default());
        while let Ok(Some(Ok(chunk))) = tokio::time::timeout(SILENCE, chunks.next()).await {
            frames.push(&chunk);
            while let Some(Frame { id, data }) = frames.next() {
                if let Some(data) = data {
                    self.show(&data);
                    if let Some(forward) = forward {
                        hand_on(client, forward, id.as_deref().unwrap_or_default(), data).await;
                    }
                }
                // Only now: what was not handed on is read again.
                if id.is_some() {
                    *last = id;
                }
            }
        }
    }

    fn show(&self, data: &str) {
        if self.json {
            println!("{data}");
            return;
        }
        let event: Value = serde_json::from_str(data).unwrap_or_default();
        let word = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
        println!("{}  {:<22} {}  {} #{}", word("createdAt"), word("event"), word("eventId"), word("sessionId"), event["sequence"]);
    }
}

/// Sends one event on and tells how it was taken. It is sent once: a server under development says what it means.
async fn hand_on(client: &Client, forward: &Forward, id: &str, data: String) {
    let (seconds, started) = (SystemClock.now().as_secs(), Instant::now());
    let Ok(signature) = forward.signer.sign(id, seconds, data.as_bytes()) else { return };
    let request = client
        .post(forward.url.clone())
        .timeout(FORWARD_TIMEOUT)
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .header(standardwebhooks::HEADER_WEBHOOK_ID, id)
        .header(standardwebhooks::HEADER_WEBHOOK_TIMESTAMP, seconds)
        .header(standardwebhooks::HEADER_WEBHOOK_SIGNATURE, signature)
        .body(data);
    match request.send().await {
        Ok(response) => println!("    -> {} in {} ms", response.status(), started.elapsed().as_millis()),
        Err(error) => println!("    -> {}", if error.is_timeout() { "no answer in time" } else { "nobody answers there" }),
    }
}
