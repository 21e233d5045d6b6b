//! The servers that are asked, all on the first core: the gateway, one that keeps to its limit of bad keys, and the bare axum.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::caller::{AnswerTally, flat_out};
use super::rows::{self, EdgeKeys, EdgeRow};
use crate::machine;
use crate::process::{Process, on_core, sibling};
use crate::world::{Tenant, Who, World};

/// How long a server may take to come to rest after its last answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The logs of the two gateways.
const LOG: &str = "gateway.log";
const STRICT_LOG: &str = "strict.log";
/// So many a minute that no turn reaches it.
const NO_LIMIT: u64 = 1_000_000_000;
const PHONE: &str = "15550002001";

pub struct EdgeStage {
    world: World,
    pub tenant: Tenant,
    pub rows: Vec<EdgeRow>,
    strict: Process,
    bare: Process,
}

/// How many callers ask, and for how long.
#[derive(Clone, Copy)]
pub struct EdgeLoad {
    pub connections: usize,
    pub lasts: Duration,
}

/// What one server did in one turn.
#[derive(Clone, Debug)]
pub struct EdgeTurn {
    pub answers: AnswerTally,
    /// Until it came to rest.
    pub cpu_ms: f64,
    /// How much of the time of the calls it worked.
    pub busy: f64,
    /// Lines that its log got.
    pub lines: usize,
}

impl EdgeStage {
    /// Starts all, links a session, and has every row answered once.
    pub async fn set() -> Result<Self> {
        let world = World::start_logged("edges", &["--failed-keys-per-minute", &NO_LIMIT.to_string()], LOG).await?;
        let tenant = tenant(&world).await?;
        let limited = world.account("limited", "once", &["account:read"]).await?;
        let data = world.folder("strict").display().to_string();
        let mut command = on_core(sibling("wharf-sandbox")?, Some(0));
        command.args(["--json", "--quiet", "--port", "0", "--data-dir", data.as_str(), "--network", world.url.as_str()]);
        let strict = Process::logged(command, &world.folder(STRICT_LOG)).await?;

        let rows = rows::all(&tenant, &EdgeKeys { limited, foreign: strict.text("apiKey")? });
        rows::send_first(address(&world.base)?, &tenant).await?;
        let mut answers = Vec::new();
        for row in &rows {
            let asked = if row.strict { &strict } else { &world.gateway };
            let answer = rows::provoke(address(&asked.text("url")?)?, row).await?;
            answers.push(format!("{}:{}", answer.status, answer.body));
        }
        let bare = Process::start(&std::env::current_exe()?, &["bare-axum", "--answers", &answers.join(",")], Some(0)).await?;
        Ok(Self { world, tenant, rows, strict, bare })
    }

    /// Has the gateway of a row answer it.
    pub async fn turn(&self, place: usize, load: EdgeLoad) -> Result<EdgeTurn> {
        let row = &self.rows[place];
        let (process, log) = if row.strict { (&self.strict, STRICT_LOG) } else { (&self.world.gateway, LOG) };
        let log = self.world.folder(log);
        let before = lines(&log)?;
        let request = row.request.bytes(row.request.path);
        let turn = turn(process, flat_out(address(&process.text("url")?)?, &request, load.connections, load.lasts)).await?;
        Ok(EdgeTurn { lines: lines(&log)? - before, ..turn })
    }

    /// Has the bare axum answer a row.
    pub async fn bare_turn(&self, place: usize, load: EdgeLoad) -> Result<EdgeTurn> {
        let request = self.rows[place].request.bytes(&format!("/{place}"));
        turn(&self.bare, flat_out(self.bare_address()?, &request, load.connections, load.lasts)).await
    }

    pub fn gateway_address(&self) -> Result<SocketAddr> {
        address(&self.world.base)
    }

    pub fn bare_address(&self) -> Result<SocketAddr> {
        address(&self.bare.text("url")?)
    }

    /// Waits until the gateway does next to nothing, and tells what it has worked until then.
    pub async fn rested_ms(&self) -> Result<f64> {
        self.world.gateway.rests(PATIENCE).await?;
        Ok(self.world.gateway.usage()?.cpu_ms)
    }

    /// What this program and all that it started have worked so far.
    pub fn ours_ms(&self) -> Result<f64> {
        let mut total = machine::own_ms()?;
        for process in [&self.world.gateway, &self.world.network, &self.strict, &self.bare] {
            total += process.usage()?.cpu_ms;
        }
        Ok(total)
    }

    pub async fn end(self) -> Result<()> {
        self.bare.terminate().await?;
        self.strict.terminate().await?;
        self.world.end().await
    }
}

/// An account that may do as much as it likes, with a session; and the plan of one that may not.
async fn tenant(world: &World) -> Result<Tenant> {
    let operator = world.operator()?;
    let pace = json!({"messagesPerMinute": null, "newContactsPerHour": null, "newContactsPerDay": null, "strangerJitterSeconds": null});
    let mut plan = json!({"messagesPerDay": null, "callsPerMinute": NO_LIMIT, "sessions": null, "concurrentRequests": 1000, "pace": pace});
    operator.put("/v1/admin/plans/edges", &plan).await?;
    plan["callsPerMinute"] = json!(1);
    operator.put("/v1/admin/plans/once", &plan).await?;
    let permissions = &["account:read", "sessions:write", "sessions:read", "messages:send", "messages:read"];
    world.tenant(&Who { name: "edges", plan: "edges", permissions, phone: PHONE }).await
}

/// Lets a server answer, and waits until what it began with its last answer is done.
async fn turn(process: &Process, calls: impl Future<Output = Result<AnswerTally>>) -> Result<EdgeTurn> {
    let before = process.usage()?.cpu_ms;
    let answers = calls.await?;
    let busy = (process.usage()?.cpu_ms - before) / (answers.seconds * 1_000.0);
    process.rests(PATIENCE).await?;
    Ok(EdgeTurn { answers, cpu_ms: process.usage()?.cpu_ms - before, busy, lines: 0 })
}

fn address(url: &str) -> Result<SocketAddr> {
    let host = url.strip_prefix("http://").context("an address of HTTP")?;
    Ok(host.trim_end_matches('/').parse()?)
}

fn lines(log: &Path) -> Result<usize> {
    Ok(std::fs::read_to_string(log)?.lines().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_server_is_read_with_a_slash_at_its_end_and_without() {
        for url in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/"] {
            assert_eq!(address(url).unwrap(), SocketAddr::from(([127, 0, 0, 1], 8080)));
        }
        assert!(address("https://127.0.0.1:8080").is_err());
    }
}
