//! The programs under measurement: started pinned to a core, asked what they used, ended.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A program that speaks JSON lines.
pub struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    stdin: ChildStdin,
    pub ready: Value,
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    pub cpu_ms: f64,
    pub rss_kib: f64,
}

/// The program beside this one.
pub fn sibling(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if !path.exists() {
        bail!("{} is missing: cargo build --release --workspace --bins", path.display());
    }
    Ok(path)
}

/// A folder for one run.
pub fn fresh_dir(name: &str) -> Result<PathBuf> {
    let dir = std::env::temp_dir().join(format!("wharf-bench-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    Ok(dir)
}

impl Process {
    /// Starts a program on one core (`None`: wherever the system likes) and reads its first line.
    pub async fn start(program: &PathBuf, args: &[&str], core: Option<usize>) -> Result<Self> {
        let mut command = match core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.arg("-c").arg(core.to_string()).arg(program);
                command
            }
            None => Command::new(program),
        };
        let mut child = command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        let mut lines = BufReader::new(child.stdout.take().context("a pipe")?).lines();
        let stdin = child.stdin.take().context("a pipe")?;
        let first = lines.next_line().await?.with_context(|| format!("{} ended before it was ready", program.display()))?;
        Ok(Self { child, lines, stdin, ready: serde_json::from_str(&first)? })
    }

    /// A text of the first line.
    pub fn text(&self, name: &str) -> Result<String> {
        Ok(self.ready[name].as_str().with_context(|| format!("{name} in {}", self.ready))?.to_owned())
    }

    /// Writes a line and reads the answer to it.
    pub async fn ask(&mut self, line: &str) -> Result<Value> {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await?;
        let answer = self.lines.next_line().await?.context("an answer")?;
        Ok(serde_json::from_str(&answer)?)
    }

    /// CPU time and resident memory, as the kernel counts them.
    pub fn usage(&self) -> Result<Usage> {
        let id = self.child.id().context("it runs")?;
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
        let fields: Vec<&str> = stat.rsplit_once(')').context("a stat line")?.1.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        // The kernel counts in hundredths of a second on every Linux that Rust runs on.
        Ok(Usage { cpu_ms: ticks * 10.0, rss_kib: rss.trim().trim_end_matches("kB").trim().parse()? })
    }

    /// Has the kernel forget the most memory that the process had.
    pub fn forget_peak(&self) -> Result<()> {
        let id = self.child.id().context("it runs")?;
        Ok(std::fs::write(format!("/proc/{id}/clear_refs"), "5")?)
    }

    /// The most memory that the process had since.
    pub fn peak_kib(&self) -> Result<f64> {
        let id = self.child.id().context("it runs")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
        Ok(peak.trim().trim_end_matches("kB").trim().parse()?)
    }

    /// SIGTERM, and the wait for the end.
    pub async fn terminate(mut self) -> Result<()> {
        let id = i32::try_from(self.child.id().context("it runs")?)?;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGTERM)?;
        self.child.wait().await?;
        Ok(())
    }
}
