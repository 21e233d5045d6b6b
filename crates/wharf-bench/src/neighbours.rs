//! What one account's backlog costs its neighbours: latency of their sends before, and while the backlog goes out with its receipts.

use anyhow::Result;
use clap::Args;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;
use tokio::time::Instant;

use crate::gateway::Http;
use crate::sends::contact;
use crate::world::{Tenant, Who, World};

#[derive(Args)]
pub struct NeighboursOptions {
    /// Messages that are queued before they begin to go out; each brings a receipt.
    #[arg(long, default_value_t = 100_000)]
    backlog: usize,
    /// How many neighbours send, each with an account of its own: on PostgreSQL some share the busy one's lane.
    #[arg(long, default_value_t = 8)]
    neighbours: usize,
    /// Sends of each neighbour before, and as many during.
    #[arg(long, default_value_t = 60)]
    sends: usize,
    /// How many messages a minute the busy session writes; without pace where absent.
    #[arg(long)]
    pace: Option<u64>,
    /// A database instead of SQLite.
    #[arg(long)]
    database_url: Option<String>,
}

pub async fn run(options: &NeighboursOptions) -> Result<()> {
    let world = World::start("neighbours", options.database_url.as_deref()).await?;
    let operator = world.operator()?;
    operator.lift_limits().await?;
    operator.put_plan("held", Some(1)).await?;
    operator.put_plan("flowing", None).await?;

    let busy = tenant(&world, "busy", "held", 2_000).await?;
    let mut neighbours = Vec::new();
    for number in 0..options.neighbours {
        neighbours.push(tenant(&world, &format!("neighbour {number}"), "flowing", 2_001 + number).await?);
    }
    round(&neighbours, options.sends).await?;
    let before = round(&neighbours, options.sends).await?;
    let started = Instant::now();
    stream::iter(0..options.backlog)
        .map(|number| {
            let body = json!({"sessionId": busy.session, "to": contact(number % 100), "text": format!("waits {number}"), "async": true});
            let api = busy.api.clone();
            async move { api.post("/v1/messages/text", &body).await.map(|_| ()) }
        })
        .buffer_unordered(32)
        .try_collect::<()>()
        .await?;
    println!("{} messages queued at {:.0}/s", options.backlog, options.backlog as f64 / started.elapsed().as_secs_f64());
    operator.put_plan("held", options.pace).await?;
    let (sent_before, started) = (sent(&operator).await?, Instant::now());
    let during = round(&neighbours, options.sends).await?;
    let sent = sent(&operator).await? - sent_before - (options.sends * options.neighbours) as f64;
    println!(
        "neighbours' sends: median {:.2} ms before, {:.2} ms during ({:.2} x); slowest neighbour {:.2} ms before, {:.2} ms during ({:.2} x); the backlog went out at {:.0}/s meanwhile",
        before.median,
        during.median,
        during.median / before.median,
        before.slowest,
        during.slowest,
        during.slowest / before.slowest,
        sent / started.elapsed().as_secs_f64()
    );
    world.end().await?;
    Ok(())
}

/// The tenant whose phone has this number's end.
async fn tenant(world: &World, name: &str, plan: &str, phone: usize) -> Result<Tenant> {
    let permissions = &["sessions:write", "sessions:read", "messages:send", "messages:read"];
    world.tenant(&Who { name, plan, permissions, phone: &format!("1555000{phone}") }).await
}

/// Milliseconds: of all sends, and of the neighbour whose own median is the highest.
struct Latency {
    median: f64,
    slowest: f64,
}

/// Each neighbour in turn, one send at a time.
async fn round(neighbours: &[Tenant], sends: usize) -> Result<Latency> {
    let mut times = vec![Vec::new(); neighbours.len()];
    for number in 0..sends {
        for (neighbour, times) in neighbours.iter().zip(&mut times) {
            let body = json!({"sessionId": neighbour.session, "to": contact(0), "text": format!("hello {number}")});
            let started = Instant::now();
            neighbour.api.post("/v1/messages/text", &body).await?;
            times.push(started.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    let mut all: Vec<f64> = times.into_iter().flatten().collect();
    Ok(Latency { median: median(&mut all), slowest: medians.into_iter().fold(0.0, f64::max) })
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How many messages the gateway has had acknowledged.
async fn sent(operator: &Http) -> Result<f64> {
    operator.counted("wharf_sends_total", "\"sent\"").await
}
