//! Keeps this node's lease: as long as it lasts, no other node takes our sessions. Beside it stands which master keys this node knows. What
//! makes the node unfit is found here, and ends the lease.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use wharf_core::door::Misfit;
use wharf_core::node::{self, KeysError};
use wharf_core::readiness::Part;
use wharf_core::seal::Seal;
use wharf_core::store::{self, DatabaseStore, NodeStore, OwnerStore};
use wharf_core::{Clock, Lease, Services};

use super::Workers;

const TTL: Duration = Duration::from_secs(15);
/// Five in a lease; and what keeps a node from writing is told well within ten seconds, the try itself included.
const PERIOD: Duration = Duration::from_secs(3);
/// So long after it asked for a good renewal no change was missed: as long as the lease lasts in the database, and some seconds less.
const HEEDED: Duration = Duration::from_secs(12);

/// Renews the lease, and tells the engine how long that is good. Tells whether every node reads sealed payloads.
pub async fn renew(store: &(impl OwnerStore + ?Sized), clock: &dyn Clock, node: &str, lease: &Lease) -> Result<bool, store::Error> {
    // Before the question: whatever it takes, the database counts from a later moment on.
    let asked = Instant::now();
    let ttl_ms = i64::try_from(TTL.as_millis()).unwrap_or(i64::MAX);
    let renewed = store.renew_lease(node, clock.now(), ttl_ms).await?;
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
    misfit: Option<Misfit>,
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

    /// Has a node that runs follow the key. Where it does not know the key, what it seals could soon be opened by nobody, and into another
    /// database it writes what nobody looks for: its lease is over, so that others run its sessions, and its door is shut.
    async fn heed(&mut self, services: &Services, node: &str, lease: &Lease) -> Result<(), store::Error> {
        let misfit = self.misfit(services, node).await?;
        if misfit.is_some() && !lease.is_over() {
            lease.renewed(Instant::now(), Duration::ZERO);
        }
        let fault = |part: Part| misfit.filter(|misfit| misfit.part() == part).map(Misfit::fault);
        let news = [Part::Same, Part::Seal].map(|part| services.readiness.found(part, fault(part))).contains(&true);
        match misfit {
            Some(misfit) if news => tracing::error!("not ready: {misfit}"),
            None if news => tracing::info!("ready again: the database and its master key are ones that this node knows"),
            _ => {}
        }
        self.misfit = misfit;
        Ok(())
    }

    async fn misfit(&mut self, services: &Services, node: &str) -> Result<Option<Misfit>, store::Error> {
        if !services.store.is_still(&services.installation).await? {
            return Ok(Some(Misfit::Database));
        }
        match self.follow(&*services.store, &services.seal, node).await {
            Ok(()) => Ok(None),
            Err(KeysError::Unfit(unfit)) => Ok(Some(Misfit::Key(unfit))),
            Err(KeysError::Store(error)) => Err(error),
        }
    }

    /// Renews the lease of a node that is fit.
    async fn renew(&mut self, services: &Services, node: &str, lease: &Lease) -> Result<(), store::Error> {
        if lease.is_over() {
            // The key may have been changed meanwhile. As long as it runs, a renewal waits for no look.
            self.heed(services, node, lease).await?;
        }
        match self.misfit {
            // Its clients have had their margin to end: nobody waits for the rest of its term.
            Some(Misfit::Key(_)) => return services.store.renew_lease(node, services.clock.now(), 0).await.map(drop),
            // Nothing of ours belongs into it.
            Some(Misfit::Database) => return Ok(()),
            None => {}
        }
        let sealed = renew(&*services.store, &*services.clock, node, lease).await?;
        services.seals_payloads.store(sealed, Ordering::Relaxed);
        Ok(())
    }
}

pub fn start(services: &Arc<Services>, node: String, lease: &Arc<Lease>, keys: Keys) -> Workers {
    let workers = Workers::default();
    let (node, lease, keys): (Arc<str>, _, _) = (node.into(), Arc::clone(lease), Arc::new(Mutex::new(keys)));
    workers.every("the node's lease", PERIOD, services, move |services| {
        let (node, lease, keys) = (Arc::clone(&node), Arc::clone(&lease), Arc::clone(&keys));
        async move {
            let mut keys = keys.lock().await;
            let asked = Instant::now();
            services.readiness.writes();
            let outcome = keys.renew(&services, &node, &lease).await;
            services.readiness.wrote(&outcome);
            outcome?;
            keys.heed(&services, &node, &lease).await?;
            if keys.misfit.is_none() {
                services.readiness.heeded(asked + HEEDED);
            }
            Ok(())
        }
    });
    workers
}
