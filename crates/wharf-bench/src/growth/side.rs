//! One gateway with a database of its own and a pretend network of its own: spoken through, stopped and started again, and measured.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::file::FileUse;
use super::lists::{ListCall, ListTime, OldPlaces, cursor};
use crate::gateway::Http;
use crate::load::{CONTACTS, Load, drive};
use crate::sends::contact;
use crate::world::{PHONE, World};

/// What each text says, with its number before it: some eighty letters.
const WORDS: &str = "is on its way and comes to your door tomorrow between nine and eleven";
/// How long what was begun may take to be written down.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long texts may take at the most, in seconds: their number ends them.
const AN_HOUR: f64 = 3_600.0;
/// For how long a list is asked for at the most, in seconds.
const OF_A_LIST: f64 = 20.0;
/// How often a list is asked for before it is measured, and for how many seconds.
const WARM_UP: (usize, f64) = (3, 1.0);

pub struct GrowthSide {
    world: World,
    api: Http,
    operator: Http,
    session: String,
}

/// Texts of one round.
#[derive(Clone, Copy)]
pub struct TextTurn {
    /// Of a text, with all that follows from it.
    pub cpu_ms: f64,
    pub rate: f64,
    pub p50_ms: f64,
}

impl GrowthSide {
    /// Starts a gateway on a new database, with a linked session.
    pub async fn start(name: &str) -> Result<Self> {
        let world = World::start(name, None).await?;
        let (api, session) = world.linked_demo().await?;
        let operator = world.operator()?;
        Ok(Self { world, api, operator, session })
    }

    /// Stops the gateway, has its database's file worked on, and starts it again.
    pub async fn between<T, F>(self, work: F) -> Result<(Self, T)>
    where
        T: Send + 'static,
        F: FnOnce(&Path) -> Result<T> + Send + 'static,
    {
        let (world, done) = self.world.between(move |folder| work(&folder.join("wharf.sqlite"))).await?;
        let (api, operator) = (world.demo()?, world.operator()?);
        api.until_connected(1).await?;
        Ok((Self { world, api, operator, session: self.session }, done))
    }

    /// Sends texts to the contacts in turn, has one answered after so many, and waits until all of that is written down.
    pub async fn speak(&self, texts: usize, answers: usize, concurrency: usize) -> Result<()> {
        let load = Load { concurrency, seconds: AN_HOUR, calls: texts };
        drive(&load, |number| self.text(number, 0)).await?;
        self.rests().await?;
        for number in 0..texts.checked_div(answers).unwrap_or(0) {
            let (path, text) = (format!("/control/phones/{}/send", contact(number % CONTACTS)), format!("Thank you, {number} times."));
            self.world.control.post(&path, &json!({"to": PHONE, "text": text})).await?;
        }
        self.rests().await
    }

    /// Sends texts to the contacts in turn, and measures until all that follows from them is done.
    pub async fn texts(&self, texts: usize, concurrency: usize, round: usize) -> Result<TextTurn> {
        let (before, load) = (self.world.gateway.usage()?.cpu_ms, Load { concurrency, seconds: AN_HOUR, calls: texts });
        let took = drive(&load, |number| self.text(number, round + 1)).await?;
        self.rests().await?;
        let cpu_ms = (self.world.gateway.usage()?.cpu_ms - before) / took.calls as f64;
        Ok(TextTurn { cpu_ms, rate: took.calls as f64 / took.seconds, p50_ms: took.p50_ms })
    }

    /// Asks for a list, one call after the other.
    pub async fn time(&self, list: &ListCall, calls: usize) -> Result<ListTime> {
        let caller = if list.is_operators() { &self.operator } else { &self.api };
        let refused = Cell::new(None);
        let ask = |_: usize| async {
            let (status, _) = caller.status("GET", &list.path, None).await?;
            if status != 200 {
                refused.set(Some(status));
            }
            anyhow::Ok(())
        };
        let (few, seconds) = WARM_UP;
        drive(&Load { concurrency: 1, seconds, calls: few }, ask).await?;
        let took = drive(&Load { concurrency: 1, seconds: OF_A_LIST, calls }, ask).await?;
        Ok(ListTime { median_ms: took.p50_ms, refused: refused.get() })
    }

    /// Where lists of this database are begun. A tenth of its messages is older than those that are far back.
    pub async fn places(&self, now: &FileUse) -> Result<OldPlaces> {
        let message_cursor = cursor(now.last_message / 10);
        let old = self.api.get(&format!("/v1/messages?limit=1&direction=outgoing&cursor={message_cursor}")).await?;
        let newest = self.api.get("/v1/messages?limit=1").await?;
        let chats = self.api.get(&format!("/v1/chats?sessionId={}", self.session)).await?;
        let contacts = self.api.get(&format!("/v1/contacts?sessionId={}", self.session)).await?;
        Ok(OldPlaces {
            session: self.session.clone(),
            chat: contact(0),
            message: first(&old, "messageId")?,
            whatsapp_id: first(&old, "whatsappId")?,
            made_at: first(&old, "createdAt")?,
            message_cursor,
            newest_at: first(&newest, "createdAt")?,
            chats_next: next(&chats)?,
            contacts_next: next(&contacts)?,
            event_cursor: cursor(now.last_event / 2),
        })
    }

    /// The lists that the document names.
    pub async fn documented_lists(&self) -> Result<BTreeSet<String>> {
        let document = self.api.get("/openapi.json").await?;
        let paths = document["paths"].as_object().context("the document's paths")?;
        let names = paths.values().filter_map(|path| path["get"]["operationId"].as_str());
        Ok(names.filter(|name| name.trim_start_matches("admin_").starts_with("list_")).map(str::to_owned).collect())
    }

    pub fn rss_mib(&self) -> Result<f64> {
        Ok(self.world.gateway.usage()?.rss_kib / 1024.0)
    }

    pub async fn end(self) -> Result<()> {
        self.world.end().await
    }

    async fn text(&self, number: usize, round: usize) -> Result<()> {
        let text = format!("Order {round}-{number} {WORDS}");
        let body = json!({"sessionId": self.session, "to": contact(number % CONTACTS), "text": text});
        self.api.post("/v1/messages/text", &body).await.map(drop)
    }

    /// Waits until nothing waits for the session at the network, and the gateway has nothing to do.
    async fn rests(&self) -> Result<()> {
        let began = Instant::now();
        loop {
            ensure!(self.world.gateway.rests(PATIENCE).await?, "the gateway does not come to rest within {PATIENCE:?}");
            if self.world.control.has_taken_all(PHONE).await? {
                return Ok(());
            }
            ensure!(began.elapsed() < PATIENCE, "the session does not take what the network has for it within {PATIENCE:?}");
        }
    }
}

/// A member of the first one of a list.
fn first(list: &Value, name: &str) -> Result<String> {
    Ok(list["data"][0][name].as_str().with_context(|| format!("{name} in {list}"))?.to_owned())
}

/// The cursor of a list's second page.
fn next(list: &Value) -> Result<String> {
    Ok(list["page"]["next"].as_str().context("a list of more than one page")?.to_owned())
}
