//! HTTP: the only room that knows headers, paths and statuses. It parses, calls the rules and answers.

pub mod cors;
pub mod declared;
pub mod envelope;
pub mod server;

mod accept;
mod audit;
mod auth;
mod body;
mod call;
mod catch;
mod front;
mod idempotency;
mod json;
mod limit;
mod login;
mod meant;
mod noted;
pub mod origin;
mod page;
pub mod picture;
mod placeholder;
mod query;
mod request_id;
mod rest;
mod router;

mod account;
mod admin;
mod api_key;
mod chat;
mod contact;
#[cfg(feature = "dashboard")]
mod dashboard;
mod event;
mod group;
mod held;
mod media;
mod message;
mod open;
mod quick_start;
mod session;
mod unknown;
mod user;
mod webhook;
mod zip;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;
use tower_http::cors::CorsLayer;
use wharf_api::limits;
use wharf_core::Services;
use wharf_core::media::gate::Gate;

use crate::metrics::Metrics;

pub use call::{Answer, Call};
use cors::Origins;
pub(crate) use event::path_of_event;
use origin::Proxies;

/// How much the HTTP layer takes on. Not a customer's limits: those stand in `wharf_api::limits`.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many requests are worked on at the same time; the next is told to come back.
    pub concurrent_requests: usize,
    /// How many connections are open at the same time, whoever they are from. The next waits unaccepted until one ends.
    pub connections: usize,
    /// How many requests without a good key one address may send in a minute before it is turned away unheard.
    pub failed_keys_per_minute: u64,
    /// How long one request may take, a long poll's own wait not counted.
    pub request_timeout: Duration,
    /// How long a request may take that carries or sends a file, where that is longer.
    pub file_timeout: Duration,
    /// How long a client may take to send the head of a request.
    pub header_timeout: Duration,
    /// How long a connection is kept on which nothing is asked.
    pub idle_timeout: Duration,
    /// How long a client may take nothing of an answer.
    pub stall_timeout: Duration,
    /// How often a silent stream of events says that it lives, or asks whether its client does.
    pub heartbeat: Duration,
    /// How long a stop waits for requests that are being worked on.
    pub drain_timeout: Duration,
    /// Whose word about the address that the second of these counts by is believed.
    pub trusted_proxies: Proxies,
    /// Whose pages may call the API from a browser.
    pub allowed_origins: Origins,
    /// Whether browsers reach us by https, also where no trusted proxy says so: cookies are for it alone then.
    pub secure_cookies: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrent_requests: 4096,
            connections: 8192,
            failed_keys_per_minute: 300,
            request_timeout: Duration::from_secs(30),
            file_timeout: limits::MEDIA_REQUEST,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            stall_timeout: Duration::from_secs(30),
            heartbeat: Duration::from_secs(15),
            drain_timeout: Duration::from_secs(10),
            trusted_proxies: Proxies::default(),
            allowed_origins: Origins::default(),
            secure_cookies: false,
        }
    }
}

/// How many bodies of more than a megabyte are held at the same time, and how many of one account.
const LARGE_BODIES: usize = 3;
const LARGE_BODIES_OF_ACCOUNT: usize = 1;

/// What every request has at hand.
pub struct Http {
    pub(crate) services: Arc<Services>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    /// How many requests are worked on.
    running: Arc<AtomicUsize>,
    /// Bodies with files in them are held whole: not many at the same time.
    large_bodies: Arc<Semaphore>,
    large_turns: Gate,
    /// What pages of other origins are told, where there are any that may call.
    cors: Option<CorsLayer>,
    draining: CancellationToken,
    /// Work that goes on when its client has left.
    tasks: TaskTracker,
}

impl Http {
    pub fn new(services: Arc<Services>, limits: Limits) -> Arc<Self> {
        let metrics = Metrics::default();
        let large_bodies = Arc::new(Semaphore::new(LARGE_BODIES));
        let large_turns = Gate::new(LARGE_BODIES_OF_ACCOUNT);
        let cors = limits.allowed_origins.layer();
        Arc::new(Self {
            services,
            limits,
            metrics,
            running: Arc::default(),
            large_bodies,
            large_turns,
            cors,
            draining: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    /// From now on the node is not ready, and answers without an end come to theirs. What still comes on a connection that was kept is answered:
    /// a proxy would ask another node on one that has ended, but passes a refusal on.
    pub fn drain(&self) {
        self.draining.cancel();
        self.tasks.close();
    }

    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Until the stop begins: an answer without an end ends then.
    pub(crate) fn drained(&self) -> WaitForCancellationFutureOwned {
        self.draining.clone().cancelled_owned()
    }

    /// Until nothing is being worked on any more that a client began; to be called after [`Http::drain`].
    pub async fn idle(&self) {
        self.tasks.wait().await;
    }
}
