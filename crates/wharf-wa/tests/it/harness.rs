//! A world: the pretend network, a store on disk, the rules and an engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;
use wharf_api::Permission;
use wharf_api::ids::SessionId;
use wharf_api::types::message::{MessageStatus, SendText};
use wharf_api::types::session::SessionStatus;
use wharf_core::caller::By;
use wharf_core::chance::SystemChance;
use wharf_core::clock::SystemClock;
use wharf_core::egress::NoEgress;
use wharf_core::engine::{Engine as _, Link};
use wharf_core::media::NoFiles;
use wharf_core::message::outcomes::Outcomes;
use wharf_core::message::send_text::{self, NewText};
use wharf_core::seal::Seal;
use wharf_core::services::{Ports, Services};
use wharf_core::store::{
    AccountStore as _, MessageFilter, MessageRow, MessageStore as _, NewSession, OwnerStore as _, PageRequest, SessionStore as _, VaultOp,
    VaultStore as _,
};
use wharf_core::{Backoff, Caller, message, session};
use wharf_store::SqlStore;
use wharf_wa::{Config, WaEngine};

pub const OWNER: &str = "15550000001";
pub const ECHO: &str = "15550001001";
pub const SILENT: &str = "15550001002";

/// Long enough for a loaded machine; nothing waits this long when all is well.
const PATIENCE: Duration = Duration::from_secs(40);

/// What a test wants to be other than usual.
type Change = Arc<dyn Fn(&mut Config) + Send + Sync>;

pub struct World {
    pub services: Arc<Services>,
    pub engine: Arc<WaEngine>,
    pub caller: Caller,
    pub store: Arc<SqlStore>,
    pub network: wharf_sim::Network,
    change: Change,
    http: reqwest::Client,
    folder: PathBuf,
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl Fn(&mut Config) + Send + Sync + 'static) -> Self {
        let change: Change = Arc::new(change);
        let network = wharf_sim::Network::start(wharf_sim::Config {
            bind: ([127, 0, 0, 1], 0).into(),
            control_bind: ([127, 0, 0, 1], 0).into(),
            data_dir: None,
            wishes: wharf_sim::Wishes::default(),
        })
        .await
        .unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test names its folder by chance")]
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(uuid::Uuid::now_v7().to_string());
        let store = open_store(&folder).await;
        let (engine, services) = build(&network, &store, &*change);
        let account = wharf_core::account::find_or_create(&services, "test", "enterprise").await.unwrap();
        let plan = store.find_account(&account).await.unwrap().unwrap().plan;
        let caller = Caller {
            account,
            plan,
            by: By::Key(services.chance.key_id()),
            permissions: Permission::ALL.to_vec(),
            sessions: None,
            operator: false,
            expires_at: None,
            sends_until: None,
            answer_by: None,
        };
        // Installs the cryptography that any HTTP client wants, even for plain HTTP.
        let _ = whatsapp_rust::transport::default_tls_connector();
        #[expect(clippy::disallowed_methods, reason = "the control API is on loopback and belongs to the test")]
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { services, engine, caller, store, network, change, http, folder }
    }

    /// Ends the engine as a process would end, and starts another on the same store.
    pub async fn restart(&mut self) {
        self.engine.shutdown().await;
        (self.engine, self.services) = build(&self.network, &self.store, &*self.change);
        self.engine.start_linked().await.unwrap();
    }

    /// Another process of the same name on the same store: it takes over whatever it starts.
    pub fn second_engine(&self) -> Arc<WaEngine> {
        build(&self.network, &self.store, &*self.change).0
    }

    /// A process of another name on the same store. Nobody keeps a lease here: it may take what it wants.
    pub fn another_engine(&self, node: &'static str) -> Arc<WaEngine> {
        let change = Arc::clone(&self.change);
        let named = move |config: &mut Config| {
            change(config);
            node.clone_into(&mut config.node);
        };
        build(&self.network, &self.store, &named).0
    }

    /// A program with a store of its own that has got hold of the session's keys.
    pub async fn thief(&self, session: &SessionId) -> Arc<WaEngine> {
        let store = open_store(&self.folder.join("thief")).await;
        let at = self.services.clock.now();
        let account = self.caller.account.clone();
        store.insert_account(&account, "thief", "enterprise", at).await.unwrap();
        let row = NewSession {
            id: session.clone(),
            account,
            name: "stolen".to_owned(),
            at,
            limit: None,
            claim: None,
            proxy: None,
            webhook: None,
            webhook_limit: 0,
        };
        store.insert_session(&row).await.unwrap();
        let fence = store.take_session(session, "thief", at).await.unwrap().unwrap();
        let spaces = [
            "device",
            "identity",
            "session",
            "pre_key",
            "signed_pre_key",
            "sync_key",
            "sync_latest",
            "sync_version",
            "lid",
            "phone",
            "devices",
        ];
        for space in spaces {
            let rows = self.store.vault_list(session, space, "").await.unwrap();
            let ops = rows.into_iter().map(|(key, value)| VaultOp::Put { space, key, value }).collect();
            store.vault_apply(&fence, ops).await.unwrap();
        }
        store.release_session(&fence).await.unwrap();
        build(&self.network, &store, &*self.change).0
    }

    /// A session that `phone` has scanned and that is connected.
    pub async fn paired(&self, phone: &str) -> SessionId {
        let fresh = session::create(&self.services, &self.caller, "shop", None).await.unwrap();
        let qr = fresh.qr.unwrap();
        self.control(&format!("scan?phone={phone}"), qr.text).await;
        self.status(&fresh.row.id, SessionStatus::Connected).await;
        fresh.row.id
    }

    /// Waits until the session's link has the status.
    pub async fn status(&self, session: &SessionId, status: SessionStatus) -> Link {
        self.link(session, |link| link.status == status).await
    }

    pub async fn link(&self, session: &SessionId, is: impl Fn(&Link) -> bool) -> Link {
        let mut link: watch::Receiver<Link> = self.engine.link(session).unwrap();
        let found = tokio::time::timeout(PATIENCE, link.wait_for(|link| is(link))).await.map(|link| link.unwrap().clone());
        found.unwrap_or_else(|_| panic!("the link stayed {:?}", self.engine.link(session).unwrap().borrow().clone()))
    }

    pub async fn send(&self, session: &SessionId, to: &str, text: &str) -> Result<MessageRow, message::Error> {
        Ok(send_text::send_text(&self.services, &self.caller, new_text(session, to, text, false)?, None).await?.row)
    }

    /// Accepts a text and does not wait for it.
    pub async fn accept(&self, session: &SessionId, to: &str, text: &str) -> MessageRow {
        send_text::send_text(&self.services, &self.caller, new_text(session, to, text, true).unwrap(), None).await.unwrap().row
    }

    /// Waits until the message has one of the statuses, and gives its row.
    pub async fn message(&self, row: &MessageRow, statuses: &[MessageStatus]) -> MessageRow {
        until("the message's status", async || {
            let row = self.store.find_message(&self.caller.account, &row.id).await.unwrap().unwrap();
            statuses.contains(&row.status).then_some(row)
        })
        .await
    }

    /// The rows of the session that pass the filter, newest first.
    pub async fn messages(&self, filter: &MessageFilter) -> Vec<MessageRow> {
        self.store.list_messages(&self.caller.account, filter, PageRequest { after: None, limit: 200 }).await.unwrap().rows
    }

    /// What the phone has decrypted, oldest first.
    pub async fn ledger(&self, phone: &str) -> Vec<Value> {
        self.get(&format!("phones/{phone}/messages")).await.as_array().unwrap().clone()
    }

    /// Makes the network misbehave.
    pub async fn fault(&self, rule: Value) {
        self.control("faults", rule.to_string()).await;
    }

    /// Drops the session's socket, and waits until the session is connected by another one. Handshakes are counted, because a link that was
    /// gone for a moment only may have been so between two looks.
    pub async fn drop_socket(&self, session: &SessionId, phone: &str) {
        let opened = async || {
            let stats = self.get("stats").await;
            ["xx", "ik", "xxFallback"].iter().map(|way| stats["handshakes"][way].as_u64().unwrap()).sum::<u64>()
        };
        let before = opened().await;
        self.fault(json!({"action": "drop_socket", "phone": phone})).await;
        until("another socket", async || (opened().await > before).then_some(())).await;
        self.status(session, SessionStatus::Connected).await;
    }

    pub async fn clear_faults(&self) {
        let url = format!("{}/control/faults", self.network.control_url());
        self.http.delete(url).send().await.unwrap().error_for_status().unwrap();
    }

    pub async fn phone_sends(&self, phone: &str, to: &str, text: &str) {
        self.control(&format!("phones/{phone}/send"), json!({"to": to, "text": text}).to_string()).await;
    }

    pub async fn control(&self, path: &str, body: String) -> Value {
        let url = format!("{}/control/{path}", self.network.control_url());
        let answer = self.http.post(url).body(body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str::<Value>(&text).unwrap_or_default()["data"].take()
    }

    pub async fn put(&self, path: &str, body: Value) {
        let url = format!("{}/control/{path}", self.network.control_url());
        self.http.put(url).body(body.to_string()).send().await.unwrap().error_for_status().unwrap();
    }

    pub async fn get(&self, path: &str) -> Value {
        let url = format!("{}/control/{path}", self.network.control_url());
        let text = self.http.get(url).send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["data"].take()
    }

    /// How many rows one space of the session's vault has.
    pub async fn vault_rows(&self, session: &SessionId, space: &'static str) -> usize {
        self.store.vault_list(session, space, "").await.unwrap().len()
    }

    pub async fn end(self) {
        self.engine.shutdown().await;
        self.network.shutdown().await;
        drop(self.services);
        std::fs::remove_dir_all(self.folder).unwrap();
    }
}

async fn open_store(folder: &Path) -> Arc<SqlStore> {
    std::fs::create_dir_all(folder).unwrap();
    let url = format!("sqlite:{}", folder.join("wharf.db").display());
    wharf_store::open(wharf_store::Config::new(url, Arc::new(SystemChance))).await.unwrap()
}

fn build(network: &wharf_sim::Network, store: &Arc<SqlStore>, change: &dyn Fn(&mut Config)) -> (Arc<WaEngine>, Arc<Services>) {
    let seal = Seal::new(&[7; 32], Arc::new(SystemChance));
    let mut config = Config::new("node-1", seal.clone());
    config.server_url = Some(network.url().parse().unwrap());
    config.send_ack_timeout = Duration::from_secs(1);
    // No worker looks for what nobody told of: the sessions do, each fifth time.
    config.poll = Duration::from_millis(40);
    // Whoever was refused has rested when somebody new is tried again, and comes first.
    config.chat_hold = Backoff::new(Duration::from_millis(500), Duration::from_secs(2));
    config.probe_gap = Duration::from_secs(3);
    config.pace = false;
    change(&mut config);
    let meter = Arc::clone(&config.meter);
    let outcomes = Arc::new(Outcomes::default());
    let engine = WaEngine::new(config, store.clone(), Arc::new(SystemClock), Arc::new(SystemChance), outcomes.clone()).unwrap();
    let mut services = Services::new(Ports {
        store: store.clone(),
        engine: engine.clone(),
        egress: Arc::new(NoEgress),
        files: Arc::new(NoFiles),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        outcomes,
        seal,
        world: "sandbox",
    });
    services.meter = meter;
    (engine, Arc::new(services))
}

fn new_text(session: &SessionId, to: &str, text: &str, asynchronous: bool) -> Result<NewText, message::Error> {
    let request = SendText { asynchronous, ..SendText::plain(session.to_string(), to, text) };
    send_text::parse(&request)
}

/// Asks again and again until there is an answer.
pub async fn until<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
