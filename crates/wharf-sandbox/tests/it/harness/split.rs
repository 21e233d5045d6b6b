//! Three gateways each of which has its own way to PostgreSQL and to NATS, which break on command; and a witness in the database that
//! notes each key that a node writes for a session of another one.

use std::cell::Cell;
use std::path::Path;

use futures::future::join_all;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::chaos::Way;
use super::nats::{self, Fleet, Nats};
use super::talk::Talk;
use super::{Api, Chaos, Process, World, eventually};

/// How the database knows the nodes, in their order.
const NAMES: [&str; 3] = ["first", "second", "third"];

/// The names are the database's; a key is written under the fence of its session, so that no other node takes it before the commit.
const WITNESS: &str = "
    CREATE TABLE rig_nodes (name TEXT PRIMARY KEY, id TEXT NOT NULL);
    CREATE TABLE rig_writes (name TEXT NOT NULL, session_id TEXT NOT NULL, stale BOOLEAN NOT NULL);
    CREATE TABLE rig_epochs (session_id TEXT NOT NULL, former BIGINT NOT NULL, epoch BIGINT NOT NULL);
    CREATE FUNCTION rig_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO rig_writes SELECT n.name, o.session_id, o.node IS DISTINCT FROM n.id FROM session_owner o, rig_nodes n
            WHERE o.session_id = NEW.session_id AND n.name = current_setting('wharf.node', true);
        RETURN NULL;
    END $$;
    CREATE FUNCTION rig_epoch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO rig_epochs VALUES (NEW.session_id, OLD.epoch, NEW.epoch);
        RETURN NULL;
    END $$;
    CREATE TRIGGER rig_write AFTER INSERT OR UPDATE ON vault FOR EACH ROW EXECUTE FUNCTION rig_write();
    CREATE TRIGGER rig_epoch AFTER UPDATE OF epoch ON session_owner FOR EACH ROW EXECUTE FUNCTION rig_epoch()";

pub struct Split {
    pub fleet: Fleet,
    /// The ways of the second and the third; the first has the world's.
    databases: [Chaos; 2],
    buses: [Chaos; 3],
    /// What stands in the environment of all.
    env: Vec<(String, String)>,
}

impl Split {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With variables in the environment of all.
    pub async fn start_with(env: &[(&str, &str)]) -> Self {
        Self::start_ahead(env, 0).await
    }

    /// The same with the third's clock ahead by so many milliseconds; below zero it is late.
    pub async fn start_ahead(env: &[(&str, &str)], ahead_ms: i64) -> Self {
        let nats = Nats::start().await;
        let buses = [Chaos::start(nats.address()).await, Chaos::start(nats.address()).await, Chaos::start(nats.address()).await];
        let env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let url = url(&buses[0]);
        let world = World::start_split(NAMES[0], &with(&env, &url)).await;
        let server = world.database().server().await;
        let databases = [Chaos::start(server).await, Chaos::start(server).await];
        if ahead_ms != 0 {
            set_clock(&world.dir().join(NAMES[2]), ahead_ms);
        }
        let second = begin(&world, NAMES[1], &env, &databases[0], &buses[1]).await;
        let third = begin(&world, NAMES[2], &env, &databases[1], &buses[2]).await;
        let split = Self { fleet: Fleet { world, second, third, nats }, databases, buses, env };
        split.until_whole().await;
        split.execute(WITNESS).await;
        for (node, name) in NAMES.iter().enumerate() {
            split.execute(&format!("INSERT INTO rig_nodes VALUES ('{name}', '{}')", split.id(node))).await;
        }
        split
    }

    /// Starts the second or the third once more, after its end.
    pub async fn start_again(&mut self, node: usize) {
        let ended = if node == 1 { &mut self.fleet.second } else { &mut self.fleet.third };
        ended.ended().await;
        let again = begin(&self.fleet.world, NAMES[node], &self.env, &self.databases[node - 1], &self.buses[node]).await;
        *(if node == 1 { &mut self.fleet.second } else { &mut self.fleet.third }) = again;
    }

    /// Asks a node to end and starts it once more, both in order, while all talk at all nodes without a pause.
    pub async fn restart_under(&mut self, node: usize, talks: &mut [Talk]) {
        let nodes = self.nodes();
        let Self { fleet: Fleet { world, second, third, .. }, databases, buses, env } = self;
        let (env, bus, done) = (&*env, &buses[node], Cell::new(false));
        let mut first = if node == 0 { world.gateway.take() } else { None };
        let there = &*world;
        let ended = match node {
            0 => first.as_mut().expect("the gateway runs"),
            1 => second,
            _ => third,
        };
        let restart = async {
            ended.end().await;
            *ended = if node == 0 {
                let again = there.try_gateway("0", &with(env, &url(bus))).await;
                again.unwrap_or_else(|output| panic!("the gateway did not start: {output}"))
            } else {
                begin(there, NAMES[node], env, &databases[node - 1], bus).await
            };
            done.set(true);
        };
        let load = async {
            let mut round = 0;
            while !done.get() {
                round += 1;
                talk_all(there, &nodes, talks, &format!("restart-{node}-{round}")).await;
            }
        };
        tokio::join!(restart, load);
        if node == 0 {
            world.gateway = first;
        }
    }

    pub fn world(&self) -> &World {
        &self.fleet.world
    }

    async fn execute(&self, sql: &str) {
        self.world().database().execute(self.world().dir(), sql).await;
    }

    async fn count(&self, sql: &str) -> i64 {
        self.world().database().count(self.world().dir(), sql).await
    }

    /// The API by each of the nodes.
    pub fn nodes(&self) -> [Api; 3] {
        [self.world().api(), nats::api(&self.fleet.second), nats::api(&self.fleet.third)]
    }

    /// The way of a node to PostgreSQL.
    pub fn database(&self, node: usize) -> &Chaos {
        node.checked_sub(1).map_or_else(|| self.world().chaos(), |other| &self.databases[other])
    }

    /// The way of a node to NATS.
    pub fn bus(&self, node: usize) -> &Chaos {
        &self.buses[node]
    }

    /// Opens all ways.
    pub fn heal(&self) {
        for node in 0..NAMES.len() {
            self.database(node).make(Way::Open);
            self.bus(node).make(Way::Open);
        }
    }

    /// The second or the third.
    pub fn process(&self, node: usize) -> &Process {
        match node {
            1 => &self.fleet.second,
            2 => &self.fleet.third,
            _ => panic!("the first is the world's"),
        }
    }

    /// Freezes the second or the third, or has it go on.
    pub fn signal(&self, node: usize, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.process(node).id()).unwrap()), signal).unwrap();
    }

    /// The id of a node, as the others know it.
    pub fn id(&self, node: usize) -> String {
        let folder = if node == 0 { "gateway" } else { NAMES[node] };
        std::fs::read_to_string(self.world().dir().join(folder).join("node-id")).unwrap().trim().to_owned()
    }

    /// Creates a session at a node and has `owner` scan its code; answers its id once it is connected there.
    pub async fn pair_at(&self, node: usize, owner: &str) -> String {
        let api = &self.nodes()[node];
        let created = api.post("/v1/sessions", &json!({"name": "test"})).await;
        let session = created.ok(201)["sessionId"].as_str().unwrap().to_owned();
        self.world().scan(created.data()["qr"].as_str().expect("a code"), owner).await;
        crate::fleet::until(api, &session, "connected").await;
        session
    }

    /// Waits until all nodes are ready and talk with each other.
    pub async fn until_whole(&self) {
        self.fleet.until_whole().await;
    }

    /// Fails where a node wrote a key of a session that was another node's, or where an epoch fell. Tells how many keys were written and how
    /// often sessions were taken.
    pub async fn is_fenced(&self) -> (i64, i64) {
        assert_eq!(self.count("SELECT COUNT(*) FROM rig_writes WHERE stale").await, 0, "a node wrote for a session that was not its own");
        assert_eq!(self.count("SELECT COUNT(*) FROM rig_epochs WHERE epoch <= former").await, 0, "an epoch fell");
        let writes = self.count("SELECT COUNT(*) FROM rig_writes").await;
        assert!(writes > 0, "the witness saw nothing");
        (writes, self.takes().await)
    }

    /// Waits until a session was taken once more than so often. What is shown of one is its owner's last word for a while.
    pub async fn until_taken(&self, before: i64) {
        eventually("another node has the session", async || {
            let takes = self.takes().await;
            (takes > before).then_some(()).ok_or(format!("{takes}"))
        })
        .await;
    }

    /// How often sessions were taken so far.
    pub async fn takes(&self) -> i64 {
        self.count("SELECT COUNT(*) FROM rig_epochs").await
    }

    pub async fn end(self) {
        self.fleet.end().await;
    }
}

/// A few texts each way of all at the same time.
async fn talk_all(world: &World, nodes: &[Api], talks: &mut [Talk], name: &str) {
    let loads = talks.iter_mut().enumerate().map(|(part, talk)| async move {
        talk.load(world, nodes, &format!("{name}-{part}"), 4, 4).await;
    });
    join_all(loads).await;
}

fn url(bus: &Chaos) -> String {
    format!("nats://{}", bus.address)
}

fn with<'a>(env: &'a [(String, String)], nats: &'a str) -> Vec<(&'a str, &'a str)> {
    let all = env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    all.chain([("WHARF_NATS_URL", nats)]).collect()
}

async fn begin(world: &World, name: &str, env: &[(String, String)], database: &Chaos, bus: &Chaos) -> Process {
    let (led, url) = (world.database().led_through(database.address, Some(name)), url(bus));
    world.another_node_by(name, &with(env, &url), &led).await
}

fn set_clock(folder: &Path, ahead_ms: i64) {
    std::fs::create_dir(folder).unwrap();
    std::fs::write(folder.join("clock-ahead-ms"), ahead_ms.to_string()).unwrap();
}
