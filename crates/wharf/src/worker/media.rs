//! Gives up received files that can never come; removes files whose time is over, and files that nobody knows.

use std::time::Duration;

use wharf_core::media::{Error, fetch, keep};
use wharf_core::{Services, store};

pub(super) const PERIOD: Duration = Duration::from_mins(10);

pub(super) const LOST_PERIOD: Duration = Duration::from_secs(15);

pub(super) async fn lost(services: &Services) -> Result<(), store::Error> {
    fetch::give_up_lost(services).await
}

pub(super) async fn run(services: &Services) -> Result<(), store::Error> {
    let expired = quiet(keep::expire(services).await)?;
    let orphans = quiet(keep::sweep(services).await)?;
    if expired + orphans > 0 {
        tracing::info!(expired, orphans, "media were removed");
    }
    Ok(())
}

/// A file store that is away is asked again at the next run.
fn quiet(result: Result<u64, Error>) -> Result<u64, store::Error> {
    match result {
        Ok(count) => Ok(count),
        Err(Error::Store(error)) => Err(error),
        Err(error) => {
            tracing::warn!(%error, "media could not be swept");
            Ok(0)
        }
    }
}
