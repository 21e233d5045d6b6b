//! A gateway for one test: the HTTP layer on a socket, SQLite in a folder of its own, an engine that plays along.

pub mod client;
pub mod engine;
pub mod requests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use wharf::egress::{Guard, Settings};
use wharf::http::server::Server;
use wharf::http::{Http, Limits};
use wharf::media::LocalFiles;
use wharf_api::ids::{AccountId, SessionId};
use wharf_api::{Permission, Timestamp};
use wharf_core::chance::SystemChance;
use wharf_core::clock::SystemClock;
use wharf_core::egress::{Egress, Reach};
use wharf_core::key::NewKey;
use wharf_core::seal::Seal;
use wharf_core::store::{Plan, Store, Told};
use wharf_core::{Chance, Clock, Ports, Services, account, key};
use wharf_store::SqlStore;

pub use client::{Ask, Reply};
pub use engine::FakeEngine;

/// The node that has a lease in every gateway's database.
pub const NODE: &str = "node_00000000000000000000000000000001";

pub struct Gateway {
    pub services: Arc<Services>,
    pub store: Arc<SqlStore>,
    pub engine: Arc<FakeEngine>,
    pub http: Arc<Http>,
    pub server: Option<Server>,
    pub address: SocketAddr,
    pub account: AccountId,
    /// A key that may do everything.
    pub key: String,
    pub dir: PathBuf,
    clock: Arc<ForwardClock>,
}

impl Gateway {
    pub async fn start() -> Self {
        Self::start_with(Limits::default()).await
    }

    pub async fn start_with(limits: Limits) -> Self {
        Self::start_guarded(limits, Guard::new(&Settings::new(Reach::Loopback)).unwrap()).await
    }

    /// With a guard of the test's own on the way out.
    pub async fn start_guarded(limits: Limits, egress: impl Egress) -> Self {
        Self::start_set(limits, egress, |_| {}).await
    }

    /// With what the test sets of the services before anybody has them.
    pub async fn start_set(limits: Limits, egress: impl Egress, set: impl FnOnce(&mut Services)) -> Self {
        let chance: Arc<dyn Chance> = Arc::new(SystemChance);
        let dir = std::env::temp_dir().join(format!("wharf-http-{}", chance.uuid().simple()));
        std::fs::create_dir_all(&dir).unwrap();
        let url = format!("sqlite://{}", dir.join("wharf.sqlite").display());
        let opened = wharf_store::open(wharf_store::Config::new(url, Arc::clone(&chance))).await.unwrap();
        let store: Arc<dyn Store> = opened.clone();
        let outcomes = Arc::default();
        let engine = Arc::new(FakeEngine::new(Arc::clone(&store), Arc::clone(&outcomes)));
        let files = LocalFiles::open(dir.join("media"), 0).unwrap();
        let seal = Seal::new(&[7; 32], Arc::clone(&chance));
        let clock = Arc::new(ForwardClock::default());
        let mut services = Services::new(Ports {
            store,
            engine: engine.clone(),
            egress: Arc::new(egress),
            files: Arc::new(files),
            clock: clock.clone(),
            chance,
            outcomes,
            seal,
            world: "production",
        });
        set(&mut services);
        let services = Arc::new(services);
        let now = services.clock.now();
        services.store.renew_lease(NODE, now, 24 * 60 * 60 * 1000).await.unwrap();
        let told = Told { version: "0.0.0".to_owned(), since: now, draining: false };
        services.store.tell_node(NODE, &told).await.unwrap();
        let account = account::find_or_create(&services, "tenant", "enterprise").await.unwrap();
        let http = Http::new(Arc::clone(&services), limits);
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), Arc::clone(&http)).await.unwrap();
        let address = server.address();
        let mut gateway =
            Self { services, store: opened, engine, http, server: Some(server), address, account, key: String::new(), dir, clock };
        gateway.key = gateway.make_key(Permission::ALL, None).await;
        gateway
    }

    pub async fn make_key(&self, permissions: &[Permission], expires_at: Option<Timestamp>) -> String {
        self.make_key_of(self.account.clone(), permissions, expires_at, None).await
    }

    pub async fn make_key_of(
        &self,
        account: AccountId,
        permissions: &[Permission],
        expires_at: Option<Timestamp>,
        sessions: Option<Vec<SessionId>>,
    ) -> String {
        let new = NewKey { account, name: "test".into(), permissions: permissions.to_vec(), expires_at, sessions, operator: false };
        key::create(&self.services, new).await.unwrap().1.reveal().to_owned()
    }

    /// A key that may do everything in an account of its own, on a plan that is the widest but for what `narrow` makes of it.
    pub async fn key_on(&self, name: &str, narrow: impl FnOnce(&mut Plan)) -> String {
        let mut plan = self.services.store.find_account(&self.account).await.unwrap().unwrap().plan;
        name.clone_into(&mut plan.name);
        narrow(&mut plan);
        account::put_plan(&self.services, &plan).await.unwrap();
        let account = account::find_or_create(&self.services, name, name).await.unwrap();
        self.make_key_of(account, Permission::ALL, None, None).await
    }

    /// A key that may do everything, an operator's things included.
    pub async fn make_operator_key(&self) -> String {
        let (account, permissions) = (self.account.clone(), Permission::ALL.to_vec());
        let new = NewKey { account, name: "operator".into(), permissions, expires_at: None, sessions: None, operator: true };
        key::create(&self.services, new).await.unwrap().1.reveal().to_owned()
    }

    /// Puts the gateway's clock forward.
    pub fn put_forward(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    /// Has the day that counts what is used not end during the test.
    pub fn begin_a_day(&self) {
        let now = self.services.clock.now();
        let left = now.next_utc_day().as_millis() - now.as_millis();
        if left < 10 * 60 * 1000 {
            self.put_forward(left);
        }
    }

    /// A second way to the gateway, under other limits.
    pub async fn beside(&self, limits: Limits) -> SocketAddr {
        let http = Http::new(Arc::clone(&self.services), limits);
        Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), http).await.unwrap().address()
    }

    pub fn get(&self, path: &str) -> Ask {
        Ask::new(self.address, "GET", path).key(&self.key)
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write the body on the spot")]
    pub fn post(&self, path: &str, body: serde_json::Value) -> Ask {
        Ask::new(self.address, "POST", path).key(&self.key).json(&body)
    }

    pub fn delete(&self, path: &str) -> Ask {
        Ask::new(self.address, "DELETE", path).key(&self.key)
    }

    /// A request without a key.
    pub fn ask(&self, method: &str, path: &str) -> Ask {
        Ask::new(self.address, method, path)
    }

    /// Creates a session; it waits for its scan.
    pub async fn session(&self) -> SessionId {
        let created = self.post("/v1/sessions", serde_json::json!({"name": "test"})).send().await;
        SessionId::parse(created.ok(201)["sessionId"].as_str().unwrap()).unwrap()
    }

    /// Creates a session and connects it.
    pub async fn connected(&self) -> SessionId {
        let session = self.session().await;
        self.engine.connect(&session);
        session
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // What cannot be removed lies in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// The machine's clock, ahead by as many milliseconds as the test says.
#[derive(Default)]
struct ForwardClock(AtomicI64);

impl Clock for ForwardClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_millis(self.0.load(Ordering::Relaxed))
    }

    fn steady(&self) -> Timestamp {
        SystemClock.steady()
    }
}
