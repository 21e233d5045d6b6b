//! The release program.

use std::process::ExitCode;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a machine that gives no threads runs nothing");
    let ended = runtime.block_on(wharf::cli::run());
    // A name that is being resolved, and a terminal that is being read, hold up nobody.
    runtime.shutdown_background();
    ended
}
