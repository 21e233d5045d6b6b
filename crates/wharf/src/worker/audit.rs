//! Writes down which keys were refused, and drops what is too old.

use std::time::Duration;

use wharf_core::{Services, audit, store};

pub(super) const PERIOD: Duration = Duration::from_secs(10);

pub(super) async fn run(services: &Services) -> Result<(), store::Error> {
    audit::flush(services).await
}
