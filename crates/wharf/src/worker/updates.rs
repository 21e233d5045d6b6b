//! Asks once a day which release is the newest, where the operator says whom to ask.

use std::time::Duration;

use wharf_core::{Services, store, update};

/// How often it is looked whether a day has passed.
pub(super) const PERIOD: Duration = Duration::from_secs(10);

pub(super) async fn run(services: &Services) -> Result<(), store::Error> {
    update::run(services).await
}
