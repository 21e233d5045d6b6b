//! Measures Wharf on the pretend network, as real programs, and prints ratios from one run.
//!
//! `wharf-bench sessions` shows memory per session, idle or lived in, and how soon a restart has all of them connected again.
//! `wharf-bench media` shows rate, CPU and memory of documents that are sent at the same time.
//! `wharf-bench neighbours` shows the latency of other accounts' sends before and while one account's backlog goes out.
//! `wharf-bench hostile` shows a good tenant's latency and the gateway's memory while strangers do their worst.
//! `wharf-bench dashboards` shows what open dashboards cost the sends of the account that they look at.
//! `wharf-bench deliveries` shows deliveries to a webhook per second next to a bare loop of the HTTP client.
//! `wharf-bench takeover` shows how soon the sessions of a node that goes are connected at another one.
//! `wharf-bench growth` shows what messages in the database cost: bytes on disk, and texts and lists beside those of a small database.
//! `wharf-bench compare` shows Wharf beside others that send texts, with versions and durability.
//! `wharf-bench edges` shows what a refusal and a small read cost beside a bare axum, a start, and a good sender beside a flood.
//! `wharf-bench instructions` counts the gateway's instructions for one operation, and holds them against a budget.
//! `wharf-bench sends` shows CPU and rate per text, accepted to acknowledged, next to a bare loop over the same engine, and what it costs the database.
#![recursion_limit = "512"]
#![expect(clippy::cast_precision_loss, reason = "what a bench counts stays far below 2^52")]

mod bare;
mod bare_axum;
mod bare_posts;
mod compare;
mod dashboards;
mod database;
mod deliveries;
mod edges;
mod gateway;
mod growth;
mod hostile;
mod instructions;
mod load;
mod machine;
mod media;
mod neighbours;
mod process;
mod sends;
mod sessions;
mod sink;
mod takeover;
mod turns;
mod world;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    about = "Measures Wharf on the pretend network. First: cargo build --release -p wharf-bench -p wharf-sandbox -p wharf-sim --bins"
)]
struct BenchCli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Memory per session, idle from the start or lived in, and the time until all are connected after a restart.
    Sessions(sessions::SessionsOptions),
    /// Wharf beside others that send texts, in turns: CPU, rate and latency, versions and durability.
    Compare(compare::CompareOptions),
    /// CPU and rate per text, accepted to acknowledged, next to a bare loop over the same engine.
    Sends(sends::SendsOptions),
    /// Instructions of the gateway for one operation, under valgrind, next to the budget. `cargo xtask instructions` builds what it needs.
    Instructions(instructions::InstructionsOptions),
    /// Rate, CPU and memory of documents that are sent at the same time, next to the library used bare.
    Media(media::MediaOptions),
    /// What one account's backlog costs the sends of its neighbours.
    Neighbours(neighbours::NeighboursOptions),
    /// A good tenant beside a hostile tenant, a hostile contact and a hostile receiver.
    Hostile(hostile::HostileOptions),
    /// What open dashboards cost the sends, in latency and CPU.
    Dashboards(dashboards::DashboardsOptions),
    /// Deliveries to a webhook, next to a bare loop of the HTTP client.
    Deliveries(deliveries::DeliveriesOptions),
    /// Refusals and small reads beside a bare axum; how soon a start is ready; a good sender beside a flood of refusals.
    Edges(edges::EdgesOptions),
    /// How soon sessions are connected at another node when theirs is killed, and when it is stopped.
    Takeover(takeover::TakeoverOptions),
    /// What messages in the database cost on `SQLite`: bytes on disk, and texts and lists next to a database with a small sample.
    Growth(growth::GrowthOptions),
    /// The bare loop: one client of the library, nothing else. Started by `sends`.
    #[command(hide = true)]
    Bare(bare::BareOptions),
    /// A bare axum. Started by `compare` and `edges`.
    #[command(hide = true)]
    BareAxum(bare_axum::BareAxumOptions),
    /// A bare loop of the HTTP client. Started by `deliveries`.
    #[command(hide = true)]
    BarePosts(bare_posts::BarePostsOptions),
}

fn main() -> anyhow::Result<()> {
    // Another provider cannot be installed before this line.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    match BenchCli::parse().command {
        Command::Sessions(options) => runtime.block_on(sessions::run(&options)),
        Command::Compare(options) => runtime.block_on(compare::run(&options)),
        Command::Sends(options) => runtime.block_on(sends::run(&options)),
        Command::Instructions(options) => runtime.block_on(instructions::run(&options)),
        Command::Media(options) => runtime.block_on(media::run(&options)),
        Command::Neighbours(options) => runtime.block_on(neighbours::run(&options)),
        Command::Hostile(options) => runtime.block_on(hostile::run(&options)),
        Command::Dashboards(options) => runtime.block_on(dashboards::run(&options)),
        Command::Deliveries(options) => runtime.block_on(deliveries::run(&options)),
        Command::Edges(options) => runtime.block_on(edges::run(&options)),
        Command::Takeover(options) => runtime.block_on(takeover::run(&options)),
        Command::Growth(options) => runtime.block_on(growth::run(&options)),
        Command::Bare(options) => runtime.block_on(bare::run(&options)),
        Command::BareAxum(options) => runtime.block_on(bare_axum::run(&options)),
        Command::BarePosts(options) => runtime.block_on(bare_posts::run(&options)),
    }
}
