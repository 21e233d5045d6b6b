//! Many idle sessions in one process: what each costs in memory, and how soon they are back after a restart.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::time::Instant;

use crate::gateway::Http;
use crate::process::{Process, fresh_dir, sibling};

#[derive(Args)]
pub struct SessionsOptions {
    /// How many sessions.
    #[arg(long, default_value_t = 1000)]
    count: usize,
    /// How long they stay idle before the memory is read, in seconds.
    #[arg(long, default_value_t = 30)]
    idle: u64,
}

pub async fn run(options: &SessionsOptions) -> Result<()> {
    let dir = fresh_dir("sessions")?;
    let sim_dir = dir.join("network");
    let network =
        Process::start(&sibling("wharf-sim")?, &["--json", "--port", "0", "--data-dir", &sim_dir.display().to_string()], None).await?;
    let control = Http::new(&network.text("controlUrl")?, "")?;
    let (data, url) = (dir.join("gateway").display().to_string(), network.text("url")?);
    let program = sibling("wharf-sandbox")?;
    let args = ["--json", "--quiet", "--port", "0", "--data-dir", &data, "--network", &url];

    let gateway = Process::start(&program, &args, None).await?;
    let empty = gateway.usage()?;
    let api = Http::new(&gateway.text("url")?, &gateway.text("apiKey")?)?;
    Http::new(&gateway.text("url")?, &gateway.text("operatorKey")?)?.lift_limits().await?;
    let started = Instant::now();
    stream::iter(0..options.count)
        .map(|number| {
            let (api, control) = (api.clone(), control.clone());
            async move { api.pair(&control, &format!("1555{:07}", 3_000_000 + number)).await }
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
    report("first start", &gateway, options).await?;
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
    report("second start", &gateway, options).await?;
    gateway.terminate().await?;
    network.terminate().await?;
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

async fn report(label: &str, gateway: &Process, options: &SessionsOptions) -> Result<()> {
    let before = gateway.usage()?;
    tokio::time::sleep(Duration::from_secs(options.idle)).await;
    let after = gateway.usage()?;
    println!(
        "{label}: RSS {:.1} MiB after {} s idle, {:.0} KiB per session (RSS / {}), idle CPU {:.1} ms/s",
        after.rss_kib / 1024.0,
        options.idle,
        after.rss_kib / options.count as f64,
        options.count,
        (after.cpu_ms - before.cpu_ms) / options.idle.max(1) as f64
    );
    Ok(())
}
