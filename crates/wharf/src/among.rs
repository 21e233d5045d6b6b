//! This node among others: alone, or in a fleet where the configuration names a NATS server.

use std::sync::Arc;

use wharf_core::limit::shared::Shared;
use wharf_core::others::{Alone, Others};
use wharf_core::placement::{ByLoad, Placement};
use wharf_core::{Engine, Services};
use wharf_fleet::{Access, Fleet, JoinError, Membership, Own};

use crate::app::error::Error;
use crate::world::World;

/// The ports that know of other nodes, and what this node does for these. Dropping it ends that.
pub(crate) struct Among {
    pub engine: Arc<dyn Engine>,
    pub others: Arc<dyn Others>,
    pub limits: Option<Arc<dyn Shared>>,
    pub placement: Arc<dyn Placement>,
    membership: Option<Membership>,
}

impl Among {
    /// Without a server nothing stands between the rules and the node's own engine.
    pub async fn join(nats_url: Option<&str>, access: &Access, world: &World, own: Own<'_>) -> Result<Self, Error> {
        let Some(url) = nats_url else {
            access.check_unused().map_err(JoinError::from)?;
            let placement = Arc::new(ByLoad::new(own.node, own.store, own.clock));
            return Ok(Self { engine: own.engine, others: Arc::new(Alone), limits: None, placement, membership: None });
        };
        world.check_nats(url)?;
        let (fleet, membership) = Fleet::join(url, access, own).await?;
        let limits = Some(fleet.limits());
        Ok(Self { engine: fleet.clone(), others: fleet.clone(), limits, placement: fleet, membership: Some(membership) })
    }

    /// Begins to heed what other nodes tell.
    pub async fn heed(&mut self, services: &Arc<Services>) -> Result<(), JoinError> {
        match &mut self.membership {
            Some(membership) => membership.heed(services).await,
            None => Ok(()),
        }
    }
}
