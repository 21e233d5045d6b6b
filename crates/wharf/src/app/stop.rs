//! How long a stop may take.

use std::time::Duration;

/// The longest that a stop may take; after that the process ends as if it were killed, which it must survive anyway.
pub const STOP: Duration = Duration::from_secs(25);
