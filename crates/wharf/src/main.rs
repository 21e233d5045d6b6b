//! The release program.

use std::process::ExitCode;

use clap::Parser;
use wharf::cli::Cli;
use wharf::cli::doctor::Unwell;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a machine that gives no threads runs nothing");
    let ended = runtime.block_on(Cli::parse().run());
    // A name that is being resolved, and a terminal that is being read, hold up nobody.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wharf: {error:#}");
            error.downcast_ref::<Unwell>().map_or(ExitCode::FAILURE, |unwell| ExitCode::from(unwell.exit_code()))
        }
    }
}
