//! Keeps this node's lease: as long as it lasts, no other node takes our sessions.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use wharf_core::store::{self, OwnerStore};
use wharf_core::{Clock, Services};

use super::Workers;

const TTL_MS: i64 = 15_000;
/// Five in a lease; and what keeps a node from writing is told well within ten seconds, the try itself included.
const PERIOD: Duration = Duration::from_secs(3);

/// Tells whether every node reads sealed payloads.
pub async fn renew(store: &(impl OwnerStore + ?Sized), clock: &dyn Clock, node: &str) -> Result<bool, store::Error> {
    store.renew_lease(node, clock.now(), TTL_MS).await
}

pub fn start(services: &Arc<Services>, node: String) -> Workers {
    let workers = Workers::default();
    let node: Arc<str> = node.into();
    workers.every("the node's lease", PERIOD, services, move |services| {
        let node = Arc::clone(&node);
        async move {
            services.readiness.writes();
            let outcome = renew(&*services.store, &*services.clock, &node).await.map(|sealed| {
                services.seals_payloads.store(sealed, Ordering::Relaxed);
            });
            services.readiness.wrote(&outcome);
            outcome
        }
    });
    workers
}
