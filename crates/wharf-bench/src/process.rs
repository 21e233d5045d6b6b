//! The programs under measurement: started pinned to a core, asked what they used, ended.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::Instant;

use crate::machine;

/// A process rests that works less than a tenth of such a time.
const QUIET: Duration = Duration::from_millis(25);

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
        bail!("{} is missing: cargo build --release -p wharf-bench -p wharf-sandbox -p wharf-sim --bins", path.display());
    }
    Ok(path)
}

/// A folder for one run.
pub fn fresh_dir(name: &str) -> Result<PathBuf> {
    let dir = std::env::temp_dir().join(format!("wharf-bench-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    Ok(dir)
}

/// A command for a program that stays on one core (`None`: wherever the system likes).
pub fn on_core(program: impl AsRef<OsStr>, core: Option<usize>) -> Command {
    match core {
        Some(core) => {
            let mut command = Command::new("taskset");
            command.arg("-c").arg(core.to_string()).arg(program);
            command
        }
        None => Command::new(program),
    }
}

impl Process {
    /// Starts a program on one core (`None`: wherever the system likes) and reads its first line.
    pub async fn start(program: &PathBuf, args: &[&str], core: Option<usize>) -> Result<Self> {
        let mut command = on_core(program, core);
        command.args(args);
        Self::of(command).await
    }

    /// Starts what a command says and reads its first line.
    pub async fn of(command: Command) -> Result<Self> {
        Self::begin(command, Stdio::null()).await
    }

    /// Starts what a command says, its log at the end of a file, and reads its first line.
    pub async fn logged(command: Command, log: &Path) -> Result<Self> {
        let log = File::options().create(true).append(true).open(log).with_context(|| log.display().to_string())?;
        Self::begin(command, log.into()).await
    }

    async fn begin(mut command: Command, log: Stdio) -> Result<Self> {
        let shown = format!("{:?}", command.as_std());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{shown} does not start"))?;
        let mut lines = BufReader::new(child.stdout.take().context("a pipe")?).lines();
        let stdin = child.stdin.take().context("a pipe")?;
        let first = lines.next_line().await?.with_context(|| format!("{shown} ended before it was ready"))?;
        Ok(Self { child, lines, stdin, ready: serde_json::from_str(&first)? })
    }

    pub fn id(&self) -> Result<u32> {
        self.child.id().context("it runs")
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

    /// Reads lines until one has this member, and gives it.
    pub async fn told(&mut self, name: &str) -> Result<Value> {
        loop {
            let line = self.lines.next_line().await?.with_context(|| format!("it ended before it told {name}"))?;
            let mut line: Value = serde_json::from_str(&line)?;
            if let Some(value) = line.get_mut(name) {
                return Ok(value.take());
            }
        }
    }

    /// CPU time and resident memory, as the kernel counts them.
    pub fn usage(&self) -> Result<Usage> {
        let id = self.id()?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        Ok(Usage { cpu_ms: machine::work_of(id)?.own_ms, rss_kib: rss.trim().trim_end_matches("kB").trim().parse()? })
    }

    /// Waits until the process does next to nothing: what it began with its last answer is done then. Gives whether that came in time.
    pub async fn rests(&self, patience: Duration) -> Result<bool> {
        let (began, mut before) = (Instant::now(), self.run_ms()?);
        while began.elapsed() < patience {
            tokio::time::sleep(QUIET).await;
            let now = self.run_ms()?;
            if (now - before).abs() < QUIET.as_secs_f64() * 100.0 {
                return Ok(true);
            }
            before = now;
        }
        Ok(false)
    }

    /// What the threads that are there have run, in milliseconds and much finer than a tick.
    fn run_ms(&self) -> Result<f64> {
        let id = self.id()?;
        let (mut total_ns, mut threads) = (0.0, 0);
        for thread in std::fs::read_dir(format!("/proc/{id}/task"))? {
            // It may have ended meanwhile.
            let Ok(text) = std::fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            total_ns += text.split_whitespace().next().context("a time in schedstat")?.parse::<f64>()?;
            threads += 1;
        }
        // Some kernels keep no such file.
        if threads == 0 { Ok(machine::work_of(id)?.own_ms) } else { Ok(total_ns / 1e6) }
    }

    /// Has the kernel forget the most memory that the process had.
    pub fn forget_peak(&self) -> Result<()> {
        let id = self.id()?;
        Ok(std::fs::write(format!("/proc/{id}/clear_refs"), "5")?)
    }

    /// The most memory that the process had since.
    pub fn peak_kib(&self) -> Result<f64> {
        let id = self.id()?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
        Ok(peak.trim().trim_end_matches("kB").trim().parse()?)
    }

    /// SIGKILL, as a power cut would, and the wait for the end.
    pub async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// SIGTERM, and the wait for the end.
    pub async fn terminate(mut self) -> Result<()> {
        let id = i32::try_from(self.id()?)?;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGTERM)?;
        self.child.wait().await?;
        Ok(())
    }
}
