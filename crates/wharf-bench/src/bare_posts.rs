//! The bare loop of webhooks: the HTTP client and nothing else. Started by `deliveries`.

use anyhow::{Context, Result};
use clap::Args;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::io::{AsyncBufReadExt, BufReader};

#[derive(Args)]
pub struct BarePostsOptions {
    /// Where the requests go.
    #[arg(long)]
    url: String,
    /// What each has for its body.
    #[arg(long)]
    body: String,
}

/// Reads how many requests are wanted and how many of them at a time, a line for each time, and tells when they are answered.
pub async fn run(options: &BarePostsOptions) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the bare loop is a client and nothing else")]
    let client = reqwest::Client::builder().no_proxy().build()?;
    println!("{{\"ready\": true}}");
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let (count, at_a_time) = line.split_once(' ').context("two numbers")?;
        let (count, at_a_time): (usize, usize) = (count.parse()?, at_a_time.parse()?);
        stream::iter(0..count)
            .map(|_| {
                let request = client.post(&options.url).header("content-type", "application/json").body(options.body.clone());
                async move { request.send().await?.error_for_status().map(drop) }
            })
            .buffer_unordered(at_a_time)
            .try_collect::<()>()
            .await?;
        println!("{{\"answered\": {count}}}");
    }
    Ok(())
}
