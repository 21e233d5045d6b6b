//! The gateway under valgrind's callgrind, which counts when it is told to.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::process::{Process, on_core};

pub struct Grind {
    pub process: Process,
    /// Where counts are written to, and nothing else.
    counts: PathBuf,
}

/// The version of valgrind that is installed.
pub async fn version() -> Result<String> {
    let told = Command::new("valgrind").arg("--version").output().await.context("valgrind is not installed")?;
    Ok(String::from_utf8_lossy(&told.stdout).trim().to_owned())
}

impl Grind {
    /// Starts a program that is not counted yet, on one core: then it has one worker, and its threads meet in fewer ways.
    pub async fn start(program: &Path, args: &[&str], counts: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&counts)?;
        let mut command = on_core("valgrind", Some(0));
        command.args(["--tool=callgrind", "--instr-atstart=no"]);
        command.arg(format!("--callgrind-out-file={}", counts.join("counts").display())).arg(program).args(args);
        Ok(Self { process: Process::of(command).await?, counts })
    }

    /// Begins to count.
    pub async fn begin(&self) -> Result<()> {
        self.say(&["instrumentation", "on"]).await
    }

    /// Forgets what was counted.
    pub async fn zero(&self) -> Result<()> {
        self.say(&["zero"]).await
    }

    /// The instructions since the last zero; what callgrind says of them goes to the file `keep`.
    pub async fn counted(&self, keep: Option<&Path>) -> Result<u64> {
        self.say(&["dump"]).await?;
        let mut total = 0;
        for entry in std::fs::read_dir(&self.counts)? {
            let path = entry?.path();
            if path.extension().is_none() {
                // Made as callgrind starts, for what is counted at the end. A dump has a number.
                continue;
            }
            total += totals(&std::fs::read_to_string(&path)?)?;
            if let Some(keep) = keep {
                std::fs::copy(&path, keep).with_context(|| keep.display().to_string())?;
            }
            std::fs::remove_file(path)?;
        }
        ensure!(total > 0, "callgrind has counted nothing");
        Ok(total)
    }

    async fn say(&self, words: &[&str]) -> Result<()> {
        let process = format!("--pid={}", self.process.id()?);
        let done = Command::new("vgdb").arg(process).args(words).stdin(Stdio::null()).output().await;
        let done = done.context("vgdb, which belongs to valgrind, does not start")?;
        ensure!(done.status.success(), "vgdb {}: {}", words.join(" "), String::from_utf8_lossy(&done.stderr).trim());
        Ok(())
    }
}

/// The sum in a file of callgrind's, which counts instructions only.
fn totals(text: &str) -> Result<u64> {
    let line = text.lines().rev().find_map(|line| line.strip_prefix("totals:")).context("a file of callgrind without totals")?;
    Ok(line.trim().parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_read_from_the_end_of_the_file() {
        let text = "# callgrind format\nevents: Ir\nsummary: 41\n\nfn=(1) main\n12 42\n\ntotals: 42\n";
        assert_eq!(totals(text).unwrap(), 42);
        assert!(totals("events: Ir\n").is_err());
    }
}
