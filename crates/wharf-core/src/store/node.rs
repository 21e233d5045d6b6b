//! Nodes as stored: beside the lease, what each tells of itself.

use async_trait::async_trait;
use wharf_api::Timestamp;

use super::Error;

/// What a node tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub version: String,
    /// When its process began.
    pub since: Timestamp,
    /// It was told to stop.
    pub draining: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRow {
    pub id: String,
    /// `None` where it is of a release that tells nothing.
    pub told: Option<Told>,
    pub lease_until: Timestamp,
    /// By the clock that leases are judged by.
    pub leased: bool,
    pub sessions: u64,
}

#[async_trait]
pub trait NodeStore {
    /// Writes beside the node's lease what it tells of itself. Without a lease nothing is written.
    async fn tell_node(&self, node: &str, told: &Told) -> Result<(), Error>;

    /// Writes beside the node's lease which master keys it knows, by their ids, and which one it seals with. Without a lease nothing is
    /// written.
    async fn tell_keys(&self, node: &str, knows: &[String], seals_with: &str) -> Result<(), Error>;

    /// Says of a node whether it is to have sessions; it says so itself when its process begins.
    async fn drain_node(&self, node: &str, draining: bool) -> Result<(), Error>;

    /// At most `limit` nodes, the longest lease first. One whose lease ended `forget_ms` or more before now, and that owns nothing, is left out.
    async fn list_nodes(&self, now: Timestamp, forget_ms: i64, limit: u32) -> Result<Vec<NodeRow>, Error>;
}
