//! What texts cost the database: by the gateway's own counters, by the server's statistics, and by what the server's processes worked.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::gateway::Http;
use crate::machine::work_of;
use crate::turns::Turns;

/// A connection that rests tells the server's statistics of what it did after ten seconds at the latest.
const STATISTICS_LAG: Duration = Duration::from_secs(11);

/// SQLite's, in bytes.
const PAGE: f64 = 4_096.0;

const STATEMENTS: &str = "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid \
     WHERE datname = current_database()";
const TRANSACTIONS: &str = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
const ONE_OF_THE_SERVER: &str = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";

/// The gateway's database, and who tells of it.
#[derive(Default)]
pub struct Database {
    /// Of PostgreSQL; of SQLite only the gateway tells.
    url: Option<String>,
    /// The server's first process, where it runs on this machine.
    server: Option<u32>,
    turns: Option<Arc<Turns>>,
    /// The gateway, which writes SQLite's pages itself.
    gateway: u32,
}

/// How much of each there was until now; `None` where nobody tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WorkCounts {
    commits: f64,
    writes: f64,
    statements: Option<f64>,
    transactions: Option<f64>,
    round_trips: Option<f64>,
    cpu_ms: Option<f64>,
    /// What the gateway gave the file system to write.
    written_bytes: Option<f64>,
}

impl Database {
    /// Looks who tells of the database at `url`, once the gateway has made it its own.
    pub async fn look_at(url: Option<&str>, turns: Option<Arc<Turns>>, gateway: u32) -> Self {
        let Some(url) = url else { return Self { gateway, ..Self::default() } };
        // A server that was not started with it cannot; then the statements are not known.
        let _ = ask(url, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements").await;
        let server = match ask(url, ONE_OF_THE_SERVER).await {
            Ok(process) => first_process(&process),
            Err(error) => {
                println!("PostgreSQL's statistics cannot be read: {error:#}");
                None
            }
        };
        Self { url: Some(url.to_owned()), server, turns, gateway }
    }

    /// Has PostgreSQL count what its tables hold, as it does by itself within a minute. Until then it takes them for empty, and any index
    /// for as good as another.
    pub async fn analyze(&self) {
        if let Some(url) = &self.url
            && let Err(error) = ask(url, "ANALYZE").await
        {
            println!("PostgreSQL does not know what its tables hold: {error:#}");
        }
    }

    pub fn name(&self) -> &'static str {
        if self.url.is_some() { "PostgreSQL" } else { "SQLite FULL" }
    }

    /// Reads all; of PostgreSQL that takes until its statistics are complete.
    pub async fn counts(&self, operator: &Http) -> Result<WorkCounts> {
        let metrics = operator.text("/metrics").await?;
        let metric = |name: &str| {
            let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
            value.with_context(|| format!("{name} among the metrics"))
        };
        let mut counts = WorkCounts {
            commits: metric("wharf_store_commit_writes_count ")?,
            writes: metric("wharf_store_commit_writes_sum ")?,
            round_trips: self.turns.as_ref().map(|turns| turns.count() as f64),
            cpu_ms: self.server.and_then(|server| server_ms(server).ok()),
            written_bytes: written_bytes(self.gateway),
            ..WorkCounts::default()
        };
        if let Some(url) = &self.url {
            counts.statements = number(url, STATEMENTS).await;
            tokio::time::sleep(STATISTICS_LAG).await;
            counts.transactions = number(url, TRANSACTIONS).await;
        }
        Ok(counts)
    }

    /// The table of what each of so many texts cost.
    pub fn lines(&self, before: &WorkCounts, after: &WorkCounts, texts: f64) -> Vec<String> {
        let commits = after.commits - before.commits;
        let mut lines = vec![format!("| a text on {} | |", self.name()), "| --- | --- |".to_owned()];
        lines.push(format!("| commits of the gateway's writes | {:.3} |", commits / texts));
        lines.push(format!("| writes in a commit | {:.2} |", (after.writes - before.writes) / commits));
        if self.url.is_none() {
            let written = after.written_bytes.zip(before.written_bytes).map(|(after, before)| (after - before) / PAGE / texts);
            let pages = written.map_or_else(|| "not known".to_owned(), |pages| format!("{pages:.1}"));
            lines.push(format!("| pages written, those of checkpoints among them | {pages} |"));
            return lines;
        }
        let each = |of: fn(&WorkCounts) -> Option<f64>| {
            let difference = of(after).zip(of(before)).map(|(after, before)| (after - before) / texts);
            difference.map_or_else(|| "not known".to_owned(), |each| format!("{each:.2}"))
        };
        lines.push(format!("| statements, `BEGIN` and `COMMIT` among them | {} |", each(|counts| counts.statements)));
        lines.push(format!("| transactions, those that only read among them | {} |", each(|counts| counts.transactions)));
        lines.push(format!("| round trips | {} |", each(|counts| counts.round_trips)));
        lines.push(format!("| CPU of PostgreSQL's processes, ms | {} |", each(|counts| counts.cpu_ms)));
        lines
    }
}

/// What a process gave file systems to write: here that is SQLite's pages, and some lines of its log.
fn written_bytes(process: u32) -> Option<f64> {
    let io = std::fs::read_to_string(format!("/proc/{process}/io")).ok()?;
    io.lines().find_map(|line| line.strip_prefix("write_bytes:")?.trim().parse().ok())
}

/// The one that started this one of the server's processes.
fn first_process(process: &str) -> Option<u32> {
    let first = work_of(process.parse().ok()?).ok()?.parent;
    // The server may run on another machine, and the number mean a stranger here.
    std::fs::read_to_string(format!("/proc/{first}/comm")).ok().filter(|name| name.starts_with("postgres")).map(|_| first)
}

/// What all processes of a server have worked, those that have ended among them.
fn server_ms(first: u32) -> Result<f64> {
    let work = work_of(first)?;
    let mut total = work.own_ms + work.ended_ms;
    for entry in std::fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may have ended meanwhile.
        total += work_of(id).ok().filter(|work| work.parent == first).map_or(0.0, |work| work.own_ms);
    }
    Ok(total)
}

async fn number(url: &str, question: &str) -> Option<f64> {
    ask(url, question).await.ok()?.parse().ok()
}

/// Has psql ask the server.
async fn ask(url: &str, question: &str) -> Result<String> {
    let mut psql = Command::new("psql");
    psql.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1", "--command", question, url]);
    let done = psql.stdin(Stdio::null()).output().await.context("psql, PostgreSQL's own client, does not start")?;
    ensure!(done.status.success(), "psql: {}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_costs_the_difference_and_what_nobody_tells_is_not_known() {
        let database = Database { url: Some("postgres://…".to_owned()), ..Database::default() };
        let before = WorkCounts { commits: 10.0, writes: 20.0, statements: Some(100.0), ..WorkCounts::default() };
        let after = WorkCounts { commits: 60.0, writes: 320.0, statements: Some(1_100.0), cpu_ms: Some(5.0), ..WorkCounts::default() };
        let lines = database.lines(&before, &after, 100.0);
        assert_eq!(lines[2], "| commits of the gateway's writes | 0.500 |");
        assert_eq!(lines[3], "| writes in a commit | 6.00 |");
        assert_eq!(lines[4], "| statements, `BEGIN` and `COMMIT` among them | 10.00 |");
        assert_eq!(lines[7], "| CPU of PostgreSQL's processes, ms | not known |");
        assert_eq!(Database::default().lines(&before, &after, 100.0).len(), 5);
    }
}
