//! `wharf serve`.

use std::sync::Arc;

use anyhow::{Context, bail};
use tokio::time::Instant;
use wharf_core::clock::SystemClock;

use crate::app::{App, STOP};
use crate::config::Config;
use crate::traces::Traces;
use crate::world::World;
use crate::{log, machine};

pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    // A setting with a slip in its name is not in force, and nobody would notice.
    let strange = Config::strange_variables();
    if !strange.is_empty() {
        bail!("{}", strange.join("\n       "));
    }
    let traces = Traces::of(&config)?;
    let _log = log::init(&config.log, traces.as_ref()).context("log.filter cannot be read")?;
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
    let stop = async {
        let asked = Instant::now();
        app.shutdown().await;
        if let Some(traces) = traces {
            traces.end(STOP.saturating_sub(asked.elapsed())).await;
        }
    };
    tokio::select! {
        () = stop => {}
        // Whoever asks twice is in a hurry, and being killed is survived.
        () = signals.asked_to_end() => {}
    }
    Ok(())
}
