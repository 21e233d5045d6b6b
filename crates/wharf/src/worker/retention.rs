//! Drops events and messages that are older than their account's plan keeps them, with what hangs on them, and webhooks whose session is gone.

use std::time::Duration;

use wharf_core::message::retain;
use wharf_core::{Services, event, store, webhook};

pub(super) const PERIOD: Duration = Duration::from_hours(1);

pub(super) async fn run(services: &Services) -> Result<(), store::Error> {
    let dropped = event::expire(services).await?;
    webhook::sweep(services).await?;
    tracing::debug!(dropped, "old events were dropped");
    let removed = retain::expire(services).await?;
    if removed > 0 {
        tracing::info!(removed, "messages that are older than their plans keep them were removed");
    }
    Ok(())
}
