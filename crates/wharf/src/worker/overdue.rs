//! Fails messages whose time is over.

use std::time::Duration;

use wharf_core::{Services, message, store};

pub(super) const PERIOD: Duration = Duration::from_secs(30);

pub(super) async fn run(services: &Services) -> Result<(), store::Error> {
    let failed = message::overdue::fail_overdue(services).await?;
    if failed > 0 {
        tracing::warn!(failed, "messages were not acknowledged in time and have failed");
    }
    Ok(())
}
