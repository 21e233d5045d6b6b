//! The gateway as a process that can be killed and started again at the same place.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

const READY_LIMIT: Duration = Duration::from_secs(30);
const END_LIMIT: Duration = Duration::from_secs(30);

pub struct Child {
    data_dir: PathBuf,
    network_url: String,
    database_url: Option<String>,
    url: String,
    key: String,
    process: Option<tokio::process::Child>,
}

impl Child {
    pub async fn start(data_dir: PathBuf, network_url: String, database_url: Option<String>) -> Result<Self> {
        let mut child = Self { data_dir, network_url, database_url, url: String::new(), key: String::new(), process: None };
        child.begin().await?;
        Ok(child)
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    /// Starts the process, at the place where it was before.
    pub async fn begin(&mut self) -> Result<()> {
        let port = self.url.rsplit(':').next().filter(|port| !port.is_empty()).unwrap_or("0");
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--json", "--quiet", "--port", port, "--network", &self.network_url]).arg("--data-dir").arg(&self.data_dir);
        if std::env::var_os("WHARF_LOG").is_none() {
            // Its log would stand between the lines that people read.
            command.env("WHARF_LOG", "error");
        }
        if let Some(database) = &self.database_url {
            command.args(["--database-url", database]);
        }
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stdout = process.stdout.take().context("the gateway's first line cannot be read")?;
        let mut lines = BufReader::new(stdout).lines();
        let first = timeout(READY_LIMIT, lines.next_line()).await.context("the gateway is not ready in time")??;
        let ready: Value = serde_json::from_str(&first.context("the gateway ended at once")?)?;
        // Read to its end, so that the process never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        ready["url"].as_str().unwrap_or_default().clone_into(&mut self.url);
        ready["apiKey"].as_str().unwrap_or_default().clone_into(&mut self.key);
        self.process = Some(process);
        Ok(())
    }

    /// As a power cut would.
    pub async fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill().await?;
        }
        Ok(())
    }

    /// Asks it to end, and waits a while.
    pub async fn end(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        if let Some(id) = process.id().and_then(|id| i32::try_from(id).ok()) {
            // It may have ended by itself.
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
        let _ = timeout(END_LIMIT, process.wait()).await;
    }
}
