//! What checks the repository, as commands: `cargo xtask --help`.
//!
//! It knows cargo and the tools of a developer's machine, and nothing of the gateway but its contract.

mod apt;
mod cargo;
mod circles;
mod collection;
#[cfg(test)]
mod contributing;
mod dashboard;
mod fuzz;
mod generate;
mod heads;
mod instructions;
mod ledger;
mod nats;
mod node;
mod postgres;
mod provoke;
mod python;
mod rig;
mod rooms;
mod sandbox;
mod sdk_python;
mod sdk_typescript;
mod settle;
mod test;
mod version;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Checks this repository")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the sandbox and start it; what follows is the sandbox's own (`cargo sandbox --help`)
    #[command(disable_help_flag = true)]
    Sandbox {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Check that every import follows the arrows between the rooms
    Rooms,
    /// Count the circles of files in each crate, which may only become fewer, names that several types have, and empty heads of comments
    Circles,
    /// Write the pages that come from the tables
    Gen {
        /// Compare instead of writing, and fail where a page differs
        #[arg(long)]
        check: bool,
    },
    /// Check what the last tests provoked: every code of the catalogue, and nothing undeclared
    Ledger,
    /// Run everything that a change must pass, on both databases
    Test(TestArgs),
    /// What CI runs: the same as `test`
    Ci(TestArgs),
    /// Write the newest version of WhatsApp Web into the program, from WhatsApp's own page
    Version {
        /// Refuse a number that is too old for a release instead
        #[arg(long)]
        check: bool,
        /// The page that tells it
        #[arg(long, default_value = version::PAGE)]
        url: String,
        /// The file that keeps it
        #[arg(long, default_value_os_t = version::file())]
        file: PathBuf,
    },
    /// Have every bad day of an operator come, and print what was seen; small disks need the right to mount
    Rig {
        /// How long the cases go on that have a length
        #[arg(long, default_value_t = 60)]
        seconds: u32,
        /// Nothing but strangers who do their worst beside a good tenant, for so many minutes
        #[arg(long, value_name = "MINUTES", conflicts_with_all = ["seconds", "names"])]
        hostile: Option<u32>,
        /// Only the cases with one of these words in their name
        names: Vec<String>,
    },
    /// Have a stranger send odd messages for so many minutes, and read everything after each
    Fuzz {
        minutes: u64,
        /// Whose messages come first; each seed's are always the same
        #[arg(default_value_t = 1000)]
        seed: u64,
        /// The sandbox's tests (`debug/deps/it-…`), where they and the programs are built already
        #[arg(long, value_name = "FILE")]
        tests: Option<PathBuf>,
    },
    /// Count the gateway's instructions for one operation of each kind, and compare them with the budget
    Instructions {
        /// Make what is counted the budget
        #[arg(long)]
        write: bool,
        /// Passed on to `wharf-bench instructions`: which operations, and its options
        #[arg(last = true)]
        bench: Vec<String>,
    },
    /// Keep a throw-away PostgreSQL running until Ctrl-C
    Postgres,
}

#[derive(Args)]
struct TestArgs {
    /// Leave out clippy and the count of instructions
    #[arg(long)]
    quick: bool,
    /// Passed on to `cargo test`; with `-p` only that package is tested
    #[arg(last = true)]
    cargo_test: Vec<String>,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Task::Sandbox { args } => sandbox::start(&args),
        Task::Rooms => rooms::run(),
        Task::Circles => circles::run(),
        Task::Gen { check } => generate::run(check),
        Task::Ledger => cargo::metadata().and_then(|metadata| ledger::run(&metadata.target_directory)),
        Task::Test(args) | Task::Ci(args) => test::run(args.quick, &args.cargo_test),
        Task::Version { check: true, file, .. } => version::check(&file),
        Task::Version { url, file, .. } => version::write(&url, &file),
        Task::Rig { hostile: Some(minutes), .. } => rig::hostile(minutes),
        Task::Rig { seconds, names, .. } => rig::run(seconds, &names),
        Task::Fuzz { minutes, seed, tests } => fuzz::run(minutes, seed, tests),
        Task::Instructions { write, bench } => instructions::run(write, &bench),
        Task::Postgres => postgres::keep(),
    };
    // Returned, not `exit`ed: a running cluster is stopped by its destructor.
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
