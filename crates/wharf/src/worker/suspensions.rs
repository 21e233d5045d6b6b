//! Ends the sessions of accounts that are suspended, where this node has them.

use std::time::Duration;

use wharf_core::{Services, account, store};

/// One small query where no account is; within this time a node hears of what was suspended on another.
pub(super) const PERIOD: Duration = Duration::from_secs(5);

pub(super) async fn run(services: &Services) -> Result<(), store::Error> {
    account::suspend::rest(services).await
}
