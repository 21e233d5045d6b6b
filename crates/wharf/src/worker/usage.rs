//! Writes down what was counted while calls were answered.

use std::time::Duration;

use wharf_core::{Services, store, usage};

pub(super) const PERIOD: Duration = Duration::from_secs(5);

pub(super) async fn run(services: &Services) -> Result<(), store::Error> {
    usage::flush(services).await
}
