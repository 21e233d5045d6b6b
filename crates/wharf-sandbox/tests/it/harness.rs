//! A world for one test: the pretend network and the gateway as real processes, on a database of its own.

pub mod api;
pub mod chance;
pub mod chaos;
pub mod checker;
pub mod database;
pub mod disk;
pub mod hook;
pub mod nats;
pub mod operator;
pub mod process;
pub mod readiness;
pub mod schema;
pub mod split;
pub mod talk;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

pub use api::{Api, Reply};
pub use chaos::Chaos;
pub use database::{Backend, Database};
pub use hook::{Got, Hook, Mode};
pub use process::Process;

/// How long a condition may take to come true before the test fails.
pub const PATIENCE: Duration = Duration::from_mins(1);

pub const OWNER: &str = "15550000001";
pub const ECHO: &str = "15550001001";
pub const SILENT: &str = "15550001002";
pub const READER: &str = "15550001003";
pub const ABSENT: &str = "15550009999";

/// How a gateway gets to its database.
#[derive(Clone, Copy)]
enum Way<'a> {
    Straight,
    /// By one that breaks on command.
    Breaks {
        node: Option<&'a str>,
    },
}

/// The pretend network, the gateway, and what they keep.
pub struct World {
    dir: PathBuf,
    database: Database,
    network: Process,
    gateway: Option<Process>,
    chaos: Option<Chaos>,
    /// A good key that the gateway has not seen since it started; only where there is a way that breaks.
    pub unseen_key: String,
}

impl World {
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[]).await
    }

    /// Starts with variables in the gateway's environment.
    pub async fn start_with(backend: Backend, env: &[(&str, &str)]) -> Self {
        Self::build(backend, env, &process::fresh_dir(), Way::Straight).await
    }

    /// Keeps everything in a folder of the test's choice.
    pub async fn start_in(backend: Backend, dir: &std::path::Path) -> Self {
        Self::build(backend, &[], dir, Way::Straight).await
    }

    /// The same with variables in the gateway's environment.
    pub async fn start_in_with(backend: Backend, dir: &std::path::Path, env: &[(&str, &str)]) -> Self {
        Self::build(backend, env, dir, Way::Straight).await
    }

    /// On PostgreSQL, over a way that breaks on command.
    pub async fn start_behind_chaos() -> Self {
        let mut world = Self::build(Backend::Postgres, &[], &process::fresh_dir(), Way::Breaks { node: None }).await;
        let made = world.api().post("/v1/api-keys", &json!({"name": "unseen", "permissions": ["account:read"]})).await;
        made.ok(201)["apiKey"].as_str().unwrap().clone_into(&mut world.unseen_key);
        world
    }

    /// The same for the first of several nodes, under a name that the database knows, with variables in its environment.
    pub async fn start_split(node: &str, env: &[(&str, &str)]) -> Self {
        Self::build(Backend::Postgres, env, &process::fresh_dir(), Way::Breaks { node: Some(node) }).await
    }

    /// Has the gateway log in to PostgreSQL as somebody who may do what it needs, and not all. Gives the name.
    pub async fn run_as_a_role_of_its_own(&mut self) -> String {
        self.database.log_in_as_another().await
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Has the phone of `from` write to `to`.
    pub async fn phone_sends(&self, from: &str, to: &str, text: &str) {
        let reply = self.control().post(&format!("/control/phones/{from}/send"), &json!({"to": to, "text": text})).await;
        assert!(reply.status < 300, "{reply:?}");
    }

    /// The way to the database.
    pub fn chaos(&self) -> &Chaos {
        self.chaos.as_ref().expect("a world behind chaos")
    }

    async fn build(backend: Backend, env: &[(&str, &str)], dir: &std::path::Path, way: Way<'_>) -> Self {
        let mut database = Database::create(backend, dir).await;
        let mut chaos = None;
        if let Way::Breaks { node } = way {
            let way = Chaos::start(database.address().await).await;
            database.lead_through(way.address, node);
            chaos = Some(way);
        }
        let dir = dir.to_owned();
        let sim_dir = dir.join("network");
        let network =
            Process::start(&process::program("wharf-sim"), &["--json", "--port", "0", "--data-dir", sim_dir.to_str().unwrap()], &[]).await;
        let mut world = Self { dir, database, network, gateway: None, chaos, unseen_key: String::new() };
        world.start_gateway(env).await;
        world
    }

    /// Starts the gateway again on the same data.
    pub async fn start_gateway(&mut self, env: &[(&str, &str)]) {
        self.start_gateway_at("0", env).await;
    }

    /// Starts a gateway that dies by itself, and waits until it has: perhaps before it was ready. Gives what it said.
    pub async fn start_gateway_to_its_death(&mut self, env: &[(&str, &str)]) -> String {
        match self.try_gateway("0", env).await {
            Ok(mut gateway) => {
                gateway.ended().await;
                gateway.log()
            }
            Err(said) => said,
        }
    }

    /// The same on a port that somebody knows.
    pub async fn start_gateway_at(&mut self, port: &str, env: &[(&str, &str)]) {
        let started = self.try_gateway(port, env).await;
        self.gateway = Some(started.unwrap_or_else(|output| panic!("the gateway did not start: {output}")));
    }

    async fn try_gateway(&self, port: &str, env: &[(&str, &str)]) -> Result<Process, String> {
        let data = self.dir.join("gateway");
        let mut args = vec!["--json", "--quiet", "--port", port, "--data-dir", data.to_str().unwrap()];
        let url = self.network.ready["url"].as_str().unwrap().to_owned();
        args.extend(["--network", &url]);
        if let Some(database) = self.database.url() {
            args.extend(["--database-url", database]);
        }
        Process::try_start(&process::program("wharf-sandbox"), &args, env).await
    }

    /// Starts another gateway on the same database and with the same keys, as another machine would.
    pub async fn another_node(&self, name: &str) -> Process {
        self.another_node_with(name, &[]).await
    }

    /// The same with variables in its environment.
    pub async fn another_node_with(&self, name: &str, env: &[(&str, &str)]) -> Process {
        let database = self.database.url().expect("a database that several may use");
        self.another_node_by(name, env, database).await
    }

    /// The same by a way of its own to the database.
    pub async fn another_node_by(&self, name: &str, env: &[(&str, &str)], database: &str) -> Process {
        let (first, data) = (self.dir.join("gateway"), self.dir.join(name));
        // A test may have put something there already.
        std::fs::create_dir_all(&data).unwrap();
        for file in ["master.key", "demo-keys.json"] {
            std::fs::copy(first.join(file), data.join(file)).unwrap();
        }
        let url = self.network.ready["url"].as_str().unwrap();
        let args = ["--json", "--quiet", "--port", "0", "--data-dir", data.to_str().unwrap(), "--network", url, "--database-url", database];
        Process::start(&process::program("wharf-sandbox"), &args, env).await
    }

    pub fn gateway(&mut self) -> &mut Process {
        self.gateway.as_mut().expect("the gateway runs")
    }

    /// What the gateway has said so far.
    pub fn log(&self) -> String {
        self.gateway.as_ref().expect("the gateway runs").log()
    }

    /// Kills the gateway as a power cut would.
    pub async fn kill_gateway(&mut self) {
        self.gateway.take().expect("the gateway runs").kill().await;
    }

    /// Asks the gateway to end, and waits until it has.
    pub async fn stop_gateway(&mut self) {
        self.gateway.take().expect("the gateway runs").terminate().await;
    }

    /// Everything that the database holds, as bytes in which a text would be found. Ends the gateway.
    pub async fn stored(&mut self) -> Vec<u8> {
        self.stop_gateway().await;
        self.database.stored(&self.dir.join("gateway")).await
    }

    pub fn dir(&self) -> &std::path::Path {
        &self.dir
    }

    /// The API with the demo key.
    pub fn api(&self) -> Api {
        let ready = &self.gateway.as_ref().expect("the gateway runs").ready;
        Api::new(ready["url"].as_str().unwrap(), ready["apiKey"].as_str().unwrap())
    }

    /// Puts the gateway's clock forward.
    pub async fn advance(&self, seconds: u64) {
        self.clock().post("", &json!({"advanceSeconds": seconds})).await.ok(200);
    }

    /// The gateway's clock.
    pub fn clock(&self) -> Api {
        Api::new(self.gateway.as_ref().expect("the gateway runs").ready["clockUrl"].as_str().unwrap(), "")
    }

    /// Where clients connect.
    pub fn network_url(&self) -> String {
        self.network.ready["url"].as_str().unwrap().to_owned()
    }

    /// The control API of the pretend network.
    pub fn control(&self) -> Api {
        Api::new(self.network.ready["controlUrl"].as_str().unwrap(), "")
    }

    /// Creates a session and has `owner` scan its code; answers its id once it is connected.
    pub async fn pair(&self, owner: &str) -> String {
        let created = self.api().post("/v1/sessions", &json!({"name": "test"})).await;
        assert_eq!(created.status, 201, "{created:?}");
        let session = created.data()["sessionId"].as_str().unwrap().to_owned();
        let qr = created.data()["qr"].as_str().unwrap_or_else(|| panic!("no QR code: {}", created.data()));
        self.scan(qr, owner).await;
        self.until_connected(&session).await;
        session
    }

    pub async fn scan(&self, qr: &str, owner: &str) {
        let scanned = self.control().post_text(&format!("/control/scan?phone={owner}"), qr).await;
        assert!(scanned.status < 300, "{scanned:?}");
    }

    pub async fn until_connected(&self, session: &str) {
        self.until_status(session, "connected").await;
    }

    pub async fn until_status(&self, session: &str, status: &str) {
        let api = self.api();
        eventually(&format!("the session is {status}"), async || {
            let shown = api.get(&format!("/v1/sessions/{session}")).await;
            (shown.data()["status"] == status).then_some(()).ok_or(format!("{shown:?}"))
        })
        .await;
    }

    /// What others wrote to `number`, as its phone really decrypted it.
    pub async fn ledger(&self, number: &str) -> Vec<Value> {
        let reply = self.control().get(&format!("/control/phones/{number}/messages")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let entries = reply.data().as_array().expect("a ledger").iter();
        entries.filter(|entry| entry["fromMe"] == false).cloned().collect()
    }

    pub async fn send(&self, session: &str, to: &str, text: &str) -> Reply {
        self.api().post("/v1/messages/text", &json!({"sessionId": session, "to": to, "text": text})).await
    }

    /// Waits until the message has the status.
    pub async fn until_message(&self, id: &str, status: &str) -> Value {
        let api = self.api();
        eventually(&format!("the message is {status}"), async || {
            let shown = api.get(&format!("/v1/messages/{id}")).await;
            (shown.data()["status"] == status).then(|| shown.data().clone()).ok_or(format!("{shown:?}"))
        })
        .await
    }
}

/// Asks until the answer is `Ok`, and fails the test with the last refusal when that takes too long.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, String>) -> T {
    let started = Instant::now();
    loop {
        match ask().await {
            Ok(value) => return value,
            Err(seen) if started.elapsed() > PATIENCE => panic!("not in {PATIENCE:?}: {what}; last seen: {seen}"),
            // A short pause between two looks at a condition; nothing is assumed to have happened during it.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Every member that is `wanted` is there with its value; what else is there does not matter.
pub fn assert_includes(found: &Value, wanted: &Value) {
    for (name, value) in wanted.as_object().expect("members are wanted") {
        assert_eq!(&found[name], value, "{name} of {found}");
    }
}

/// Writes a test once and runs it on both databases.
macro_rules! both_backends {
    ($($(#[$meta:meta])* async fn $name:ident($backend:ident) $body:block)+) => {
        $(
            mod $name {
                use super::*;
                async fn run($backend: $crate::harness::Backend) $body

                $(#[$meta])*
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn on_sqlite() {
                    run($crate::harness::Backend::Sqlite).await;
                }

                $(#[$meta])*
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn on_postgresql() {
                    run($crate::harness::Backend::Postgres).await;
                }
            }
        )+
    };
}
pub(crate) use both_backends;
