//! A node of a fleet goes: how soon each of its sessions is connected at another one, after a kill and by a stop in order.
//!
//! The pretend network says who is connected: it knows no nodes, and no node can flatter itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::time::Instant;

use crate::gateway::Http;
use crate::process::{Process, fresh_dir, sibling};

#[derive(Args)]
pub struct TakeoverOptions {
    /// An empty database on PostgreSQL, for all nodes. What is made there stays there.
    #[arg(long)]
    database_url: String,
    /// The NATS server over which they talk.
    #[arg(long)]
    nats_url: String,
    /// How many nodes there are at first; one is killed, and another one is stopped.
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// How many sessions each of them has at first.
    #[arg(long, default_value_t = 200)]
    sessions: usize,
}

/// How often the network is asked who is connected.
const LOOK: Duration = Duration::from_millis(50);
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(2);
/// How soon 99 of 100 sessions of a node that was killed are to be back.
const KILLED: f64 = 20.0;
/// How long a session of a node that stops may be without a connection.
const STOPPED: f64 = 2.0;

/// When a session lost its connection and when it had the next one, as far as the looks tell.
struct Outage {
    lost: Instant,
    back: Instant,
}

pub async fn run(options: &TakeoverOptions) -> Result<()> {
    ensure!(options.nodes >= 3, "one node is killed and one is stopped: three are needed at least");
    let (dir, total) = (fresh_dir("takeover")?, options.nodes * options.sessions);
    let network = Process::start(&sibling("wharf-sim")?, &["--json", "--port", "0"], None).await?;
    let control = Http::new(&network.text("controlUrl")?, "")?;
    let mut nodes = Vec::new();
    for number in 0..options.nodes {
        nodes.push(start(&dir, number, &network.text("url")?, options).await?);
    }
    operator(&nodes[0])?.lift_limits().await?;
    let apis = nodes.iter().map(|node| Http::new(&node.text("url")?, &node.text("apiKey")?)).collect::<Result<Vec<_>>>()?;
    let before = apis[0].get("/v1/sessions?limit=1").await?;
    ensure!(before["data"].as_array().is_some_and(Vec::is_empty), "the database has sessions already; an empty one is needed");
    stream::iter(0..total)
        .map(|number| {
            let (api, control) = (apis[number % apis.len()].clone(), control.clone());
            async move { api.pair(&control, &format!("1555{:07}", 4_000_000 + number)).await }
        })
        .buffer_unordered(8)
        .try_collect::<Vec<_>>()
        .await?;
    until_connected(&control, total).await?;
    println!("{} nodes with {} sessions each", options.nodes, options.sessions);
    println!("{:40} {:>8} {:>8} {:>8} {:>8}", "seconds until connected at another node", "sessions", "p50", "p99", "max");

    let victim = nodes.remove(0);
    let had = sessions_of(&victim).await?;
    let killed = Instant::now();
    victim.kill().await?;
    let gaps = watch(&control, |back| back >= had).await?;
    let killed = row("after kill -9, from the kill on", gaps.iter().map(|gap| gap.back.duration_since(killed)).collect());

    let victim = nodes.remove(0);
    let had = sessions_of(&victim).await?;
    let ended = AtomicBool::new(false);
    let stop = async {
        let done = victim.terminate().await;
        ended.store(true, Ordering::SeqCst);
        done
    };
    let (done, gaps) = tokio::join!(stop, watch(&control, |_| ended.load(Ordering::SeqCst)));
    done?;
    let mut times: Vec<Duration> = gaps?.iter().map(|gap| gap.back.duration_since(gap.lost)).collect();
    // Whoever was gone for less than the time between two looks was not seen.
    times.resize(times.len().max(had), LOOK);
    let stopped = row("after SIGTERM, from the end here on", times);

    for node in nodes {
        node.terminate().await?;
    }
    network.terminate().await?;
    std::fs::remove_dir_all(dir)?;
    // Where nothing was measured neither is true.
    let (soon, at_once) = (killed.p99 <= KILLED, stopped.max <= STOPPED);
    ensure!(soon, "after a kill 99 of 100 sessions are to be back in {KILLED} s");
    ensure!(at_once, "after a stop each session is to be back in {STOPPED} s");
    Ok(())
}

/// A node with a folder of its own and the keys of the first.
async fn start(dir: &Path, number: usize, network: &str, options: &TakeoverOptions) -> Result<Process> {
    let folder = |number: usize| dir.join(format!("node-{number}"));
    let data = folder(number);
    std::fs::create_dir_all(&data)?;
    if number > 0 {
        for file in ["master.key", "demo-keys.json"] {
            std::fs::copy(folder(0).join(file), data.join(file)).with_context(|| format!("{file} of the first node"))?;
        }
    }
    let data = data.display().to_string();
    let (database, nats) = (options.database_url.as_str(), options.nats_url.as_str());
    let args =
        ["--json", "--quiet", "--port", "0", "--data-dir", &data, "--network", network, "--database-url", database, "--nats-url", nats];
    Process::start(&sibling("wharf-sandbox")?, &args, None).await
}

fn operator(node: &Process) -> Result<Http> {
    Http::new(&node.text("url")?, &node.text("operatorKey")?)
}

/// How many sessions the node has, by its own word.
async fn sessions_of(node: &Process) -> Result<usize> {
    let listed = operator(node)?.get("/v1/admin/nodes").await?;
    let own = listed["data"].as_array().into_iter().flatten().find(|node| node["current"] == true);
    let sessions = own.and_then(|node| node["sessions"].as_u64()).context("a node that knows itself")?;
    Ok(usize::try_from(sessions)?)
}

/// Each linked phone, and whether its device is connected.
async fn phones(control: &Http) -> Result<Vec<(String, bool)>> {
    let listed = control.get("/control/phones").await?;
    let linked = listed["data"].as_array().into_iter().flatten().filter_map(|phone| {
        let device = phone["devices"].get(0)?;
        Some((phone["number"].as_str()?.to_owned(), device["connected"] == true))
    });
    Ok(linked.collect())
}

async fn until_connected(control: &Http, wanted: usize) -> Result<()> {
    let began = Instant::now();
    loop {
        let connected = phones(control).await?.iter().filter(|(_, connected)| *connected).count();
        if connected >= wanted {
            return Ok(());
        }
        ensure!(began.elapsed() < PATIENCE, "{connected} of {wanted} sessions are connected");
        tokio::time::sleep(LOOK).await;
    }
}

/// Looks until so many that lost their connection as `enough` says have the next one, and nobody is without.
async fn watch(control: &Http, enough: impl Fn(usize) -> bool) -> Result<Vec<Outage>> {
    let (began, mut lost, mut gaps) = (Instant::now(), BTreeMap::new(), Vec::new());
    loop {
        // Asked before the look, so that whatever ended meanwhile is seen once more.
        let is_over = enough(gaps.len());
        let seen = phones(control).await?;
        let now = Instant::now();
        for (phone, connected) in seen {
            if !connected {
                lost.entry(phone).or_insert(now);
            } else if let Some(lost) = lost.remove(&phone) {
                gaps.push(Outage { lost, back: now });
            }
        }
        if lost.is_empty() && is_over {
            return Ok(gaps);
        }
        ensure!(began.elapsed() < PATIENCE, "{} sessions are connected again, {} are not", gaps.len(), lost.len());
        tokio::time::sleep(LOOK).await;
    }
}

/// What is judged of a row.
struct Judged {
    p99: f64,
    max: f64,
}

/// Prints a row of the table.
fn row(what: &str, mut times: Vec<Duration>) -> Judged {
    times.sort_unstable();
    let at = |hundredths: usize| {
        let place = (times.len() * hundredths).div_ceil(100).saturating_sub(1);
        times.get(place).map_or(f64::NAN, Duration::as_secs_f64)
    };
    let (median, p99, max) = (at(50), at(99), at(100));
    println!("{what:40} {:8} {median:8.2} {p99:8.2} {max:8.2}", times.len());
    Judged { p99, max }
}
