//! A receiver of webhooks: answers as the test says and keeps what came.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How the receiver takes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    Answer(u16),
    /// An answer with one header.
    With(u16, &'static str, String),
    /// No answer before [`Hook::release`].
    Silence,
    /// This answer, and not before [`Hook::release`].
    Late(u16),
}

/// One request that came, and the status that it got; 0 is none.
#[derive(Clone, Debug)]
pub struct Got {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
    pub status: u16,
    pub at: Instant,
}

impl Got {
    pub fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().unwrap()
    }

    pub fn kind(&self) -> String {
        self.event()["event"].as_str().unwrap().to_owned()
    }

    /// The same for a delivery whose sender's clock was put forward: the library would refuse its time.
    pub fn verifies_but_for_its_time(&self, secret: &str) -> bool {
        let header = |name: &str| self.headers[name].to_str().unwrap();
        let (signer, seconds) = (standardwebhooks::Webhook::new(secret).unwrap(), header("webhook-timestamp").parse().unwrap());
        let signature = signer.sign(self.id(), seconds, self.body.as_bytes()).unwrap();
        header("webhook-signature").split(' ').any(|one| one == signature)
    }

    /// Whether the published library takes it with this secret.
    pub fn verifies(&self, secret: &str) -> bool {
        let mut headers = http::HeaderMap::new();
        for (name, value) in &self.headers {
            headers.insert(
                http::HeaderName::from_bytes(name.as_str().as_bytes()).unwrap(),
                http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        standardwebhooks::Webhook::new(secret).unwrap().verify(self.body.as_bytes(), &headers).is_ok()
    }
}

type Judge = dyn Fn(&Got) -> Mode + Send + Sync;

struct Shared {
    modes: Mutex<HashMap<String, Mode>>,
    judge: Mutex<Option<Arc<Judge>>>,
    got: Mutex<Vec<Got>>,
    released: watch::Sender<()>,
}

pub struct Hook {
    address: SocketAddr,
    shared: Arc<Shared>,
    running: JoinHandle<()>,
}

impl Hook {
    /// Listens; every path answers 204 until it is told otherwise.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared =
            Arc::new(Shared { modes: Mutex::default(), judge: Mutex::default(), got: Mutex::default(), released: watch::Sender::new(()) });
        let router = Router::new().fallback(take).with_state(Arc::clone(&shared));
        let running = tokio::spawn(async move { axum_serve(listener, router).await });
        Self { address, shared, running }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn set(&self, path: &str, mode: Mode) {
        self.shared.modes.lock().unwrap().insert(path.to_owned(), mode);
    }

    /// Decides about every request that no path decides about.
    pub fn judge(&self, judge: impl Fn(&Got) -> Mode + Send + Sync + 'static) {
        *self.shared.judge.lock().unwrap() = Some(Arc::new(judge));
    }

    /// What came to `path` so far, tests left out.
    pub fn got(&self, path: &str) -> Vec<Got> {
        let got = self.shared.got.lock().unwrap();
        got.iter().filter(|got| got.path == path && !got.body.contains("\"webhook.test\"")).cloned().collect()
    }

    /// The newest that came to `path` and is what the test looks for.
    pub fn find(&self, path: &str, what: impl Fn(&Got) -> bool) -> Option<Got> {
        let got = self.shared.got.lock().unwrap();
        got.iter().rev().find(|got| got.path == path && what(got)).cloned()
    }

    /// The same, not older than `since`: however much came before costs nothing.
    pub fn find_since(&self, since: Instant, path: &str, what: impl Fn(&Got) -> bool) -> Option<Got> {
        let got = self.shared.got.lock().unwrap();
        got.iter().rev().take_while(|got| got.at >= since).find(|got| got.path == path && what(got)).cloned()
    }

    /// How many came to `path` that the test looks for.
    pub fn count(&self, path: &str, what: impl Fn(&Got) -> bool) -> usize {
        let got = self.shared.got.lock().unwrap();
        got.iter().filter(|got| got.path == path && what(got)).count()
    }

    /// Answers 204 to all whom silence keeps waiting.
    pub fn release(&self) {
        self.shared.released.send_replace(());
    }

    /// The tests that came to `path`.
    pub fn tests(&self, path: &str) -> Vec<Got> {
        let got = self.shared.got.lock().unwrap();
        got.iter().filter(|got| got.path == path && got.body.contains("\"webhook.test\"")).cloned().collect()
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// `axum::serve` is left out of this build; hyper does what it would.
pub async fn axum_serve(listener: TcpListener, router: Router) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let service = hyper_util::service::TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(hyper_util::rt::TokioIo::new(stream), service).await;
        });
    }
}

async fn take(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 10_000_000).await.unwrap_or_default();
    let mut got = Got {
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
        status: 0,
        at: Instant::now(),
    };
    let by_path = shared.modes.lock().unwrap().get(&got.path).cloned();
    let judge = shared.judge.lock().unwrap().clone();
    let mode = by_path.or_else(|| judge.map(|judge| judge(&got))).unwrap_or(Mode::Answer(204));
    got.status = match &mode {
        Mode::Answer(status) | Mode::With(status, ..) => *status,
        Mode::Silence | Mode::Late(_) => 0,
    };
    let mut released = shared.released.subscribe();
    let place = {
        let mut all = shared.got.lock().unwrap();
        all.push(got);
        all.len() - 1
    };
    match mode {
        Mode::Answer(status) => (StatusCode::from_u16(status).unwrap(), "so it is").into_response(),
        Mode::With(status, name, value) => (StatusCode::from_u16(status).unwrap(), [(name, value)]).into_response(),
        Mode::Silence | Mode::Late(_) => {
            // The sender lives as long as the receiver of webhooks does.
            let _ = released.changed().await;
            let status = if let Mode::Late(status) = mode { status } else { 204 };
            shared.got.lock().unwrap()[place].status = status;
            StatusCode::from_u16(status).unwrap().into_response()
        }
    }
}
