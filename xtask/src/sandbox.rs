//! The command of the first minute: build the sandbox, and become it.

use std::{os::unix::process::CommandExt as _, process::Command};

use anyhow::{Context, Result};

use crate::{
    cargo::{cargo, metadata, program, run},
    settle::settle,
};

/// Builds the sandbox and hands it the terminal, with what was said behind `cargo sandbox`.
pub fn start(args: &[String]) -> Result<()> {
    run(cargo().args(["build", "--package", "wharf-sandbox"]))?;
    settle()?;
    let sandbox = program(&metadata()?.target_directory.join("debug"), "wharf-sandbox");
    // In its place and not below it: signals and the exit code are the sandbox's own.
    let error = Command::new(&sandbox).args(args).exec();
    Err(error).with_context(|| format!("cannot start {}", sandbox.display()))
}
