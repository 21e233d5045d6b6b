//! Reads the operator's switches, which may have been set on another node.

use std::time::Duration;

use wharf_core::{Services, store, switches};

/// One small query for the whole process; a switch is obeyed everywhere within this time.
pub(super) const PERIOD: Duration = Duration::from_secs(5);

pub(super) async fn run(services: &Services) -> Result<(), store::Error> {
    switches::refresh(&*services.store, &services.switches).await
}
