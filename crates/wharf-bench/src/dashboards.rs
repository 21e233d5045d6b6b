//! What open dashboards cost the sends: the same paced sends with them and without them, in turns in one run.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use futures::future::try_join_all;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::gateway::Http;
use crate::sends::{contact, median};
use crate::world::World;

#[derive(Args)]
pub struct DashboardsOptions {
    /// How many dashboards are open, all on the account that sends, each with a log-in and an event stream of its own.
    #[arg(long, default_value_t = 200)]
    dashboards: usize,
    /// How many of them show the inbox, which asks for its chats anew where an event does not say what to show; the others show the sessions.
    #[arg(long, default_value_t = 20)]
    inboxes: usize,
    /// Texts per round and side.
    #[arg(long, default_value_t = 400)]
    messages: usize,
    /// Texts a second.
    #[arg(long, default_value_t = 20)]
    rate: u64,
    /// Rounds per side; the first one warms up and is not counted.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A database instead of SQLite.
    #[arg(long)]
    database_url: Option<String>,
}

/// How many log-ins one user may have.
const LOGINS: usize = 50;
/// For so long a page waits for more of a burst before it asks anew.
const BURST: Duration = Duration::from_millis(120);
const PASSWORD: &str = "a long and quiet password";

/// One round of one side.
#[derive(Clone, Copy)]
struct Round {
    median_ms: f64,
    p95_ms: f64,
    cpu_ms_per_text: f64,
}

pub async fn run(options: &DashboardsOptions) -> Result<()> {
    let world = World::start("dashboards", options.database_url.as_deref()).await?;
    let (api, session) = world.linked_demo().await?;
    let pages = Pages::sign_in(&api, &world.base, &session, options).await?;

    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for round in 0..=options.rounds {
        let mut one = [None, None];
        // In turns also within the round: what warms up or tires in it hits both sides.
        for side in [round % 2, 1 - round % 2] {
            let open = if side == 1 { Some(pages.open().await?) } else { None };
            let (before, number) = (world.gateway.usage()?, round * 2 + side);
            let mut times = paced(&api, &session, options, number).await?;
            let cpu_ms = world.gateway.usage()?.cpu_ms - before.cpu_ms;
            if let Some(open) = open {
                let told = open.close().await;
                let least = (options.dashboards * options.messages) as u64;
                ensure!(told >= least, "{told} events came to the dashboards, and {least} should have at the least");
            }
            times.sort_by(f64::total_cmp);
            let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or(f64::NAN);
            one[side] = Some(Round { median_ms: at(50), p95_ms: at(95), cpu_ms_per_text: cpu_ms / options.messages as f64 });
        }
        let [Some(without), Some(with)] = one else { continue };
        println!(
            "round {round}: alone {:.2} ms, 95th {:.2} ms, {:.2} ms CPU/text; beside {} dashboards {:.2} ms, 95th {:.2} ms, {:.2} ms CPU/text",
            without.median_ms,
            without.p95_ms,
            without.cpu_ms_per_text,
            options.dashboards,
            with.median_ms,
            with.p95_ms,
            with.cpu_ms_per_text
        );
        if round > 0 {
            alone.push(without);
            beside.push(with);
        }
    }
    let ratio = |of: fn(&Round) -> f64| median(&beside, of) / median(&alone, of);
    println!(
        "sends beside {} open dashboards ({} inboxes) / alone, {} texts a second: median {:.2} x, 95th {:.2} x, CPU per text {:.2} x; RSS {:.1} MiB",
        options.dashboards,
        options.inboxes,
        options.rate,
        ratio(|round| round.median_ms),
        ratio(|round| round.p95_ms),
        ratio(|round| round.cpu_ms_per_text),
        world.gateway.usage()?.rss_kib / 1024.0
    );
    world.end().await?;
    Ok(())
}

/// Sends one text after the other at the rate, whatever becomes of those before; gives the milliseconds of each.
async fn paced(api: &Http, session: &str, options: &DashboardsOptions, round: usize) -> Result<Vec<f64>> {
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / options.rate.max(1)));
    let mut sends = JoinSet::new();
    for number in 0..options.messages {
        ticks.tick().await;
        let body = json!({"sessionId": session, "to": contact(number % 100), "text": format!("text {round} {number}")});
        let api = api.clone();
        sends.spawn(async move {
            let started = Instant::now();
            api.post("/v1/messages/text", &body).await.map(|_| started.elapsed().as_secs_f64() * 1_000.0)
        });
    }
    sends.join_all().await.into_iter().collect()
}

/// Browsers that are signed in.
struct Pages {
    client: reqwest::Client,
    base: String,
    session: String,
    inboxes: usize,
    cookies: Vec<String>,
}

/// Dashboards that are open.
struct Open {
    streams: JoinSet<Result<()>>,
    events: Arc<AtomicU64>,
}

impl Pages {
    #[expect(clippy::disallowed_methods, reason = "the browsers' client, not the gateway's")]
    async fn sign_in(api: &Http, base: &str, session: &str, options: &DashboardsOptions) -> Result<Self> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let mut names = Vec::new();
        for number in 0..options.dashboards.div_ceil(LOGINS) {
            let name = format!("looker-{number}");
            api.post("/v1/users", &json!({"name": name, "password": PASSWORD, "role": "owner"})).await?;
            names.push(name);
        }
        // Two passwords are looked at at a time.
        let turns = Semaphore::new(2);
        let enter = |number: usize| {
            let (turns, client, name) = (&turns, &client, &names[number / LOGINS]);
            async move {
                let _turn = turns.acquire().await?;
                let body = json!({"name": name, "password": PASSWORD});
                let answer = client.post(format!("{base}/v1/login")).header("x-wharf-dashboard", "1").json(&body).send().await?;
                let cookie = answer.headers().get("set-cookie").context("a cookie")?.to_str()?;
                anyhow::Ok(cookie.split(';').next().unwrap_or_default().to_owned())
            }
        };
        let cookies = try_join_all((0..options.dashboards).map(enter)).await?;
        Ok(Self { client, base: base.to_owned(), session: session.to_owned(), inboxes: options.inboxes, cookies })
    }

    /// Opens all of them; when it returns each has asked what its page shows and hears its stream.
    async fn open(&self) -> Result<Open> {
        let (mut streams, events) = (JoinSet::new(), Arc::<AtomicU64>::default());
        for (number, cookie) in self.cookies.iter().enumerate() {
            let page = Page { client: self.client.clone(), base: self.base.clone(), cookie: cookie.clone() };
            let chats = (number < self.inboxes).then(|| format!("v1/chats?sessionId={}&limit=100", self.session));
            for path in ["v1/login", "v1/account", "v1/sessions?limit=200"].into_iter().chain(chats.is_none().then_some("v1/usage")) {
                page.get(path).await?;
            }
            let inbox = match chats {
                Some(path) => Some(Inbox::open(&page, path).await?),
                None => None,
            };
            let stream = page.stream().await?;
            let events = Arc::clone(&events);
            streams.spawn(async move { page.follow(stream, inbox, &events).await });
        }
        Ok(Open { streams, events })
    }
}

impl Open {
    /// Closes them; gives how many events they were told.
    async fn close(mut self) -> u64 {
        // What the last texts brought is still on its way.
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.streams.shutdown().await;
        self.events.load(Ordering::Relaxed)
    }
}

/// One browser.
struct Page {
    client: reqwest::Client,
    base: String,
    cookie: String,
}

impl Page {
    async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.client.get(format!("{}/{path}", self.base)).header("cookie", &self.cookie).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    async fn stream(&self) -> Result<reqwest::Response> {
        let ask = self.client.get(format!("{}/v1/events", self.base)).header("cookie", &self.cookie);
        let mut stream = ask.header("accept", "text/event-stream").send().await?.error_for_status()?;
        stream.chunk().await?;
        Ok(stream)
    }

    /// Hears the stream; an inbox asks for its chats after each burst that it cannot show by itself.
    async fn follow(&self, mut stream: reqwest::Response, mut inbox: Option<Inbox>, events: &AtomicU64) -> Result<()> {
        let mut asks_at: Option<Instant> = None;
        loop {
            let asks = async move {
                match asks_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                chunk = stream.chunk() => {
                    let Some(chunk) = chunk? else { return Ok(()) };
                    let told = chunk.windows(7).filter(|part| part == b"\ndata: ").count() as u64;
                    events.fetch_add(told, Ordering::Relaxed);
                    if inbox.as_mut().is_some_and(|inbox| inbox.must_ask(&chunk)) {
                        asks_at.get_or_insert_with(|| Instant::now() + BURST);
                    }
                }
                () = asks => {
                    asks_at = None;
                    if let Some(inbox) = &mut inbox {
                        inbox.ask(self).await?;
                    }
                }
            }
        }
    }
}

/// The list of chats as the page keeps it.
struct Inbox {
    path: String,
    chats: HashSet<String>,
    /// What came of an event that is not whole yet.
    text: String,
}

impl Inbox {
    async fn open(page: &Page, path: String) -> Result<Self> {
        let mut inbox = Self { path, chats: HashSet::new(), text: String::new() };
        inbox.ask(page).await?;
        Ok(inbox)
    }

    async fn ask(&mut self, page: &Page) -> Result<()> {
        let found = page.get(&self.path).await?;
        let chats = found["data"].as_array().into_iter().flatten().filter_map(|chat| chat["chatId"].as_str());
        self.chats = chats.map(str::to_owned).collect();
        Ok(())
    }

    /// Whether an event came that the page cannot show by itself: one of a chat that it does not have, or no whole message.
    fn must_ask(&mut self, chunk: &[u8]) -> bool {
        self.text.push_str(&String::from_utf8_lossy(chunk));
        let mut asks = false;
        while let Some(end) = self.text.find("\n\n") {
            let event: String = self.text.drain(..end + 2).collect();
            let data = event.lines().find_map(|line| line.strip_prefix("data: "));
            let Some(event) = data.and_then(|data| serde_json::from_str::<Value>(data).ok()) else { continue };
            let is_of_messages = event["event"].as_str().is_some_and(|kind| kind.starts_with("message.") || kind.starts_with("poll."));
            let is_known = event["data"]["chat"]["chatId"].as_str().is_some_and(|id| self.chats.contains(id));
            asks |= is_of_messages && !is_known;
        }
        asks
    }
}
