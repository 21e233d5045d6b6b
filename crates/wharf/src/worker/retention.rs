//! Drops events that are older than their account's plan keeps them, with their deliveries, and webhooks whose session is gone.

use std::time::Duration;

use wharf_core::{Services, event, store, webhook};

pub(super) const PERIOD: Duration = Duration::from_hours(1);

pub(super) async fn run(services: &Services) -> Result<(), store::Error> {
    let dropped = event::expire(services).await?;
    webhook::sweep(services).await?;
    tracing::debug!(dropped, "old events were dropped");
    Ok(())
}
