//! What the health checks say when all is well.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `ok`, `ready`, or `degraded` where the node works without NATS.
    pub status: String,
}
