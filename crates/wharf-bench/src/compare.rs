//! Wharf beside others that send texts, in turns on one machine: CPU, rate and latency of a call, with versions and with what is on the disk
//! when it is answered.
//!
//! Each side is pinned to the first core, and calls and the pretend network have the others. A round in which somebody else worked is not counted.

mod baileys;
mod side;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

use crate::load::Load;
use crate::machine::{self, OtherWork};
use crate::world::World;
use side::Side;
use table::Measured;

#[derive(Args)]
pub struct CompareOptions {
    /// Rounds; the first one warms up and is not counted.
    #[arg(long, default_value_t = 6)]
    rounds: usize,
    /// How long each side is called in a round, in seconds.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// The most texts of a side in a round: the pretend network keeps them all.
    #[arg(long, default_value_t = 4_000)]
    texts: usize,
    /// Calls in flight, each a part of the table.
    #[arg(long, value_delimiter = ',', default_value = "1,8,32")]
    concurrency: Vec<usize>,
    /// How many cores others may keep busy.
    #[arg(long, default_value_t = 0.25)]
    busy: f64,
    /// Measure and print on a busy machine too; the table says so.
    #[arg(long)]
    force: bool,
    /// Leave out Baileys, which needs npm.
    #[arg(long)]
    without_baileys: bool,
    /// The folder with the peers' programs and versions.
    #[arg(long, default_value = "scripts/compare")]
    peers: PathBuf,
}

/// How long a side may take to come to rest after its last answer.
const PATIENCE: Duration = Duration::from_secs(5);

pub async fn run(options: &CompareOptions) -> Result<()> {
    ensure!(options.rounds > 1, "the first round warms up: --rounds must be 2 or more");
    let busy = machine::busy_cores().await?;
    ensure!(
        options.force || busy <= options.busy,
        "others keep {busy:.2} cores busy, and more than {:.2} is no time to measure: end them, or print with a mark by --force",
        options.busy
    );
    machine::leave_the_first_core()?;
    let world = World::start("compare", None).await?;
    // Wharf first: the table takes the first side for what the others are compared with.
    let mut sides = vec![side::wharf(&world).await?, side::engine(&world).await?, side::axum().await?];
    if !options.without_baileys {
        sides.push(baileys::start(&world, &options.peers).await?);
    }

    let (mut seen, mut left_out, mut most_busy) = (Vec::new(), 0, busy);
    for round in 0..options.rounds {
        let watch = OtherWork::watch(ours_ms(&world, &sides)?)?;
        let rows = self::round(&world, &mut sides, options, round).await?;
        let others = watch.cores(ours_ms(&world, &sides)?)?;
        println!("round {round}: others kept {others:.2} cores busy");
        if round == 0 {
            continue;
        }
        if others > options.busy && !options.force {
            left_out += 1;
            continue;
        }
        most_busy = most_busy.max(others);
        seen.extend(rows);
    }
    let labels: Vec<_> = sides.iter().map(|side| side.label.clone()).collect();
    side::end(sides).await?;
    world.end().await?;
    let counted = options.rounds.saturating_sub(1 + left_out);
    ensure!(
        counted > 0 && counted >= left_out,
        "others kept more than {:.2} cores busy in {left_out} of {} rounds: nothing is printed of such a run, unless by --force",
        options.busy,
        left_out + counted
    );
    let mark = if most_busy > options.busy { "**Measured on a busy machine.** " } else { "" };
    println!("\n{mark}{counted} rounds counted, {left_out} left out; others kept at most {most_busy:.2} cores busy.\n");
    for line in table::lines(&labels, &seen, &options.concurrency) {
        println!("{line}");
    }
    Ok(())
}

/// Each side in turn at each number of calls in flight; who begins changes with the round, for what warms up or tires hits all.
async fn round(world: &World, sides: &mut [Side], options: &CompareOptions, round: usize) -> Result<Vec<Measured>> {
    let mut rows = Vec::new();
    for &concurrency in &options.concurrency {
        for place in 0..sides.len() {
            let which = (round + place) % sides.len();
            let side = &mut sides[which];
            let load = Load { concurrency, seconds: options.seconds, calls: if side.sends { options.texts } else { usize::MAX } };
            let (before, network) = (side.cpu_ms(world)?, world.network.usage()?.cpu_ms);
            let took = side.call(&load).await?;
            // What the last answers began belongs to them.
            side.rests(world, PATIENCE).await?;
            let calls = took.calls as f64;
            rows.push(Measured {
                round,
                side: which,
                concurrency,
                cpu_ms: (side.cpu_ms(world)? - before) / calls,
                network_ms: (world.network.usage()?.cpu_ms - network) / calls,
                rate: calls / took.seconds,
                p50_ms: took.p50_ms,
                p99_ms: took.p99_ms,
            });
        }
    }
    Ok(rows)
}

/// What this program and all that it started have worked so far.
fn ours_ms(world: &World, sides: &[Side]) -> Result<f64> {
    let mut total = machine::own_ms()? + world.network.usage()?.cpu_ms;
    for side in sides {
        total += side.cpu_ms(world)?;
    }
    Ok(total)
}
