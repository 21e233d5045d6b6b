//! One session that sends documents: upload, encryption and acknowledgement, next to the library used bare, in turns.
//!
//! Wharf streams from disk to disk to the network; the bare loop holds each file in memory, as the library's short road does.

use anyhow::{Result, ensure};
use clap::Args;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;
use tokio::time::Instant;

use crate::gateway::Http;
use crate::process::{Process, fresh_dir, sibling};
use crate::sends::contact;

#[derive(Args)]
pub struct MediaOptions {
    /// Documents per round and side.
    #[arg(long, default_value_t = 10)]
    documents: usize,
    /// The size of each, in MB.
    #[arg(long, default_value_t = 100)]
    megabytes: usize,
    /// How many are sent at the same time.
    #[arg(long, default_value_t = 10)]
    concurrency: usize,
    /// Rounds per side.
    #[arg(long, default_value_t = 2)]
    rounds: usize,
}

pub async fn run(options: &MediaOptions) -> Result<()> {
    let dir = fresh_dir("media")?;
    let network_data = dir.join("network").display().to_string();
    let network = Process::start(&sibling("wharf-sim")?, &["--json", "--port", "0", "--data-dir", &network_data], Some(1)).await?;
    let (url, control_url) = (network.text("url")?, network.text("controlUrl")?);
    let data = dir.join("gateway").display().to_string();
    let gateway =
        Process::start(&sibling("wharf-sandbox")?, &["--json", "--quiet", "--port", "0", "--data-dir", &data, "--network", &url], Some(0))
            .await?;
    let api = Http::new(&gateway.text("url")?, &gateway.text("apiKey")?)?;
    Http::new(&gateway.text("url")?, &gateway.text("operatorKey")?)?.lift_limits().await?;
    let session = api.pair(&Http::new(&control_url, "")?, "15550002001").await?;
    api.until_connected(1).await?;
    let mut bare = Process::start(&std::env::current_exe()?, &["bare", "--url", &url, "--control-url", &control_url], Some(0)).await?;

    let mut file = b"%PDF-1.7\n".to_vec();
    file.resize(options.megabytes * 1024 * 1024, 7);
    let media = api.upload(file).await?;
    let total = (options.documents * options.megabytes) as f64;
    for round in 0..options.rounds {
        let (before, started) = (gateway.usage()?, Instant::now());
        gateway.forget_peak()?;
        stream::iter(0..options.documents)
            .map(|number| {
                let body = json!({"sessionId": session, "to": contact(number), "mediaType": "document", "mediaId": media});
                let api = api.clone();
                async move {
                    let sent = api.post("/v1/messages/media", &body).await?;
                    // Both sides count to the server's acknowledgement.
                    ensure!(sent["data"]["status"] == "sent", "a document was not acknowledged in time: {sent}");
                    Ok(())
                }
            })
            .buffer_unordered(options.concurrency)
            .try_collect::<()>()
            .await?;
        let (wall, after, peak) = (started.elapsed().as_secs_f64(), gateway.usage()?, gateway.peak_kib()?);
        println!(
            "round {round}: wharf {:.1} MB/s, {:.2} ms CPU/MB, RSS {:.1} MiB before, {:.1} MiB at most",
            total / wall,
            (after.cpu_ms - before.cpu_ms) / total,
            before.rss_kib / 1024.0,
            peak / 1024.0
        );
        let (before, started) = (bare.usage()?, Instant::now());
        bare.forget_peak()?;
        bare.ask(&format!("media {} {} {}", options.documents, options.concurrency, options.megabytes)).await?;
        let (wall, after, peak) = (started.elapsed().as_secs_f64(), bare.usage()?, bare.peak_kib()?);
        println!(
            "round {round}: bare  {:.1} MB/s, {:.2} ms CPU/MB, RSS {:.1} MiB before, {:.1} MiB at most",
            total / wall,
            (after.cpu_ms - before.cpu_ms) / total,
            before.rss_kib / 1024.0,
            peak / 1024.0
        );
    }
    gateway.terminate().await?;
    network.terminate().await?;
    std::fs::remove_dir_all(dir)?;
    Ok(())
}
