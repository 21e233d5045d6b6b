//! Keeps this node's lease: as long as it lasts, no other node takes our sessions. Beside it stands which master keys this node knows.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use wharf_core::node::{self, KeysError};
use wharf_core::readiness::Part;
use wharf_core::seal::{Seal, Unfit};
use wharf_core::store::{self, DatabaseStore, NodeStore, OwnerStore};
use wharf_core::{Clock, Lease, Services};

use super::Workers;

const TTL_MS: i64 = 15_000;
const TTL: Duration = Duration::from_secs(15);
/// Five in a lease; and what keeps a node from writing is told well within ten seconds, the try itself included.
const PERIOD: Duration = Duration::from_secs(3);

/// Renews the lease, and tells the engine how long that is good. Tells whether every node reads sealed payloads.
pub async fn renew(store: &(impl OwnerStore + ?Sized), clock: &dyn Clock, node: &str, lease: &Lease) -> Result<bool, store::Error> {
    // Before the question: whatever it takes, the database counts from a later moment on.
    let asked = Instant::now();
    let renewed = store.renew_lease(node, clock.now(), TTL_MS).await?;
    if renewed.alone {
        lease.alone();
    } else {
        lease.renewed(asked, TTL);
    }
    Ok(renewed.all_read_sealed)
}

/// What this node told of its master keys, and what was said of them in its log.
#[derive(Default)]
pub struct Keys {
    told: Option<String>,
    unfit: Option<Unfit>,
}

impl Keys {
    /// Seals with the key that the database says.
    pub async fn follow<S>(&mut self, store: &S, seal: &Seal, node: &str) -> Result<(), KeysError>
    where
        S: DatabaseStore + NodeStore + Sync + ?Sized,
    {
        let before = self.told.clone();
        node::follow_keys(store, seal, node, &mut self.told).await?;
        if let (Some(_), Some(now)) = (&before, &self.told)
            && before != self.told
        {
            tracing::warn!(key = now, "the master key is being changed: from now on another key seals, and both open");
        }
        Ok(())
    }

    /// Has a node that runs follow the key. Where it does not know the key, what it seals could soon be opened by nobody: its lease is over,
    /// so that others run its sessions, and it is not ready.
    async fn heed(&mut self, services: &Services, node: &str, lease: &Lease) -> Result<(), store::Error> {
        let unfit = match self.follow(&*services.store, &services.seal, node).await {
            Ok(()) => None,
            Err(KeysError::Unfit(unfit)) => Some(unfit),
            Err(KeysError::Store(error)) => return Err(error),
        };
        if unfit.is_some() && !lease.is_over() {
            lease.renewed(Instant::now(), Duration::ZERO);
        }
        let news = services.readiness.found(Part::Seal, unfit.map(fault));
        match unfit {
            Some(unfit) if news => tracing::error!("not ready: {unfit}"),
            None if news => tracing::info!("ready again: the master key is one that this node knows"),
            _ => {}
        }
        self.unfit = unfit;
        Ok(())
    }

    /// Renews the lease of a node that knows the key.
    async fn renew(&mut self, services: &Services, node: &str, lease: &Lease) -> Result<(), store::Error> {
        if lease.is_over() {
            // The key may have been changed meanwhile. As long as it runs, a renewal waits for no look.
            self.heed(services, node, lease).await?;
        }
        if self.unfit.is_some() {
            // Its clients have had their margin to end: nobody waits for the rest of its term.
            return services.store.renew_lease(node, services.clock.now(), 0).await.map(drop);
        }
        let sealed = renew(&*services.store, &*services.clock, node, lease).await?;
        services.seals_payloads.store(sealed, Ordering::Relaxed);
        Ok(())
    }
}

fn fault(unfit: Unfit) -> &'static str {
    match unfit {
        Unfit::Another => "the database is sealed with a master key that this node does not know; the log says what to do",
        Unfit::Half => "the master key is being changed, and this node knows only one of the two; the log says what to do",
    }
}

pub fn start(services: &Arc<Services>, node: String, lease: &Arc<Lease>, keys: Keys) -> Workers {
    let workers = Workers::default();
    let (node, lease, keys): (Arc<str>, _, _) = (node.into(), Arc::clone(lease), Arc::new(Mutex::new(keys)));
    workers.every("the node's lease", PERIOD, services, move |services| {
        let (node, lease, keys) = (Arc::clone(&node), Arc::clone(&lease), Arc::clone(&keys));
        async move {
            let mut keys = keys.lock().await;
            services.readiness.writes();
            let outcome = keys.renew(&services, &node, &lease).await;
            services.readiness.wrote(&outcome);
            outcome?;
            keys.heed(&services, &node, &lease).await
        }
    });
    workers
}
