//! Gives sessions to other nodes, where this one is to have none or has far more than its part.

use std::time::Duration;

/// One small query, where there are other nodes; an operator who says that a node is to have none sees it begin within this time.
pub(super) const PERIOD: Duration = Duration::from_secs(5);
