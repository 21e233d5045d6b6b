//! Deliveries to a webhook, durable and signed, next to a bare loop of the HTTP client against the same receiver, in turns. Both are on the
//! first core, never at the same time.
//!
//! The events are made first, while the webhook is off; a recovery then sets all of them going at once.

use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;
use tokio::time::Instant;

use crate::process::Process;
use crate::sends::contact;
use crate::sink::WebhookSink;
use crate::world::World;

#[derive(Args)]
pub struct DeliveriesOptions {
    /// Texts that make the events, five to seven each.
    #[arg(long, default_value_t = 1000)]
    texts: usize,
    /// Rounds per side; the first one warms up and is not counted.
    #[arg(long, default_value_t = 4)]
    rounds: usize,
    /// Requests in flight of the bare loop; the gateway has as many to one webhook at the most.
    #[arg(long, default_value_t = 32)]
    concurrency: usize,
}

pub async fn run(options: &DeliveriesOptions) -> Result<()> {
    let world = World::start("deliveries", None).await?;
    let (api, session) = world.linked_demo().await?;
    stream::iter(0..options.texts)
        .map(|number| {
            let body = json!({"sessionId": session, "to": contact(number % 100), "text": format!("text {number}")});
            let api = api.clone();
            async move { api.post("/v1/messages/text", &body).await.map(|_| ()) }
        })
        .buffer_unordered(16)
        .try_collect::<()>()
        .await?;
    let first = api.get("/v1/events?limit=1").await?["data"][0].clone();
    let body = serde_json::to_string(&first)?;

    let sink = Arc::new(WebhookSink::default());
    let address = sink.listen().await?;
    let own = std::env::current_exe()?;
    let mut loop_ = Process::start(&own, &["bare-posts", "--url", &address, "--body", &body], Some(0)).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..options.rounds {
        let hook = api.post("/v1/webhooks", &json!({"url": address, "events": ["*"]})).await?;
        let id = hook["data"]["webhookId"].as_str().context("a webhook")?.to_owned();
        let before = sink.count();
        let (usage, started) = (world.gateway.usage()?, Instant::now());
        let recovered = api.post(&format!("/v1/webhooks/{id}/recover"), &json!({"since": "2000-01-01T00:00:00Z"})).await?;
        let deliveries = usize::try_from(recovered["data"]["deliveries"].as_u64().unwrap_or(0))?;
        sink.until(before + deliveries).await;
        let (took, cpu) = (started.elapsed().as_secs_f64(), world.gateway.usage()?.cpu_ms - usage.cpu_ms);
        let rate = deliveries as f64 / took;

        let (usage, started) = (loop_.usage()?, Instant::now());
        loop_.ask(&format!("{deliveries} {}", options.concurrency)).await?;
        let bare = deliveries as f64 / started.elapsed().as_secs_f64();
        let (cpu, bare_cpu) = (cpu / deliveries as f64, (loop_.usage()?.cpu_ms - usage.cpu_ms) / deliveries as f64);
        println!("round {round}: {deliveries} deliveries, {rate:.0}/s, {cpu:.3} ms CPU each; bare loop {bare:.0}/s, {bare_cpu:.3} ms");
        if round > 0 {
            ours.push(rate);
            theirs.push(bare);
        }
    }
    let median = |mut rates: Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let (rate, bare) = (median(ours), median(theirs));
    println!(
        "deliveries (durable, SQLite FULL, signed) / bare loop: {:.2} x ({rate:.0}/s to {bare:.0}/s), RSS {:.1} MiB",
        rate / bare,
        world.gateway.usage()?.rss_kib / 1024.0
    );
    world.end().await?;
    Ok(())
}
