//! The command line: one file a command.

mod accounts;
mod doctor;
mod gateway;
mod keys;
mod listen;
mod offline;
mod pair;
mod send;
mod serve;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::Config;

/// A self-hosted WhatsApp API gateway.
#[derive(Parser)]
#[command(name = "wharf", version, about, propagate_version = true)]
pub struct Cli {
    /// The configuration file; `wharf.toml` where that exists.
    #[arg(long, global = true, env = "WHARF_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the gateway until it is asked to end.
    Serve,
    /// Works on accounts, directly in the database.
    #[command(subcommand)]
    Accounts(accounts::Accounts),
    /// Works on plans, directly in the database.
    #[command(subcommand)]
    Plans(accounts::Plans),
    /// Works on API keys, directly in the database.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Works on sessions, through a gateway that runs.
    #[command(subcommand)]
    Sessions(pair::Sessions),
    /// Sends a text or a file, through a gateway that runs.
    Send(send::Send),
    /// Shows events as they happen, and hands them on to a server under development.
    Listen(listen::Listen),
    /// Looks for what would keep the gateway from working.
    Doctor,
}

impl Cli {
    pub async fn run(self) -> anyhow::Result<()> {
        // HTTPS needs a provider of cryptography; where another part was faster, its choice is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let load = || Config::load(self.config.as_deref(), |name| std::env::var(name).ok());
        match self.command {
            Command::Serve => serve::run(load()?).await,
            Command::Accounts(accounts) => accounts.run(load()?).await,
            Command::Plans(plans) => plans.run(load()?).await,
            Command::Keys(keys) => keys.run(load()?).await,
            Command::Sessions(sessions) => sessions.run().await,
            Command::Send(send) => send.run().await,
            Command::Listen(listen) => listen.run().await,
            Command::Doctor => doctor::run(load()).await,
        }
    }
}
