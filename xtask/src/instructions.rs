//! The gate of instructions: builds the gateway as the gate counts it, and has the bench count it under valgrind.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::{
    apt,
    cargo::{cargo, metadata, output, program, root, run as run_command, which},
    settle::settle,
};

/// The profile that is counted; its own folder, beside those of everyday builds.
const PROFILE: &str = "gate";

/// The file with what each operation may take.
pub fn budget() -> PathBuf {
    root().join("crates/wharf-bench/instructions.toml")
}

/// Counts, and compares with the budget or makes it. `words` are the bench's own.
pub fn run(write: bool, words: &[String]) -> Result<()> {
    if ["valgrind", "vgdb"].iter().any(|name| which(name).is_none()) {
        apt::install("valgrind").context("valgrind is needed to count instructions: install it as your system does")?;
    }
    // The bench and the pretend network are not counted: the tests' builds of them do, and are there in CI.
    run_command(cargo().args(["build", "--workspace", "--all-targets"]))?;
    run_command(cargo().args(["build", "--profile", PROFILE, "--package", "wharf-sandbox"]))?;
    settle()?;

    let target = metadata()?.target_directory;
    let compiler = output(Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("--version").current_dir(root()))?;
    let mut bench = Command::new(program(&target.join("debug"), "wharf-bench"));
    bench.arg("instructions").arg("--budget").arg(budget()).arg("--gateway").arg(program(&target.join(PROFILE), "wharf-sandbox"));
    bench.args(["--built-with", &format!("profile {PROFILE}, {}", compiler.trim())]);
    if write {
        bench.arg("--write");
    }
    run_command(bench.args(words))
}
