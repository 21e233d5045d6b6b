//! Many sessions in one process, idle from the start or after they were lived in: what each costs in memory, and how soon they are back
//! after a restart.

mod life;

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::time::Instant;

use self::life::{LifeOptions, SessionLives};
use crate::gateway::Http;
use crate::process::{Process, Usage, fresh_dir, sibling};

#[derive(Args)]
pub struct SessionsOptions {
    /// How many sessions.
    #[arg(long, default_value_t = 1000)]
    count: usize,
    /// How long they stay idle before the memory is read, in seconds.
    #[arg(long, default_value_t = 30)]
    idle: u64,
    #[command(flatten)]
    life: LifeOptions,
}

pub async fn run(options: &SessionsOptions) -> Result<()> {
    options.life.check()?;
    let dir = fresh_dir("sessions")?;
    // Without a folder: it runs until the end, and would write all groups anew with each that is made.
    let network = Process::start(&sibling("wharf-sim")?, &["--json", "--port", "0"], None).await?;
    let control = Http::new(&network.text("controlUrl")?, "")?;
    let (data, url) = (dir.join("gateway").display().to_string(), network.text("url")?);
    let program = sibling("wharf-sandbox")?;
    let args = ["--json", "--quiet", "--port", "0", "--data-dir", &data, "--network", &url];

    let gateway = Process::start(&program, &args, None).await?;
    let empty = gateway.usage()?;
    let api = Http::new(&gateway.text("url")?, &gateway.text("apiKey")?)?;
    let operator = Http::new(&gateway.text("url")?, &gateway.text("operatorKey")?)?;
    operator.lift_limits().await?;
    let started = Instant::now();
    let paired = stream::iter(0..options.count)
        .map(|number| {
            let (api, control, owner) = (api.clone(), control.clone(), format!("1555{:07}", 3_000_000 + number));
            async move { anyhow::Ok((api.pair(&control, &owner).await?, owner)) }
        })
        .buffer_unordered(8)
        .try_collect::<Vec<_>>()
        .await?;
    api.until_connected(options.count).await?;
    println!(
        "paired {} sessions in {:.1} s; an empty process has {:.1} MiB",
        options.count,
        started.elapsed().as_secs_f64(),
        empty.rss_kib / 1024.0
    );
    if !options.life.is_none() {
        let started = Instant::now();
        let lives =
            SessionLives { options: &options.life, gateway: &gateway, api: &api, operator: &operator, control: &control, paired: &paired };
        lives.live().await?;
        println!("lived in for {:.1} s, each session: {}", started.elapsed().as_secs_f64(), options.life.told());
    }
    report("first start", &gateway, empty, options).await?;
    gateway.terminate().await?;

    let started = Instant::now();
    let gateway = Process::start(&program, &args, None).await?;
    let listening = started.elapsed();
    let api = Http::new(&gateway.text("url")?, &gateway.text("apiKey")?)?;
    api.until_connected(options.count).await?;
    let connected = started.elapsed();
    let cpu = gateway.usage()?.cpu_ms;
    println!(
        "restart: listening after {:.2} s, all {} connected after {:.1} s, {:.2} ms of CPU per session",
        listening.as_secs_f64(),
        options.count,
        connected.as_secs_f64(),
        cpu / options.count as f64
    );
    report("second start", &gateway, empty, options).await?;
    gateway.terminate().await?;
    network.terminate().await?;
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

async fn report(label: &str, gateway: &Process, empty: Usage, options: &SessionsOptions) -> Result<()> {
    let before = gateway.usage()?;
    tokio::time::sleep(Duration::from_secs(options.idle)).await;
    let (after, count) = (gateway.usage()?, options.count as f64);
    let lived = if options.life.is_none() { "" } else { ", lived in" };
    println!(
        "{label}{lived}: RSS {:.1} MiB after {} s idle, {:.0} KiB per session (RSS / {}), {:.0} KiB with the empty process taken off, idle CPU {:.1} ms/s",
        after.rss_kib / 1024.0,
        options.idle,
        after.rss_kib / count,
        options.count,
        (after.rss_kib - empty.rss_kib) / count,
        (after.cpu_ms - before.cpu_ms) / options.idle.max(1) as f64
    );
    Ok(())
}
