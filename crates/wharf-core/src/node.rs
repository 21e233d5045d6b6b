//! The processes that share a database: what this one tells of itself, and who else is there.

use wharf_api::types::node::{Node, NodeStatus};

use crate::clock::Clock;
use crate::services::Services;
use crate::store::{self, NodeRow, NodeStore, Told};

/// A node that owns nothing is remembered for so long after its lease.
const FORGOTTEN_AFTER_MS: i64 = 24 * 60 * 60 * 1000;
/// More than a fleet has: the list is answered whole.
const SHOWN: u32 = 200;

/// Tells of a process that begins now. Its lease is there already.
pub async fn tell_begin(store: &(impl NodeStore + ?Sized), clock: &dyn Clock, node: &str) -> Result<Told, store::Error> {
    let told = Told { version: env!("CARGO_PKG_VERSION").to_owned(), since: clock.now(), draining: false };
    store.tell_node(node, &told).await?;
    Ok(told)
}

/// Tells that the process was asked to stop.
pub async fn tell_end(store: &(impl NodeStore + ?Sized), node: &str, told: &Told) -> Result<(), store::Error> {
    store.tell_node(node, &Told { draining: true, ..told.clone() }).await
}

/// All nodes, the one that answers first, then by their ids.
pub async fn list(services: &Services) -> Result<Vec<Node>, store::Error> {
    let rows = services.store.list_nodes(services.clock.now(), FORGOTTEN_AFTER_MS, SHOWN).await?;
    let mut nodes: Vec<_> = rows.into_iter().map(|row| shown(row, &services.node)).collect();
    nodes.sort_by(|a, b| b.current.cmp(&a.current).then_with(|| a.node_id.cmp(&b.node_id)));
    Ok(nodes)
}

fn shown(row: NodeRow, own: &str) -> Node {
    let draining = row.told.as_ref().is_some_and(|told| told.draining);
    let status = match (row.leased, draining) {
        (false, _) => NodeStatus::Gone,
        (true, true) => NodeStatus::Draining,
        (true, false) => NodeStatus::Working,
    };
    let (version, since) = row.told.map(|told| (told.version, told.since)).unzip();
    Node { current: row.id == own, node_id: row.id, status, version, since, lease_until: row.lease_until, sessions: row.sessions }
}
