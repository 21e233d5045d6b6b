//! `wharf serve`.

use std::sync::Arc;

use anyhow::{Context, bail};
use wharf_core::clock::SystemClock;

use crate::app::App;
use crate::config::Config;
use crate::world::World;
use crate::{log, machine};

pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    // A setting with a slip in its name is not in force, and nobody would notice.
    let strange = Config::strange_variables();
    if !strange.is_empty() {
        bail!("{}", strange.join("\n       "));
    }
    let _log = log::init(&config.log).context("log.filter cannot be read")?;
    match machine::raise_open_files() {
        Ok(limit) if limit < 4096 => tracing::warn!(limit, "few files may be open at the same time: every session needs one"),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the limit of open files could not be raised"),
    }
    let app = App::start(config, World::Production, Arc::new(SystemClock)).await?;
    let mut signals = machine::Signals::listen()?;
    log::print(format!("wharf listens on {}", app.url()));
    machine::tell_ready();
    signals.asked_to_end().await;
    machine::tell_stopping();
    tokio::select! {
        () = app.shutdown() => {}
        // Whoever asks twice is in a hurry, and being killed is survived.
        () = signals.asked_to_end() => {}
    }
    Ok(())
}
