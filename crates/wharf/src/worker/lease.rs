//! Keeps this node's lease: as long as it lasts, no other node takes our sessions. Beside it stands which master keys this node knows.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Mutex;
use wharf_core::node::{self, KeysError};
use wharf_core::seal::{Seal, Unfit};
use wharf_core::store::{self, AccountStore, NodeStore, OwnerStore};
use wharf_core::{Clock, Services};

use super::Workers;

const TTL_MS: i64 = 15_000;
/// Five in a lease; and what keeps a node from writing is told well within ten seconds, the try itself included.
const PERIOD: Duration = Duration::from_secs(3);

/// Tells whether every node reads sealed payloads.
pub async fn renew(store: &(impl OwnerStore + ?Sized), clock: &dyn Clock, node: &str) -> Result<bool, store::Error> {
    store.renew_lease(node, clock.now(), TTL_MS).await
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
        S: AccountStore + NodeStore + Sync + ?Sized,
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

    /// The same for a node that runs. One that does not know the key goes on with its own, is seen by whoever changes the key, and says so
    /// once.
    async fn heed(&mut self, services: &Services, node: &str) -> Result<(), store::Error> {
        let unfit = match self.follow(&*services.store, &services.seal, node).await {
            Ok(()) => None,
            Err(KeysError::Unfit(unfit)) => Some(unfit),
            Err(KeysError::Store(error)) => return Err(error),
        };
        if let Some(unfit) = unfit.filter(|unfit| self.unfit != Some(*unfit)) {
            tracing::error!("{unfit}");
        }
        self.unfit = unfit;
        Ok(())
    }
}

pub fn start(services: &Arc<Services>, node: String, keys: Keys) -> Workers {
    let workers = Workers::default();
    let (node, keys): (Arc<str>, _) = (node.into(), Arc::new(Mutex::new(keys)));
    workers.every("the node's lease", PERIOD, services, move |services| {
        let (node, keys) = (Arc::clone(&node), Arc::clone(&keys));
        async move {
            services.readiness.writes();
            let outcome = renew(&*services.store, &*services.clock, &node).await.map(|sealed| {
                services.seals_payloads.store(sealed, Ordering::Relaxed);
            });
            services.readiness.wrote(&outcome);
            outcome?;
            keys.lock().await.heed(&services, &node).await
        }
    });
    workers
}
