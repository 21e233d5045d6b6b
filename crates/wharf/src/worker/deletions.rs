//! Goes on with accounts that are being deleted.

use std::time::Duration;

use wharf_core::{Services, account, store};

/// One small query where none is.
pub(super) const PERIOD: Duration = Duration::from_secs(5);

pub(super) async fn run(services: &Services) -> Result<(), store::Error> {
    account::erase::go_on(services).await
}
