//! Keeps this node's lease: as long as it lasts, no other node takes our sessions.

use std::sync::Arc;
use std::time::Duration;

use wharf_core::store::{self, OwnerStore};
use wharf_core::{Clock, Services};

use super::Workers;

const TTL_MS: i64 = 15_000;
const PERIOD: Duration = Duration::from_secs(5);

pub async fn renew(store: &(impl OwnerStore + ?Sized), clock: &dyn Clock, node: &str) -> Result<(), store::Error> {
    store.renew_lease(node, clock.now(), TTL_MS).await
}

pub fn start(services: &Arc<Services>, node: String) -> Workers {
    let workers = Workers::default();
    let node: Arc<str> = node.into();
    workers.every("the node's lease", PERIOD, services, move |services| {
        let node = Arc::clone(&node);
        async move {
            let outcome = renew(&*services.store, &*services.clock, &node).await;
            services.readiness.wrote(&outcome);
            outcome
        }
    });
    workers
}
