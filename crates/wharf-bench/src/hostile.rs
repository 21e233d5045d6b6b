//! What hostile strangers cost a good tenant: its latency alone and beside them, its refusals, and the gateway's memory.
//!
//! A tenant that means harm, a contact that writes to it and to the good one, and a receiver of its webhooks, all at once. The good tenant's calls
//! beside them are compared with those before they came. They rest for a moment now and then: calls in the rests and after the end show that what
//! they left behind costs nothing. They have a thread of their own: what their own work takes is no part of the good tenant's time.

mod contact;
mod receiver;
mod tenant;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use crate::gateway::Http;
use crate::world::{Tenant, Who, World};

#[derive(Args)]
pub struct HostileOptions {
    /// How long the strangers go on.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// How often a second each of their tricks is played: the load generator shares the machine with the gateway.
    #[arg(long, default_value_t = 5)]
    rate: u64,
    /// A database instead of SQLite.
    #[arg(long)]
    database_url: Option<String>,
}

/// How long the good tenant is alone before and after.
const ALONE: Duration = Duration::from_secs(30);
/// How long the strangers rest each time, and how much of it is not counted: what they began comes to its end.
const REST: Duration = Duration::from_secs(10);
const SETTLES: Duration = Duration::from_secs(5);
/// How much slower the good tenant may be beside strangers.
const RATIO: f64 = 1.5;
/// How much memory may have grown since the first sixth of the time: caches fill.
const GROWTH_MIB: f64 = 64.0;
/// How long they go on without a rest at most.
const STRETCH: Duration = Duration::from_mins(5);
/// What the good tenant does, over and over, and whether its time is judged: a list of everything has the long texts and polls of the contact in it,
/// so it answers more than before.
const CALLS: [(&str, bool); 4] = [("send a text", true), ("list what it sent", true), ("list everything", false), ("show a session", true)];

/// The good tenant's calls: milliseconds and bytes of each kind, and what was no success.
#[derive(Default)]
struct Samples {
    times: [Vec<f64>; CALLS.len()],
    bytes: [usize; CALLS.len()],
    broken: Vec<String>,
}

pub async fn run(options: &HostileOptions) -> Result<()> {
    let world = World::start("hostile", options.database_url.as_deref()).await?;
    let good = tenant(&world, "good", GOOD).await?;
    let bad = tenant(&world, "bad", BAD).await?;

    let mut warm = Samples::default();
    good_for(&good, Duration::from_secs(5), &mut warm).await;
    let mut alone = Samples::default();
    good_for(&good, ALONE, &mut alone).await;

    let elsewhere = OwnRuntime::new()?;
    let receiver = elsewhere.run(receiver::listen()).await??;
    receiver::subscribe(&bad, &receiver).await?;
    let pause = Duration::from_millis(1_000 / options.rate.max(1));
    let resting = Arc::<AtomicBool>::default();
    // Connections of their own, too.
    let bad = Arc::new(Tenant { api: Http::new(&bad.base, &bad.key)?, ..bad });
    let (their, control) = (Arc::clone(&resting), Http::new(&world.network.text("controlUrl")?, "")?);
    let strangers = elsewhere.run(async move {
        let mut strangers = tenant::begin(&bad, pause, &their);
        strangers.extend(contact::begin(&control, pause, &their));
        strangers
    });
    let strangers = strangers.await?;
    let lasts = Duration::from_mins(options.minutes);
    let (mut rests, mut beside, mut memory) = (Samples::default(), Samples::default(), vec![world.gateway.usage()?.rss_kib]);
    println!("| minute | resident, MiB | good calls | broken |\n| --- | --- | --- | --- |");
    let step = (lasts / 6).min(STRETCH).max(Duration::from_secs(1));
    let mut hostile = Duration::ZERO;
    while hostile < lasts {
        let began = Instant::now();
        good_for(&good, step, &mut beside).await;
        hostile += began.elapsed();
        let rss = world.gateway.usage()?.rss_kib;
        memory.push(rss);
        let calls: usize = beside.times.iter().map(Vec::len).sum();
        println!("| {:.1} | {:.1} | {calls} | {} |", hostile.as_secs_f64() / 60.0, rss / 1024.0, beside.broken.len());
        resting.store(true, Ordering::Relaxed);
        good_for(&good, SETTLES, &mut warm).await;
        good_for(&good, REST, &mut rests).await;
        resting.store(false, Ordering::Relaxed);
    }
    let played: Vec<_> = strangers.into_iter().map(tenant::Stranger::end).collect();
    let mut after = Samples::default();
    good_for(&good, ALONE, &mut after).await;
    let verdict = table(&mut [&mut alone, &mut beside, &mut rests, &mut after], &memory);
    println!("\n| trick | times | answers |\n| --- | --- | --- |");
    for (name, times, answers) in played {
        println!("| {name} | {times} | {answers} |");
    }
    world.end().await?;
    verdict
}

/// A runtime of the strangers' own.
struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    fn new() -> Result<Self> {
        Ok(Self(Some(Builder::new_multi_thread().worker_threads(1).enable_all().build()?)))
    }

    fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> impl Future<Output = Result<T>> {
        let begun = self.0.as_ref().map(|runtime| runtime.spawn(work));
        async move { Ok(begun.context("it goes on until it is dropped")?.await?) }
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        // It must not be waited for here: this is another runtime's thread.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

const GOOD: (&str, &str) = ("15550002001", "good");
const BAD: (&str, &str) = ("15550002002", "bad");

/// An account on a plan of its own, with a key that may do everything.
async fn tenant(world: &World, name: &str, (phone, plan): (&str, &str)) -> Result<Tenant> {
    let limits = json!({
        "messagesPerDay": null, "callsPerMinute": 10_000, "sessions": 3, "concurrentRequests": 20, "mediaBytes": 200_000_000
    });
    world.operator()?.put(&format!("/v1/admin/plans/{plan}"), &limits).await?;
    let permissions = &["sessions:write", "sessions:read", "messages:send", "messages:read", "webhooks:manage"];
    world.tenant(&Who { name, plan, permissions, phone }).await
}

/// The good tenant's day, one call after the other.
async fn good_for(good: &Tenant, time: Duration, seen: &mut Samples) {
    let began = Instant::now();
    while began.elapsed() < time {
        let text = json!({"sessionId": good.session, "to": crate::sends::contact(0), "text": "good day"});
        for (kind, times) in seen.times.iter_mut().enumerate() {
            let asked = Instant::now();
            let answer = match kind {
                0 => good.api.status("POST", "/v1/messages/text", Some(&text)).await,
                1 => good.api.status("GET", "/v1/messages?limit=50&direction=outgoing", None).await,
                2 => good.api.status("GET", "/v1/messages?limit=50", None).await,
                _ => good.api.status("GET", &format!("/v1/sessions/{}", good.session), None).await,
            };
            times.push(asked.elapsed().as_secs_f64() * 1_000.0);
            match answer {
                Ok((200..300, body)) => seen.bytes[kind] += body.len(),
                Ok((status, body)) => seen.broken.push(format!("{}: {status} {}", CALLS[kind].0, reason(&body))),
                Err(error) => seen.broken.push(format!("{}: {error:#}", CALLS[kind].0)),
            }
        }
        // A customer, not a load test.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn reason(body: &str) -> String {
    let json: Value = serde_json::from_str(body).unwrap_or_default();
    format!("{} {}", json["error"]["code"].as_str().unwrap_or_default(), json["error"]["details"])
}

fn percentile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
    let place = (values.len().saturating_sub(1) as f64 * part).round() as usize;
    values.get(place).copied().unwrap_or(f64::NAN)
}

/// Prints what was seen alone, beside strangers, in their rests and after them, and judges it.
fn table([alone, beside, rests, after]: &mut [&mut Samples; 4], memory: &[f64]) -> Result<()> {
    println!(
        "\n| good tenant | | alone before, ms | beside, ms | in the rests, ms | after, ms | beside ÷ alone | beside ÷ rests | kB an answer, alone and beside |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut worst: f64 = 0.0;
    for (kind, (name, judged)) in CALLS.iter().enumerate() {
        let kilobytes = |seen: &Samples| seen.bytes[kind] as f64 / seen.times[kind].len() as f64 / 1_000.0;
        let (before, during) = (kilobytes(alone), kilobytes(beside));
        for (what, part) in [("p50", 0.5), ("p99", 0.99)] {
            let of = |seen: &mut Samples| percentile(&mut seen.times[kind], part);
            let (alone, beside, rests, after) = (of(alone), of(beside), of(rests), of(after));
            let ratio = beside / alone;
            if part < 0.9 && *judged {
                worst = worst.max(ratio);
            }
            println!(
                "| {name} | {what} | {alone:.2} | {beside:.2} | {rests:.2} | {after:.2} | {ratio:.2} | {:.2} | {before:.1}, {during:.1} |",
                beside / rests
            );
        }
    }
    for broken in beside.broken.iter().take(5) {
        println!("broken: {broken}");
    }
    let settled = memory.get(memory.len() / 6).copied().unwrap_or(f64::NAN);
    let (first, last) = (memory.first().copied().unwrap_or(f64::NAN), memory.last().copied().unwrap_or(f64::NAN));
    let grown = (last - settled) / 1024.0;
    println!(
        "memory: {:.1} MiB before, {:.1} after the first sixth, {:.1} at the end ({grown:+.1}); broken calls of the good tenant: {}",
        first / 1024.0,
        settled / 1024.0,
        last / 1024.0,
        beside.broken.len()
    );
    ensure!(beside.broken.is_empty(), "the good tenant had {} calls that failed", beside.broken.len());
    ensure!(grown < GROWTH_MIB, "memory grew by {grown:.1} MiB");
    ensure!(worst <= RATIO, "the good tenant's median is {worst:.2} times what it was before they came");
    Ok(())
}
