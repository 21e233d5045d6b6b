//! A network, the real client as a linked device, and waiting on conditions.

mod device;
mod program;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use wharf_sim::{Config, Network, Wishes};

pub use device::{Device, text_message};
use program::Program;

pub const OWNER: &str = "15550000001";
pub const ECHO: &str = "15550001001";
pub const SILENT: &str = "15550001002";
pub const READER: &str = "15550001003";
pub const ASLEEP: &str = "15550001004";

/// What a current client claims: what is lower is not let in.
pub const CURRENT: u32 = 1_045_649_367;

/// Long enough for a loaded machine; nothing waits this long when all is well.
const PATIENCE: Duration = Duration::from_secs(40);

pub struct Sim {
    network: Option<Network>,
    program: Option<Program>,
    http: reqwest::Client,
    pub url: String,
    control: String,
}

impl Sim {
    pub async fn start() -> Self {
        Self::open(0, None).await
    }

    pub async fn open(port: u16, data_dir: Option<&Path>) -> Self {
        Self::wished(port, data_dir, Wishes::default()).await
    }

    /// A network that differs from the usual one.
    pub async fn wished(port: u16, data_dir: Option<&Path>, wishes: Wishes) -> Self {
        prepare();
        let network = Network::start(Config {
            bind: SocketAddr::from(([127, 0, 0, 1], lasting(port, data_dir))),
            control_bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            data_dir: data_dir.map(Path::to_owned),
            wishes,
        })
        .await
        .unwrap();
        Self { url: network.url(), control: network.control_url(), network: Some(network), program: None, http: new_http() }
    }

    /// The network as a process of its own.
    pub fn program(port: u16, data_dir: Option<&Path>) -> Self {
        prepare();
        let program = Program::start(lasting(port, data_dir), data_dir);
        Self {
            url: program.ready["url"].as_str().unwrap().to_owned(),
            control: program.ready["controlUrl"].as_str().unwrap().to_owned(),
            network: None,
            program: Some(program),
            http: new_http(),
        }
    }

    pub fn process_id(&self) -> u32 {
        self.program.as_ref().unwrap().child.id()
    }

    /// Ends the process as a power switch would.
    pub fn kill(mut self) {
        self.program.take().unwrap().kill();
    }

    /// Asks the process to end and waits for it.
    pub fn terminate(mut self) -> bool {
        self.program.take().unwrap().terminate()
    }

    pub fn port(&self) -> u16 {
        let (_, rest) = self.url.rsplit_once(':').unwrap();
        rest.split('/').next().unwrap().parse().unwrap()
    }

    /// The key that vouches for the server's certificates.
    pub fn root_key(&self) -> [u8; 32] {
        self.network.as_ref().unwrap().root_key()
    }

    pub async fn shutdown(mut self) {
        self.network.take().unwrap().shutdown().await;
    }

    pub async fn get(&self, path: &str) -> Value {
        data(asked(self.http.get(self.at(path))).await)
    }

    pub async fn post(&self, path: &str, body: impl ToString) -> Value {
        data(self.try_post(path, body).await)
    }

    /// The whole envelope, also of a refusal.
    pub async fn try_post(&self, path: &str, body: impl ToString) -> Value {
        asked(self.http.post(self.at(path)).body(body.to_string())).await
    }

    pub async fn put(&self, path: &str, body: impl ToString) -> Value {
        data(asked(self.http.put(self.at(path)).body(body.to_string())).await)
    }

    pub async fn delete(&self, path: &str) -> Value {
        data(asked(self.http.delete(self.at(path))).await)
    }

    /// Where the control API listens.
    pub fn control(&self) -> SocketAddr {
        self.control.strip_prefix("http://").unwrap().parse().unwrap()
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.control)
    }

    /// The ledger entries of a phone with this id.
    pub async fn ledger(&self, phone: &str, id: &str) -> Vec<Value> {
        let path = format!("/control/phones/{phone}/messages?id={id}");
        self.get(&path).await.as_array().unwrap().clone()
    }

    pub async fn shown(&self, phone: &str, id: &str) -> Value {
        until("the message is in the ledger", async || self.ledger(phone, id).await.into_iter().next()).await
    }

    pub async fn fault(&self, rule: Value) -> Value {
        self.post("/control/faults", rule).await
    }

    pub async fn scan(&self, qr: &str, phone: &str) -> Value {
        self.post(&format!("/control/scan?phone={phone}"), qr).await
    }

    pub async fn devices(&self, phone: &str) -> Vec<Value> {
        let phone = self.get(&format!("/control/phones/{phone}")).await;
        phone["devices"].as_array().unwrap().clone()
    }
}

/// The answer, which stands on a line of its own in a terminal.
async fn asked(request: reqwest::RequestBuilder) -> Value {
    let text = request.send().await.unwrap().text().await.unwrap();
    assert!(text.ends_with("}\n"), "{text:?}");
    serde_json::from_str(&text).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a tester's client, not the gateway's")]
fn new_http() -> reqwest::Client {
    reqwest::Client::new()
}

fn prepare() {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        whatsapp_rust::transport::default_tls_connector();
        let _ = tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).with_test_writer().try_init();
    });
}

fn data(mut envelope: Value) -> Value {
    assert_eq!(envelope["success"], true, "{envelope}");
    envelope["data"].take()
}

/// Asks until there is an answer.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The port that was asked for. Where any will do and the network has a folder, it may end and start again: then it is one below those that
/// the system gives to whoever asks for any, so that nothing of another test sits on it meanwhile.
fn lasting(port: u16, data_dir: Option<&Path>) -> u16 {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    if port != 0 || data_dir.is_none() {
        return port;
    }
    loop {
        // Tests that run beside each other have neighbouring ids.
        let number = std::process::id().wrapping_add(1000 * NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + number % COUNT).unwrap();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A folder that goes away with the test.
pub struct Folder(std::path::PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wharf-sim-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
