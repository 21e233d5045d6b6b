//! What the rules work with: one value for the whole process.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use wharf_api::limits;

use crate::account::laggards::Laggards;
use crate::audit::trail::Trail;
use crate::canary::counted::Canary;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::contact::cache::Cache as Contacts;
use crate::egress::Egress;
use crate::engine::Engine;
use crate::event::feed::Feeds;
use crate::key::cache::Cache as Keys;
use crate::limit::{self, shared::Shared};
use crate::login::doors::Doors;
use crate::media::arriving::Room;
use crate::media::files::Files;
use crate::media::gate::Gate;
use crate::message::outcomes::Outcomes;
use crate::meter::Meter;
use crate::others::way::{Alone, Others};
use crate::placement::moves::Moves;
use crate::readiness::Readiness;
use crate::seal::Seal;
use crate::steady::Steady;
use crate::store::Store;
use crate::switches::Switches;
use crate::update::asked::Updates;
use crate::usage::counter::Counter;
use crate::webhook::schedule::Schedule;

/// What no rule can do without. Who has no way out, or no place for files, says so: `NoEgress`, `NoFiles`.
pub struct Ports {
    pub store: Arc<dyn Store>,
    pub engine: Arc<dyn Engine>,
    pub egress: Arc<dyn Egress>,
    pub files: Arc<dyn Files>,
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<dyn Chance>,
    /// Shared with the engine, which reports here how each message ended.
    pub outcomes: Arc<Outcomes>,
    /// Seals what nobody may read in the database.
    pub seal: Seal,
    /// The world that the database belongs to.
    pub world: &'static str,
}

/// The ports, and the few caches that the rules keep.
pub struct Services {
    pub store: Arc<dyn Store>,
    pub engine: Arc<dyn Engine>,
    pub egress: Arc<dyn Egress>,
    pub files: Arc<dyn Files>,
    pub fetches: Gate,
    pub room: Room,
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<dyn Chance>,
    /// Shared with the engine, which reports here how each message ended.
    pub outcomes: Arc<Outcomes>,
    pub keys: Keys,
    pub contacts: Contacts,
    pub calls: limit::Calls,
    /// Where calls are counted by several nodes together; `None` where this one counts by itself.
    pub shared: Option<Arc<dyn Shared>>,
    pub floods: limit::Floods,
    pub doors: Doors,
    pub used: Counter,
    pub trail: Trail,
    /// Shared with store and engine; one of its own where nobody asks.
    pub meter: Arc<Meter>,
    pub readiness: Readiness,
    /// Shared with the engine; all on where nobody asks.
    pub switches: Arc<Switches>,
    /// No sessions, until somebody names some.
    pub canary: Canary,
    /// Nobody to ask, until somebody names whom.
    pub updates: Updates,
    /// Nobody, where no program knows of others.
    pub others: Arc<dyn Others>,
    /// How fast sessions are given to other nodes.
    pub moves: Moves,
    /// Of suspended accounts.
    pub laggards: Laggards,
    /// This node's id; nobody's, until the program names one.
    pub node: String,
    /// The name that the database had at the start; none, where nobody looks whether it is still the same.
    pub installation: String,
    /// The world that the database belongs to.
    pub world: &'static str,
    /// Nothing leaves the machine: a session may not have a proxy of its own.
    pub stays_on_loopback: bool,
    /// Believes every clock, until somebody says for how long a leap is doubted.
    pub steady: Steady,
    /// Seals what nobody may read in the database.
    pub seal: Seal,
    /// Whether payloads are sealed too: not while a node of a release that cannot read such rows has sessions.
    pub seals_payloads: AtomicBool,
    pub schedule: Schedule,
    /// What event streams share.
    pub feeds: Feeds,
}

impl Services {
    /// The services of a node that is alone, with everything switched on. What else its program knows it puts in afterwards.
    pub fn new(ports: Ports) -> Self {
        let Ports { store, engine, egress, files, clock, chance, outcomes, seal, world } = ports;
        Self {
            store,
            engine,
            egress,
            files,
            fetches: Gate::new(limits::MEDIA_FETCHES),
            room: Room::default(),
            clock,
            chance,
            outcomes,
            keys: Keys::default(),
            contacts: Contacts::default(),
            calls: limit::Calls::default(),
            shared: None,
            floods: limit::Floods::default(),
            doors: Doors::default(),
            used: Counter::default(),
            trail: Trail::default(),
            meter: Arc::default(),
            readiness: Readiness::default(),
            switches: Arc::default(),
            canary: Canary::default(),
            updates: Updates::default(),
            others: Arc::new(Alone),
            moves: Moves::default(),
            laggards: Laggards::default(),
            node: String::new(),
            installation: String::new(),
            world,
            stays_on_loopback: false,
            steady: Steady::default(),
            seal,
            seals_payloads: AtomicBool::new(true),
            schedule: Schedule::default(),
            feeds: Feeds::default(),
        }
    }
}
