//! Drops idempotency keys that may be used anew, keys that ended long ago, log-ins that are over, and rows of the audit log that are too
//! old.

use std::time::Duration;

use wharf_core::{Services, audit, key, login, store};

pub(super) const PERIOD: Duration = Duration::from_hours(1);

pub(super) async fn run(services: &Services) -> Result<(), store::Error> {
    let now = services.clock.now();
    if !services.steady.believes(now) {
        return Ok(());
    }
    let dropped = services.store.expire_idempotency(now).await?;
    tracing::debug!(dropped, "expired idempotency keys were dropped");
    key::drop_ended(services).await?;
    login::expire(services).await?;
    audit::expire(services).await
}
