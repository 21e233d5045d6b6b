//! Baileys behind an HTTP server of a few lines, installed from npm at the versions that its folder pins.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::process::Command;

use super::side::{Caller, Caption, Side};
use crate::process::{Process, on_core};
use crate::world::World;

const PHONE: &str = "15550002003";

pub async fn start(world: &World, peers: &Path) -> Result<Side> {
    let folder = std::env::current_exe()?.with_file_name("compare-baileys");
    let script = peers.join("install");
    let installing = Command::new(&script).arg(&folder).stdout(Stdio::piped()).spawn();
    let installed = installing
        .with_context(|| format!("{} does not start: --peers names its folder, --without-baileys leaves it out", script.display()))?
        .wait_with_output()
        .await?;
    ensure!(installed.status.success(), "{} ended with {}", script.display(), installed.status);
    let node = String::from_utf8(installed.stdout)?;

    // It claims an older version of WhatsApp Web than a current client.
    world.control.put("/control/version", &json!({"floor": 1_000_000_000})).await?;
    let mut command = on_core(node.trim(), Some(0));
    command.arg(folder.join("baileys.mjs")).arg(&world.url).arg(world.folder("baileys"));
    let mut process = Process::of(command).await?;
    let code = process.told("qr").await?;
    world.control.scan(PHONE, code.as_str().context("a QR code")?).await?;
    process.told("open").await?;
    let label =
        Caption { name: "Baileys, its store in files", version: process.text("version")?, disk: "keys written, not fsynced; no message" };
    let caller = Caller::new(process.text("url")?)?;
    Ok(Side::peer(label, process, caller, true))
}
