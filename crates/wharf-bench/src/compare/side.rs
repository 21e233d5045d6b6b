//! Who is compared: how each is started and called, its version, and what it promises with an answer.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::load::{CONTACTS, Load, Took, drive};
use crate::process::{Process, sibling};
use crate::sends::contact;
use crate::world::World;

/// What the table says of a side beside its numbers.
#[derive(Clone, Debug)]
pub struct Caption {
    pub name: &'static str,
    pub version: String,
    /// What is on the disk when a call is answered.
    pub disk: &'static str,
}

pub struct Side {
    pub label: Caption,
    /// Whether a call is a text on the pretend network.
    pub sends: bool,
    road: Road,
    /// Absent of the world's own gateway.
    process: Option<Process>,
}

enum Road {
    Http(Caller),
    /// The side calls itself, as it is told to.
    Loop,
}

/// Asks by HTTP.
pub struct Caller {
    client: reqwest::Client,
    url: String,
    key: Option<String>,
    session: Option<String>,
}

impl Caller {
    /// One that needs neither key nor session.
    #[expect(clippy::disallowed_methods, reason = "the load generator's client, not the gateway's")]
    pub fn new(url: String) -> Result<Self> {
        Ok(Self { client: reqwest::Client::builder().no_proxy().build()?, url, key: None, session: None })
    }

    async fn call(&self, number: usize) -> Result<()> {
        let body = json!({"sessionId": self.session, "to": contact(number % CONTACTS), "text": format!("text {number}")});
        let mut request = self.client.post(&self.url).json(&body);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{}: {status} {text}", self.url);
        let answer: Value = serde_json::from_str(&text)?;
        // All sides answer when the server has acknowledged; a receipt may have come by then.
        let sent = answer["data"]["status"].as_str().is_some_and(|status| matches!(status, "sent" | "delivered" | "read"));
        ensure!(sent, "{}: not acknowledged: {text}", self.url);
        Ok(())
    }
}

impl Side {
    /// A peer that is asked by HTTP.
    pub fn peer(label: Caption, process: Process, caller: Caller, sends: bool) -> Self {
        Self { label, sends, road: Road::Http(caller), process: Some(process) }
    }

    fn process<'a>(&'a self, world: &'a World) -> &'a Process {
        self.process.as_ref().unwrap_or(&world.gateway)
    }

    pub fn cpu_ms(&self, world: &World) -> Result<f64> {
        Ok(self.process(world).usage()?.cpu_ms)
    }

    pub async fn rests(&self, world: &World, patience: Duration) -> Result<bool> {
        self.process(world).rests(patience).await
    }

    pub async fn call(&mut self, load: &Load) -> Result<Took> {
        match &self.road {
            Road::Http(caller) => drive(load, |number| caller.call(number)).await,
            Road::Loop => {
                let process = self.process.as_mut().context("a loop is a process of its own")?;
                Took::read(&process.ask(&format!("timed {}", load.line())).await?)
            }
        }
    }
}

/// Ends all that were started for the comparison.
pub async fn end(sides: Vec<Side>) -> Result<()> {
    for process in sides.into_iter().filter_map(|side| side.process) {
        process.terminate().await?;
    }
    Ok(())
}

/// The gateway of the world, with a session.
pub async fn wharf(world: &World) -> Result<Side> {
    let (_, session) = world.linked_demo().await?;
    let told = tokio::process::Command::new(sibling("wharf-sandbox")?).arg("--version").output().await?;
    let told = String::from_utf8_lossy(&told.stdout);
    let version = told.split_whitespace().last().context("a version of the gateway")?.to_owned();
    let key = Some(world.gateway.text("apiKey")?);
    let caller = Caller { key, session: Some(session), ..Caller::new(format!("{}/v1/messages/text", world.base))? };
    let label = Caption { name: "Wharf, SQLite", version, disk: "message and keys, fsynced" };
    Ok(Side { label, sends: true, road: Road::Http(caller), process: None })
}

/// The library that the gateway uses, and nothing else.
pub async fn engine(world: &World) -> Result<Side> {
    let control = world.network.text("controlUrl")?;
    let process = Process::start(&own()?, &["bare", "--url", &world.url, "--control-url", &control], Some(0)).await?;
    let label =
        Caption { name: "the engine in a loop, no HTTP", version: format!("whatsapp-rust {}", locked("whatsapp-rust")?), disk: "nothing" };
    Ok(Side { label, sends: true, road: Road::Loop, process: Some(process) })
}

/// What HTTP alone costs.
pub async fn axum() -> Result<Side> {
    let process = Process::start(&own()?, &["bare-axum"], Some(0)).await?;
    let caller = Caller::new(process.text("url")?)?;
    let label = Caption { name: "an HTTP server that sends nothing", version: format!("axum {}", locked("axum")?), disk: "nothing" };
    Ok(Side::peer(label, process, caller, false))
}

fn own() -> Result<PathBuf> {
    Ok(std::env::current_exe()?)
}

/// The version of a crate that this program was built with.
fn locked(name: &str) -> Result<&'static str> {
    let start = format!("name = \"{name}\"\nversion = \"");
    let (_, rest) = include_str!("../../../../Cargo.lock").split_once(start.as_str()).context("a locked crate")?;
    Ok(rest.split('"').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_of_the_crates_that_are_compared_are_known() {
        for name in ["whatsapp-rust", "axum"] {
            assert_eq!(locked(name).unwrap().split('.').count(), 3, "{name}");
        }
        assert!(locked("no-such-crate").is_err());
    }
}
