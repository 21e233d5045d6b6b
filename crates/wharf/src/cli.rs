//! The command line: one file a command, and a command for each operation of the API beside them.

pub mod accept;
mod accounts;
mod backup;
mod config;
pub mod doctor;
mod ended;
mod gateway;
mod keys;
mod listen;
mod login;
mod manual;
mod mcp;
mod messages;
mod migrate;
mod offline;
mod operations;
mod out;
mod pair;
mod plain;
mod profiles;
mod progress;
mod restore;
mod restored;
mod rotate_master;
mod send;
mod serve;
mod target;
mod unmet;
mod users;
mod whatsapp;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

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
    /// Works on accounts, directly in the database; `wharf admin` does it through a gateway, and deletes them.
    #[command(subcommand)]
    Accounts(accounts::Accounts),
    /// Works on plans, directly in the database.
    #[command(subcommand)]
    Plans(accounts::Plans),
    /// Works on API keys, directly in the database; changes the master key.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Works on the people who sign in, directly in the database.
    #[command(subcommand)]
    Users(users::Users),
    /// Works on sessions, through a gateway that runs.
    #[command(subcommand)]
    Sessions(pair::Sessions),
    /// Works on messages, through a gateway that runs.
    #[command(subcommand)]
    Messages(messages::Messages),
    /// Sends a text or a file, through a gateway that runs.
    Send(send::Send),
    /// Shows events as they happen, and hands them on to a server under development.
    Listen(listen::Listen),
    /// Pauses connections or sending, and switches features off, for the day on which WhatsApp changes something.
    #[command(name = "whatsapp", subcommand)]
    WhatsApp(whatsapp::WhatsApp),
    /// Copies the database and the media into a folder, also while a gateway runs.
    Backup(backup::Backup),
    /// Puts a backup into an empty database: all sessions begin their keys anew, and keep their links.
    Restore(restore::Restore),
    /// Says that the database was put back from a backup or a snapshot: all sessions begin their keys anew, and keep their links.
    Restored,
    /// Brings the database's schema up to date without starting the gateway, or says whether there is anything to do.
    Migrate(migrate::Migrate),
    /// Looks for what would keep the gateway from working.
    Doctor(doctor::Doctor),
    /// Proves a gateway that runs with two phones, in fifteen steps, and writes a report.
    Accept(accept::Accept),
    /// Offers a gateway's operations as tools of the Model Context Protocol, for assistants.
    Mcp(mcp::Mcp),
    /// Keeps a gateway's address and a key for it, once the gateway has taken the key.
    Login(login::Login),
    /// Forgets what `wharf login` kept. The key itself stays good.
    Logout(login::Logout),
    /// Shows the configuration of the gateway.
    #[command(subcommand)]
    Config(config::Settings),
    /// Prints what a shell reads to complete a line of this program.
    Completions(manual::Completions),
    /// Prints the manual page of this program or of one command, or writes all of them.
    Man(manual::Man),
}

/// All that can be said at the terminal.
pub fn command() -> clap::Command {
    operations::joined(Cli::command())
}

/// Runs what the command line says, and tells what came of it.
pub async fn run() -> ExitCode {
    let matches = command().get_matches();
    let ended = match operations::Call::of(&matches) {
        Some(call) => call.run().await,
        None => match Cli::from_arg_matches(&matches) {
            Ok(cli) => Box::pin(cli.run()).await,
            Err(error) => error.format(&mut command()).exit(),
        },
    };
    ended.map_or_else(|error| ended::tell(&error), |()| ExitCode::SUCCESS)
}

impl Cli {
    pub async fn run(self) -> anyhow::Result<()> {
        // HTTPS needs a provider of cryptography; where another part was faster, its choice is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let load = || Config::load(self.config.as_deref(), |name| std::env::var(name).ok());
        match self.command {
            Command::Serve => Box::pin(serve::run(load()?)).await,
            Command::Accounts(accounts) => accounts.run(load()?).await,
            Command::Plans(plans) => plans.run(load()?).await,
            Command::Keys(keys) => keys.run(load()?).await,
            Command::Users(users) => users.run(load()?).await,
            Command::Sessions(sessions) => sessions.run().await,
            Command::Messages(messages) => messages.run().await,
            Command::Send(send) => send.run().await,
            Command::Listen(listen) => listen.run().await,
            Command::WhatsApp(whatsapp) => whatsapp.run(load).await,
            Command::Backup(backup) => backup.run(load()?).await,
            Command::Restore(restore) => restore.run(load()?).await,
            Command::Restored => restored::run(load()?).await,
            Command::Migrate(migrate) => migrate.run(load()?).await,
            Command::Doctor(doctor) => doctor.run(load()).await,
            Command::Accept(accept) => accept.run(load()?).await,
            Command::Mcp(mcp) => mcp.run().await,
            Command::Login(login) => login.run().await,
            Command::Logout(logout) => logout.run(),
            Command::Config(settings) => settings.run(self.config.as_deref()),
            Command::Completions(completions) => completions.run(),
            Command::Man(man) => man.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_takes_the_names_and_limits_that_the_api_takes() {
        let takes = |line: &[&str]| Cli::try_parse_from([&["wharf"], line].concat()).is_ok();
        let (longest, longer) = ("é".repeat(100), "é".repeat(101));
        for (name, good) in
            [("Shop", true), (longest.as_str(), true), (longer.as_str(), false), ("", false), ("  ", false), ("a\tb", false)]
        {
            assert_eq!(takes(&["accounts", "create", "--plan", "pro", "--name", name]), good, "{name:?}");
            assert_eq!(takes(&["keys", "create", "--account", name]), good, "{name:?}");
            assert_eq!(takes(&["keys", "create", "--account", "x", "--name", name]), good, "{name:?}");
        }
        let plan = |name: &str, limit: &str, value: &str| {
            let set = ["plans", "set", "--calls-per-minute", "60", "--concurrent-requests", "9"];
            let limit = if limit == "--name" { Vec::new() } else { vec![limit, value] };
            takes(&[&set, ["--name", name].as_slice(), &limit].concat())
        };
        for (name, good) in [("pro-2", true), ("", false), ("Pro", false), ("a b", false), (longest.as_str(), false)] {
            assert_eq!(plan(name, "--name", ""), good, "{name:?}");
        }
        // How much a plan may grant is asked where it is put.
        for (value, good) in [("0", true), ("1000000000", true), ("-1", false), ("many", false)] {
            assert_eq!(plan("pro", "--messages-per-day", value), good, "{value}");
            assert_eq!(plan("pro", "--sessions", value), good, "{value}");
        }
    }

    /// A word of a shell: in quotes, or up to the next blank.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
        for letter in line.chars() {
            match quote {
                Some(open) if open == letter => quote = None,
                None if letter == '"' || letter == '\'' => quote = Some(letter),
                None if letter == ' ' => words.push(std::mem::take(&mut word)),
                _ => word.push(letter),
            }
        }
        words.push(word);
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_line_of_the_page_about_the_terminal_is_one_that_the_program_takes() {
        let page = include_str!("../../../docs/cli.md");
        let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
        let parts = blocks.flat_map(str::lines).flat_map(|line| line.split(" | "));
        let lines: Vec<_> = parts.filter(|part| part.starts_with("wharf ")).collect();
        assert!(lines.len() > 15, "{lines:?}");
        for line in lines {
            let said = [" # ", " > ", " < "].iter().fold(line, |said, end| said.split(end).next().unwrap_or_default());
            if let Err(error) = command().try_get_matches_from(words(said)) {
                panic!("{said}: {error}");
            }
        }
    }
}
