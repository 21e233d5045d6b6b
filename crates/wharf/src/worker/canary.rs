//! Has the canary sessions write to each other when it is time.

use std::time::Duration;

use wharf_core::{Services, canary, store};

/// How often it is looked whether a step is due.
pub(super) const PERIOD: Duration = Duration::from_secs(5);

pub(super) async fn run(services: &Services) -> Result<(), store::Error> {
    canary::run(services).await
}
