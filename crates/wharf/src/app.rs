//! The whole gateway, put together: the only place that knows all rooms.

pub(crate) mod error;
pub(crate) mod stop;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::task::JoinHandle;
use wharf_core::chance::SystemChance;
use wharf_core::limit::Calls;
use wharf_core::media::Files;
use wharf_core::message::outcomes::Outcomes;
use wharf_core::placement::Moves;
use wharf_core::readiness::Part;
use wharf_core::store::{DatabaseStore, Store, Told};
use wharf_core::update::Updates;
use wharf_core::{Chance, Clock, Lease, Meter, Ports, Services, Switches, audit, node, switches, usage};
use wharf_fleet::Own;
use wharf_store::{OpenError, SqlStore};
use wharf_wa::WaEngine;

use crate::among::Among;
use crate::config::Config;
use crate::egress::{Guard, Settings};
use crate::http::server::Server;
use crate::http::{self, Http};
use crate::identity;
use crate::machine;
use crate::media::LocalFiles;
use crate::media::bucket::BucketFiles;
use crate::partners;
use crate::worker::couriers::Couriers;
use crate::worker::fetches::Fetches;
use crate::worker::older_self::HighWater;
use crate::worker::{self, Workers};
use crate::world::World;

pub use error::Error;
pub use stop::STOP;

/// So long a stop tries to tell the other nodes.
const TELLING: Duration = Duration::from_secs(1);

/// Takes connections, by the socket that the service manager hands over or by one of our own.
async fn listen(address: SocketAddr, http: Arc<Http>, beside: Router) -> Result<Server, Error> {
    let opened = match machine::handed_over().map_err(Error::HandedOver)? {
        Some(listener) => Ok(listener),
        None => tokio::net::TcpListener::bind(address).await,
    };
    opened.and_then(|listener| Server::on(listener, http, beside)).map_err(|source| Error::Listen { address, source })
}

/// Opens the database. One of an older release is looked at before it is brought up to date, over a connection that no other start makes.
async fn open(config: &Config, world: &World, chance: &Arc<dyn Chance>, database: wharf_store::Config) -> Result<Arc<SqlStore>, Error> {
    match wharf_store::open(wharf_store::Config { updates: false, ..database.clone() }).await {
        Err(OpenError::Behind { .. }) => {}
        opened => return Ok(opened?),
    }
    partners::check_older(config, world, chance).await?;
    // Boxed: nearly no start comes here, and none needs the room for it.
    Ok(Box::pin(wharf_store::open(database)).await?)
}

/// Writes down that this process begins, and looks meanwhile at what sessions are bound by: the one waits for the disk, the other reads.
async fn begin(
    store: &SqlStore,
    clock: &dyn Clock,
    node: &str,
    mark: &HighWater,
    installation: &str,
    switches: &Switches,
) -> Result<Told, Error> {
    let looks = async {
        // Before a session could send with keys that were used.
        mark.look(store, installation).await?;
        // Before a session could connect it is known whether it may.
        switches::refresh(store, switches).await
    };
    let (told, looked) = tokio::join!(node::tell_begin(store, clock, node), looks);
    looked?;
    Ok(told?)
}

/// A gateway that runs.
pub struct App {
    services: Arc<Services>,
    store: Arc<SqlStore>,
    /// What other nodes ask of this one.
    among: Among,
    server: Server,
    workers: Workers,
    couriers: Couriers,
    fetches: Fetches,
    lease: Workers,
    /// What the others were told of this node.
    told: Told,
    mark: Workers,
    /// Starts the linked sessions, and later those that nobody runs.
    linked: JoinHandle<()>,
    /// Keeps the version of WhatsApp Web current.
    version: JoinHandle<()>,
}

impl App {
    /// Opens the database, listens, and lets the linked sessions connect one after the other.
    pub async fn start(config: Config, world: World, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        Self::start_beside(config, world, clock, Router::new()).await
    }

    /// Starts with routes of the program's own beside the API.
    pub async fn start_beside(config: Config, world: World, clock: Arc<dyn Clock>, beside: Router) -> Result<Self, Error> {
        world.check_build()?;
        let network = world.network()?;
        world.check_proxy(config.proxy.as_ref())?;
        world.check_collector(config.otlp.as_ref())?;
        let trust = config.trust().map_err(Error::ExtraRoot)?;
        let chance: Arc<dyn Chance> = Arc::new(SystemChance);
        identity::make_data_dir(&config.data_dir)?;
        let node = identity::node(&config.data_dir, &*chance)?;

        let meter: Arc<Meter> = Arc::default();
        let mut database = wharf_store::Config::new(config.database_url(), Arc::clone(&chance));
        database.meter = Arc::clone(&meter);
        let store = open(&config, &world, &chance, database).await?;
        world.check_database(&store.claim_world(world.name()).await?)?;
        partners::check_database(&config.data_dir, &*store, &*chance).await?;
        let seal = partners::seal(&config, &*store, &chance).await?;
        let key_files = identity::KeyFiles::of(&config, &seal);
        identity::tell_of_open_doors(&config);
        // Without a lease no session could be taken, so the first one comes before the engine.
        let (term, switches) = (Arc::<Lease>::default(), Arc::<Switches>::default());
        // While that waits for the disk, the way out to other servers is made.
        let out = async { Guard::new(&Settings { trust: trust.clone(), ..Settings::new(world.reach(config.reach)) }) };
        let (renewed, egress) = tokio::join!(worker::lease::renew(&*store, &*clock, &node, &term), out);
        let (seals_payloads, egress) = (renewed?, Arc::new(egress?));
        // Whoever changes the master key sees from now on what this node knows. A change that began a moment ago is heard here.
        let mut keys = worker::lease::Keys::default();
        keys.follow(&*store, &seal, &node).await?;
        let mark = HighWater::of(&config.data_dir);
        let installation = store.installation().await?.unwrap_or_default();
        let told = begin(&store, &*clock, &node, &mark, &installation, &switches).await?;

        let outcomes = Arc::new(Outcomes::default());
        let mut engine = wharf_wa::Config::new(node.clone(), seal.clone());
        engine.server_url = network;
        engine.trust = trust.clone();
        (engine.proxy, engine.device_name) = (config.proxy, config.device_name);
        engine.receive_statuses = config.receive_statuses;
        engine.version = config.whatsapp_version;
        engine.version_url = config.whatsapp_version_url;
        engine.announce_online = config.announce_online;
        engine.pace = config.pace;
        engine.meter = Arc::clone(&meter);
        (engine.switches, engine.lease) = (Arc::clone(&switches), Arc::clone(&term));
        let dynamic: Arc<dyn Store> = store.clone();
        let engine = WaEngine::new(engine, Arc::clone(&dynamic), Arc::clone(&clock), Arc::clone(&chance), Arc::clone(&outcomes))
            .map_err(|error| Error::Engine(error.into()))?;
        let folder = LocalFiles::open(config.data_dir.join("media"), config.media_floor_bytes)?;
        let files: Arc<dyn Files> = match &config.bucket {
            Some(bucket) => {
                world.check_bucket(&bucket.endpoint)?;
                Arc::new(BucketFiles::open(bucket, &trust, folder)?)
            }
            None => Arc::new(folder),
        };
        let calls = Calls::default();
        let own = Own {
            node: &node,
            folder: &config.data_dir.join("fleet"),
            engine: engine.clone(),
            store: Arc::clone(&dynamic),
            files: Arc::clone(&files),
            clock: Arc::clone(&clock),
            outcomes: Arc::clone(&outcomes),
            calls: calls.clone(),
            lease: Arc::clone(&term),
        };
        let mut among = Among::join(config.nats_url.as_deref(), &config.nats_access, &world, own).await?;
        let everywhere = Arc::clone(&among.engine);
        let out = Arc::<Guard>::clone(&egress);
        let ports = Ports { store: dynamic, engine: everywhere, egress: out, files, clock, chance, outcomes, seal, world: world.name() };
        let mut services = Services::new(ports);
        services.schedule = config.schedule;
        services.meter = meter;
        services.seals_payloads = seals_payloads.into();
        services.switches = switches;
        services.canary.sessions = config.canary;
        services.updates = Updates::of(config.updates);
        services.steady = wharf_core::steady::Steady::new(config.clock_doubt, services.store.clock_seen().await?);
        services.node.clone_from(&node);
        services.installation = installation;
        services.others = Arc::clone(&among.others);
        (services.calls, services.shared) = (calls, among.limits.clone());
        services.moves = Moves::new(config.moves_per_minute);
        services.stays_on_loopback = matches!(world, World::Sandbox { .. });
        let services = Arc::new(services);
        among.heed(&services).await?;

        let http = Http::new(Arc::clone(&services), with_files_to_spare(config.limits));
        let server = listen(config.listen, http, beside).await?;
        // Nobody waits for it here: by the first connection to the outside it is known what the machine says of such.
        drop(tokio::task::spawn_blocking(move || egress.prepare()));
        let version = tokio::spawn(engine.keep_version());
        let linked = tokio::spawn({
            let (engine, placement) = (Arc::clone(&engine), Arc::clone(&among.placement));
            async move { engine.keep_linked(&*placement).await }
        });
        let lease = worker::lease::start(&services, node.clone(), &term, keys);
        let mark = worker::older_self::start(&services, mark);
        let fetches = worker::fetches::start(&services, node.clone());
        let couriers = worker::couriers::start(&services, node);
        let workers = worker::start(&services, key_files);
        tracing::info!(address = %server.address(), world = world.name(), "the gateway is ready");
        Ok(Self { services, store, among, server, workers, couriers, fetches, lease, told, mark, linked, version })
    }

    /// Where the API is, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    pub fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// Stops in order: nothing new, what is being worked on, the sessions, the database. Takes [`STOP`] at the most.
    pub async fn shutdown(self) {
        let stop = async {
            self.services.moves.end();
            tokio::join!(self.server.stop(), tell_end(&self.store, &self.services.node, &self.told));
            self.linked.abort();
            self.version.abort();
            tokio::join!(self.workers.stop(), self.fetches.stop());
            flush(&self.services).await;
            self.among.engine.shutdown().await;
            // Until here other nodes had an answer.
            drop(self.among);
            // The sessions' last events have been written: what can still be delivered is.
            self.couriers.stop().await;
            // The lease outlives the sessions: whoever took them over earlier would fence their last words off.
            self.mark.stop().await;
            self.lease.stop().await;
            self.store.close().await;
        };
        if tokio::time::timeout(STOP, stop).await.is_err() {
            tracing::warn!("the stop took too long and was cut off");
        }
        tracing::info!("the gateway has stopped");
    }
}

/// Writes down what was counted last, unless the database is another one than at the start: it would stand in somebody else's.
async fn flush(services: &Services) {
    if services.readiness.of(Part::Same).is_some() {
        tracing::warn!("the usage of the last seconds is lost, and rows of the audit log: the database is another one than at the start");
        return;
    }
    if let Err(error) = usage::flush(services).await {
        tracing::warn!(%error, "the usage of the last seconds is lost");
    }
    if let Err(error) = audit::flush(services).await {
        tracing::warn!(%error, "rows of the audit log are lost");
    }
}

/// No stop waits for it long.
async fn tell_end(store: &SqlStore, own: &str, told: &Told) {
    match tokio::time::timeout(TELLING, node::tell_end(store, own, told)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the other nodes were not told of the stop"),
        Err(_) => tracing::warn!("the other nodes were not told of the stop in time"),
    }
}

/// The limits with no more connections than half of the files that may be open: sessions, readers and files need the others.
fn with_files_to_spare(limits: http::Limits) -> http::Limits {
    let files = machine::raise_open_files().ok().and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    http::Limits { connections: limits.connections.min((files / 2).max(1)), ..limits }
}
