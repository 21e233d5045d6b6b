//! What a refusal and a small read cost beside a bare axum, how soon a start is ready, and what a flood of refusals costs a good sender.
//!
//! The servers are on the first core and take turns, callers have the others. The bare axum answers with that status and as many bytes. A
//! row says what was answered, for a limit may have turned one refusal into another.

mod caller;
mod flood;
mod ready;
mod rows;
mod stage;
mod table;
mod wire;

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use crate::machine::{self, OtherWork};
use stage::{EdgeLoad, EdgeStage};
use table::EdgeRound;

#[derive(Args)]
pub struct EdgesOptions {
    /// What is measured: everything unless said.
    #[arg(value_enum)]
    parts: Vec<EdgePart>,
    /// Rounds of the table and of the flood; the first one warms up and is not counted.
    #[arg(long, default_value_t = 4)]
    rounds: usize,
    /// How long a turn lasts, in seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Requests in flight of the table, each on a connection of its own.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How often a gateway is started on its database.
    #[arg(long, default_value_t = 10)]
    starts: usize,
    /// Texts in flight beside the flood, each a part of the table.
    #[arg(long, value_delimiter = ',', default_value = "1,8")]
    concurrency: Vec<usize>,
    /// The most texts of a turn: the pretend network keeps them all.
    #[arg(long, default_value_t = 4_000)]
    texts: usize,
    /// How often a second the flood asks.
    #[arg(long, default_value_t = 2_000.0)]
    flood_rate: f64,
    /// Over how many connections it does.
    #[arg(long, default_value_t = 16)]
    flood_connections: usize,
    /// How many cores others may keep busy.
    #[arg(long, default_value_t = 0.25)]
    busy: f64,
    /// Measure and print on a busy machine too.
    #[arg(long)]
    force: bool,
}

/// A part of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EdgePart {
    /// Refusals and small reads beside a bare axum
    Table,
    /// How soon a start is ready
    Ready,
    /// A good sender beside a flood of refusals
    Flood,
}

pub async fn run(options: &EdgesOptions) -> Result<()> {
    ensure!(options.rounds > 1, "the first round warms up: --rounds must be 2 or more");
    ensure!(options.connections > 0 && options.starts > 0, "--connections and --starts must be 1 or more");
    let busy = machine::busy_cores().await?;
    ensure!(
        options.force || busy <= options.busy,
        "others keep {busy:.2} cores busy, and more than {:.2} is no time to measure: end them, or measure all the same by --force",
        options.busy
    );
    let wants = |part| options.parts.is_empty() || options.parts.contains(&part);
    // On all cores, as a program that nobody pins is started.
    if wants(EdgePart::Ready) {
        ready::show(options.starts).await?;
    }
    if !wants(EdgePart::Table) && !wants(EdgePart::Flood) {
        return Ok(());
    }
    machine::leave_the_first_core()?;
    let stage = EdgeStage::set().await?;
    let mut refusal_us = None;
    if wants(EdgePart::Table) {
        let seen = measure(&stage, options).await?;
        refusal_us = Some(table::wharf_us(&seen, flood::FLOOD_ROW));
        println!("\n{}\n", table::lines(&stage.rows, &seen).join("\n"));
    }
    if wants(EdgePart::Flood) {
        let seen = flood::measure(&stage, options).await?;
        println!("\n{}", flood::lines(&seen, &options.concurrency, refusal_us).join("\n"));
    }
    stage.end().await
}

/// Each row in turn at both servers; who begins changes with the round.
async fn measure(stage: &EdgeStage, options: &EdgesOptions) -> Result<Vec<EdgeRound>> {
    let load = EdgeLoad { connections: options.connections, lasts: Duration::from_secs_f64(options.seconds) };
    let mut seen = Vec::new();
    for round in 0..options.rounds {
        let watch = OtherWork::watch(stage.ours_ms()?)?;
        for row in 0..stage.rows.len() {
            let (wharf, bare) = if round.is_multiple_of(2) {
                let wharf = stage.turn(row, load).await?;
                (wharf, stage.bare_turn(row, load).await?)
            } else {
                let bare = stage.bare_turn(row, load).await?;
                (stage.turn(row, load).await?, bare)
            };
            if round > 0 {
                seen.push(EdgeRound { row, wharf, bare });
            }
        }
        println!("round {round}: others kept {:.2} cores busy", watch.cores(stage.ours_ms()?)?);
    }
    Ok(seen)
}
