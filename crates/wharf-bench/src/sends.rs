//! Sessions that send texts, one of them or several: HTTP in, acknowledgement out, next to a bare loop over the same engine, in turns; and what a
//! text costs the database.

use anyhow::Result;
use clap::Args;
use serde_json::json;
use tokio::time::Instant;

use crate::database::Database;
use crate::gateway::Http;
use crate::load::{Load, drive};
use crate::process::Process;
use crate::turns::Turns;
use crate::world::World;

#[derive(Args)]
pub struct SendsOptions {
    /// Texts per round and side.
    #[arg(long, default_value_t = 5000)]
    messages: usize,
    /// Requests in flight, and sends in flight of the bare loop.
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
    /// Rounds per side; the first one warms up and is not counted.
    #[arg(long, default_value_t = 6)]
    rounds: usize,
    /// How many contacts the texts go to in turn.
    #[arg(long, default_value_t = 100)]
    contacts: usize,
    /// How many sessions send, each in its turn. The bare loop has one.
    #[arg(long, default_value_t = 1)]
    sessions: usize,
    /// A database instead of SQLite: a new one.
    #[arg(long)]
    database_url: Option<String>,
    /// Count the round trips to that database: it is asked through this program then, and rates and times say nothing.
    #[arg(long, requires = "database_url")]
    round_trips: bool,
}

/// How long a round may last, in seconds.
const LONGEST: f64 = 3_600.0;

/// One round of one side.
#[derive(Clone, Copy)]
struct SendsRound {
    cpu_ms_per_text: f64,
    texts_per_s: f64,
}

/// The number of the contact with that index.
pub fn contact(index: usize) -> String {
    format!("1555100{index:04}")
}

pub async fn run(options: &SendsOptions) -> Result<()> {
    let (turns, url) = match &options.database_url {
        Some(url) if options.round_trips => Turns::before(url).await.map(|(turns, way)| (Some(turns), Some(way)))?,
        url => (None, url.clone()),
    };
    let world = World::start("sends", url.as_deref()).await?;
    let (api, sessions) = linked(&world, options.sessions).await?;
    let operator = world.operator()?;
    let database = Database::look_at(options.database_url.as_deref(), turns, world.gateway.id()?).await;
    let (own, control_url) = (std::env::current_exe()?, world.network.text("controlUrl")?);
    let mut bare = Process::start(&own, &["bare", "--url", &world.url, "--control-url", &control_url], Some(0)).await?;

    let load = Load { concurrency: options.concurrency, seconds: LONGEST, calls: options.messages };
    let (mut ours, mut theirs, mut counted) = (Vec::new(), Vec::new(), None);
    for round in 0..options.rounds {
        if round == 1 {
            database.analyze().await;
            counted = Some(database.counts(&operator).await?);
        }
        let (before, network_before, started) = (world.gateway.usage()?, world.network.usage()?, Instant::now());
        let took = drive(&load, |number| {
            let (session, to) = (&sessions[number % sessions.len()], contact(number / sessions.len() % options.contacts));
            let body = json!({"sessionId": session, "to": to, "text": format!("text {round} {number}")});
            let api = api.clone();
            async move { api.post("/v1/messages/text", &body).await.map(|_| ()) }
        })
        .await?;
        let wharf = round_of(options, started, world.gateway.usage()?.cpu_ms - before.cpu_ms);
        let network_cpu = (world.network.usage()?.cpu_ms - network_before.cpu_ms) / options.messages as f64;

        let (before, started) = (bare.usage()?, Instant::now());
        bare.ask(&format!("{} {} {}", options.messages, options.concurrency, options.contacts)).await?;
        let loop_ = round_of(options, started, bare.usage()?.cpu_ms - before.cpu_ms);
        println!(
            "round {round}: wharf {:.3} ms CPU/text, {:.0}/s, p50 {:.2} ms, p99 {:.2} ms; bare {:.3} ms, {:.0}/s; \
             pretend network {network_cpu:.3} ms",
            wharf.cpu_ms_per_text, wharf.texts_per_s, took.p50_ms, took.p99_ms, loop_.cpu_ms_per_text, loop_.texts_per_s
        );
        if round > 0 {
            ours.push(wharf);
            theirs.push(loop_);
        }
    }
    let cpu = median(&ours, |round| round.cpu_ms_per_text) / median(&theirs, |round| round.cpu_ms_per_text);
    let rate = median(&ours, |round| round.texts_per_s) / median(&theirs, |round| round.texts_per_s);
    println!(
        "wharf (HTTP, {}, {} sessions, {} requests in flight) / bare loop (memory store, {} in flight): CPU per text {cpu:.2} x, rate {rate:.2} x; RSS {:.1} MiB",
        database.name(),
        sessions.len(),
        options.concurrency,
        options.concurrency,
        world.gateway.usage()?.rss_kib / 1024.0
    );
    if let Some(before) = counted {
        let texts = (options.messages * ours.len()) as f64;
        println!("\n{}", database.lines(&before, &database.counts(&operator).await?, texts).join("\n"));
    }
    world.end().await?;
    Ok(())
}

/// The demonstration's account with that many sessions, all linked and connected.
async fn linked(world: &World, count: usize) -> Result<(Http, Vec<String>)> {
    let (api, first) = world.linked_demo().await?;
    let mut sessions = vec![first];
    for number in 1..count {
        sessions.push(api.pair(&world.control, &format!("1555{:07}", 3_000_000 + number)).await?);
    }
    api.until_connected(sessions.len()).await?;
    Ok((api, sessions))
}

fn round_of(options: &SendsOptions, started: Instant, cpu_ms: f64) -> SendsRound {
    let texts = options.messages as f64;
    SendsRound { cpu_ms_per_text: cpu_ms / texts, texts_per_s: texts / started.elapsed().as_secs_f64() }
}

pub fn median<T>(rounds: &[T], of: impl Fn(&T) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
