//! The dashboard's built files, and the browser in which its tests look at them.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::{
    apt,
    cargo::{run, which},
};

/// The committed files are what the sources build, and there is a browser.
pub fn check() -> Result<()> {
    if ["chromium", "chromium-browser", "google-chrome"].iter().all(|name| which(name).is_none()) {
        apt::install("chromium").context("Chromium is needed to test the dashboard: install it as your system does")?;
    }
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts/dashboard-build");
    run(Command::new(script).arg("--check"))
}
