//! `wharf serve`.

use std::sync::Arc;

use anyhow::Context;
use wharf_core::clock::SystemClock;

use crate::app::App;
use crate::config::Config;
use crate::world::World;
use crate::{log, machine};

pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    log::init(&config.log).context("log.filter cannot be read")?;
    match machine::raise_open_files() {
        Ok(limit) if limit < 4096 => tracing::warn!(limit, "few files may be open at the same time: every session needs one"),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the limit of open files could not be raised"),
    }
    let app = App::start(config, World::Production, Arc::new(SystemClock)).await?;
    let mut signals = machine::Signals::listen()?;
    println!("wharf listens on {}", app.url());
    signals.asked_to_end().await;
    tokio::select! {
        () = app.shutdown() => {}
        // Whoever asks twice is in a hurry, and being killed is survived.
        () = signals.asked_to_end() => {}
    }
    Ok(())
}
