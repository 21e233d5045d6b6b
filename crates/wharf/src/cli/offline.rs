//! The rules on the database alone, for commands that run while no gateway does.

use std::sync::Arc;

use anyhow::{Context, bail};
use async_trait::async_trait;
use tokio::sync::watch;
use wharf_api::ids::{AccountId, SessionId};
use wharf_api::types::session::SessionStatus;
use wharf_api::{Recipient, Timestamp};
use wharf_core::chance::SystemChance;
use wharf_core::clock::SystemClock;
use wharf_core::egress::NoEgress;
use wharf_core::engine::{Composed, Draft, Error, GroupEngine, Link, PairCode, PeopleEngine, Registration};
use wharf_core::media::NoFiles;
use wharf_core::seal::Seal;
use wharf_core::store::DatabaseStore;
use wharf_core::{Chance, Engine, Ports, Services};
use wharf_store::{OpenError, SqlStore};

use crate::config::Config;
use crate::identity;
use crate::partners;
use crate::world::World;

/// Opens the configuration's database without a way to WhatsApp. The store is there to be closed.
pub(super) async fn open(config: &Config) -> anyhow::Result<(Services, Arc<SqlStore>)> {
    identity::make_data_dir(&config.data_dir)?;
    let chance: Arc<dyn Chance> = Arc::new(SystemChance);
    // A command that is about rows leaves the schema as it is.
    let database = wharf_store::Config { updates: false, ..wharf_store::Config::new(config.database_url(), chance.clone()) };
    let store = match wharf_store::open(database).await {
        Ok(store) => store,
        Err(OpenError::Behind { found, own }) => bail!(
            "the database is at migration {found}, and this release needs {own}: `wharf migrate` brings it up to date, and so does the \
             gateway's start"
        ),
        Err(OpenError::InUse(path)) => bail!(
            "{} is in use: a gateway runs on it.\n\
             Ask that gateway instead, with a key that may (keys:manage):\n\n    \
             curl -X POST http://{}/v1/api-keys -H 'Authorization: Bearer KEY' \\\n      \
             -H 'Content-Type: application/json' -d '{{\"name\": \"…\", \"permissions\": [\"messages:send\"]}}'\n\n\
             Or stop it, run this command again, and start it: its sessions keep their links.",
            path.display(),
            config.listen,
        ),
        Err(error) => return Err(error).context("the database cannot be opened"),
    };
    World::Production.check_database(&store.claim_world(World::Production.name()).await?)?;
    partners::check_database(&config.data_dir, &*store, &*chance).await?;
    let services = Services::new(Ports {
        store: store.clone(),
        engine: Arc::new(NoEngine),
        egress: Arc::new(NoEgress),
        files: Arc::new(NoFiles),
        clock: Arc::new(SystemClock),
        chance: Arc::clone(&chance),
        outcomes: Arc::default(),
        seal: Seal::none(chance),
        world: World::Production.name(),
    });
    Ok((services, store))
}

/// Stands where the engine would: no session runs.
struct NoEngine;

impl GroupEngine for NoEngine {}
impl PeopleEngine for NoEngine {}

#[async_trait]
impl Engine for NoEngine {
    async fn start(&self, _: &SessionId) -> Result<watch::Receiver<Link>, Error> {
        Err(Error::NotConnected)
    }

    fn link(&self, _: &SessionId) -> Option<watch::Receiver<Link>> {
        None
    }

    async fn restart(&self, _: &SessionId) -> Result<watch::Receiver<Link>, Error> {
        Err(Error::NotConnected)
    }

    async fn stop(&self, _: &SessionId) -> Result<(), Error> {
        Ok(())
    }

    async fn logout(&self, _: &SessionId) -> Result<(), Error> {
        Err(Error::NotConnected)
    }

    async fn pairing_code(&self, _: &SessionId, _: &str) -> Result<PairCode, Error> {
        Err(Error::NotConnected)
    }

    async fn registrations(&self, _: &SessionId, _: &[String]) -> Result<Vec<Registration>, Error> {
        Err(Error::NotConnected)
    }

    fn compose(&self, _: &str, _: &Recipient, _: &Draft, _: Timestamp) -> Composed {
        unreachable!("nothing is sent without a session that runs")
    }

    fn last_seen(&self, _: &SessionId) -> Option<Timestamp> {
        None
    }

    fn statuses(&self) -> Vec<SessionStatus> {
        Vec::new()
    }

    fn wake(&self, _: &AccountId, _: &SessionId) {}

    async fn shutdown(&self) {}
}
