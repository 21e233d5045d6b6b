//! Python with pip, and npm: for the tests that run published programs beside ours, such as the examples' receivers and a server of buckets.

use std::process::Command;

use anyhow::{Context, Result};

use crate::{apt, cargo::which};

/// Makes sure that both installers are there, and what their packages bring not along.
pub fn ensure() -> Result<()> {
    let magic = Command::new("python3").args(["-c", "import ctypes.util, sys; sys.exit(not ctypes.util.find_library('magic'))"]).status();
    if !magic.is_ok_and(|status| status.success()) {
        apt::install("libmagic1").context("libmagic is needed by a client that the tests meet: install it as your system does")?;
    }
    if which("npm").is_none() {
        apt::install("npm").context("npm is needed to run the receiver in JavaScript: install it as your system does")?;
    }
    let pip = Command::new("python3").args(["-m", "pip", "--version"]).output();
    if pip.is_ok_and(|done| done.status.success()) {
        return Ok(());
    }
    apt::install("python3-pip").context("Python 3 with pip is needed to run the receiver in Python: install it as your system does")
}
