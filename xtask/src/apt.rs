//! Debian's packages, where the machine has them and we may install.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::cargo::{run, which};

/// Installs one package, through sudo unless we are root.
pub fn install(package: &str) -> Result<()> {
    let mut prefix = vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
    if !is_root()? {
        prefix.insert(0, "sudo");
    }
    if which("apt-get").is_none() || which(prefix[0]).is_none() {
        bail!("Debian's package `{package}` cannot be installed here");
    }
    eprintln!("installing Debian's package `{package}`");
    let apt = |words: &[&str]| run(Command::new(prefix[0]).args(&prefix[1..]).args(words));
    apt(&["update", "--quiet"])?;
    apt(&["install", "--quiet", "--yes", "--no-install-recommends", package])
}

pub fn is_root() -> Result<bool> {
    Ok(number(Command::new("id").arg("-u"))? == 0)
}

/// The number that a command prints.
pub fn number(command: &mut Command) -> Result<u32> {
    let done = command.output().context("cannot start a command")?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(String::from_utf8_lossy(&done.stdout).trim().parse()?)
}
