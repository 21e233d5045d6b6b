//! Node.js, for the test that runs the promised JavaScript example.

use anyhow::{Context, Result};

use crate::{apt, cargo::which};

/// Makes sure that `node` is there.
pub fn ensure() -> Result<()> {
    if which("node").is_some() {
        return Ok(());
    }
    apt::install("nodejs").context("Node.js 18 or newer is needed to run the promised JavaScript example: install it as your system does")
}
