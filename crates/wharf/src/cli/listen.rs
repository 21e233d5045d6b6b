//! `wharf listen`: shows who and what, as it happens, and hands it on, signed, to a server under development.

mod board;
mod forward;
pub(super) mod frames;
mod screen;
mod words;

use std::collections::HashMap;
use std::time::Duration;

use clap::Args;
use futures::StreamExt as _;
use reqwest::Response;
use serde_json::Value;
use url::Url;
use wharf_api::ops;

use super::operations::{self, Client, Refused, Request};
use super::out::print;
use super::plain::plain;
use super::target::{Target, no_key};
use super::unmet::NoAnswer;
use crate::machine;
use forward::Forward;
use frames::{Frame, Frames};
use screen::Screen;

/// How long a reader waits before it connects again.
const PAUSE: Duration = Duration::from_secs(1);
/// The stream says every fifteen seconds that it lives: one that is silent for longer is dead.
const SILENCE: Duration = Duration::from_secs(45);

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

impl Listen {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let json = self.json;
        self.listen().await.map_err(|error| operations::in_form(error, json))
    }

    async fn listen(self) -> anyhow::Result<()> {
        let place = self.target.place()?;
        if place.key.is_none() {
            return Err(no_key().into());
        }
        let mut screen = Screen::new();
        let forward = match &self.forward {
            None => None,
            Some(url) => {
                let secret = self.secret.clone().unwrap_or_else(forward::fresh_secret);
                let forward = Forward::new(url.clone(), &secret)?;
                if self.secret.is_none() {
                    screen.add(&format!("Events are signed with {secret}"))?;
                }
                Some(forward)
            }
        };
        let mut ear = StreamEar { client: Client::new(&place)?, screen, forward, names: HashMap::new(), json: self.json, last: None };
        let mut signals = machine::Signals::listen()?;
        tokio::select! {
            ended = ear.follow(&self) => ended,
            () = signals.asked_to_end() => Ok(()),
        }
    }

    /// The stream, from where it was left.
    fn request(&self, last: Option<&str>) -> Request {
        let mut request = Request::of(&ops::list_events);
        request.accept = Some("text/event-stream".to_owned());
        let said = [("cursor", Some(&*self.after)), ("events", self.events.as_deref()), ("sessionId", self.session.as_deref())];
        for (name, value) in said.into_iter().chain([("lastEventId", last)]) {
            if let Some(value) = value {
                request.query.push((name.to_owned(), value.to_owned()));
            }
        }
        request
    }
}

/// Who listens.
struct StreamEar {
    client: Client,
    screen: Screen,
    forward: Option<Forward>,
    /// What people call the sessions, by their ids.
    names: HashMap<String, String>,
    json: bool,
    /// The event that was seen last.
    last: Option<String>,
}

impl StreamEar {
    /// Reads the stream, and reads it again where it ends, from the event that was seen last.
    async fn follow(&mut self, listen: &Listen) -> anyhow::Result<()> {
        loop {
            let request = listen.request(self.last.as_deref());
            match self.client.ask(&request, 1).await {
                Ok(response) => {
                    if self.last.is_none() {
                        self.screen.note("Listening …");
                    }
                    self.read(response).await?;
                    self.screen.note("The stream ended; connecting again …");
                }
                Err(error) if again(&error) => self.screen.note("The gateway does not answer; trying again …"),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn read(&mut self, response: Response) -> anyhow::Result<()> {
        let (mut chunks, mut frames) = (response.bytes_stream(), Frames::default());
        while let Ok(Some(Ok(chunk))) = tokio::time::timeout(SILENCE, chunks.next()).await {
            frames.push(&chunk);
            while let Some(Frame { id, data }) = frames.next() {
                if let Some(data) = data {
                    self.heard(id.as_deref().unwrap_or_default(), data).await?;
                }
                // Only now: what was not handed on is read again.
                if id.is_some() {
                    self.last = id;
                }
            }
        }
        Ok(())
    }

    /// Shows the event, and hands it on.
    async fn heard(&mut self, id: &str, data: String) -> anyhow::Result<()> {
        let event: Value = serde_json::from_str(&data).unwrap_or_default();
        if self.json {
            print(&mut std::io::stdout().lock(), format!("{data}\n").as_bytes())?;
        } else {
            let name = self.name(&event["sessionId"]).await;
            self.screen.tell(&event, &name)?;
        }
        let Some(forward) = &self.forward else { return Ok(()) };
        let kind = plain(event["event"].as_str().unwrap_or("-"));
        let answer = forward.hand_on(id, data).await;
        self.screen.add(&format!("    {kind}  {}  -> {answer}", plain(id)))
    }

    /// What people call the session. A key that may not look at sessions shows their ids.
    async fn name(&mut self, session: &Value) -> String {
        let Some(id) = session.as_str() else { return "the account".to_owned() };
        if let Some(name) = self.names.get(id) {
            return name.clone();
        }
        let mut request = Request::of(&ops::get_session);
        request.fill("sessionId", id.to_owned());
        let name = match operations::ask_once(&self.client, &request).await {
            Ok(body) => body["data"]["name"].as_str().map_or_else(|| plain(id), plain),
            // Asked again at the next event.
            Err(error) if again(&error) => return plain(id),
            Err(_) => plain(id),
        };
        self.names.insert(id.to_owned(), name.clone());
        name
    }
}

/// Whether it is worth while to ask again.
fn again(error: &anyhow::Error) -> bool {
    error.downcast_ref::<NoAnswer>().is_some() || error.downcast_ref::<Refused>().is_some_and(Refused::later)
}
