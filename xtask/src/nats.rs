//! A NATS server, for the tests of several nodes: they start it themselves, on a port of its choice.

use std::path::Path;

use anyhow::{Context, Result};

use crate::{apt, cargo::which};

/// Makes sure that `nats-server` is there. Debian keeps it outside the usual search path.
pub fn ensure() -> Result<()> {
    if which("nats-server").is_some() || Path::new("/usr/sbin/nats-server").exists() {
        return Ok(());
    }
    apt::install("nats-server").context("nats-server is needed to test several nodes: install it as your system does")
}
