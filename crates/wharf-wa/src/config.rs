//! What an operator decides about the engine.

use std::sync::Arc;
use std::time::Duration;

use url::Url;
use wharf_api::Timestamp;
use wharf_core::proxy::Proxy;
use wharf_core::seal::Seal;
use wharf_core::{Backoff, Lease, Meter, Switches};

use crate::transport::Trust;
use crate::version::{built_in, built_in_as_of};

/// How the engine of this process works. [`Config::new`] gives the defaults.
#[derive(Clone)]
pub struct Config {
    /// Where the clients connect; `None` is WhatsApp's own address.
    pub server_url: Option<Url>,
    /// Whose certificates are believed on the way to WhatsApp.
    pub trust: Trust,
    /// What sessions without a proxy of their own go through. One to the pretend network must be on loopback.
    pub proxy: Option<Proxy>,
    /// This process in the table of owners.
    pub node: String,
    /// Seals everything in the vault. Who loses its keys loses every link.
    pub seal: Seal,
    /// What the phone shows under «Linked devices».
    pub device_name: String,
    /// Whether what others post as their status comes in too.
    pub receive_statuses: bool,
    /// Whether sessions show themselves as online all the time. Their phones get no push notices then.
    pub announce_online: bool,
    /// The version of WhatsApp Web that the clients claim to be, by the last of its numbers; `None` keeps it current.
    pub version: Option<u32>,
    /// Where the newest version is told, instead of on WhatsApp's page.
    pub version_url: Option<Url>,
    /// How long a QR code is shown, in tests that cannot wait for the library's minute.
    pub qr_life: Option<Duration>,
    /// How many one-time keys a session keeps at the server. Each takes memory and a row.
    pub wanted_pre_keys: usize,
    /// How long the look-ups, keys and encryption of a message may take; each person of a group or an audience adds 50 ms.
    pub write_limit: Duration,
    /// How long the server's acknowledgement may take on a socket that lives.
    pub send_ack_timeout: Duration,
    /// How long a chat is left alone after a refusal that time may heal: at first, and at the longest.
    pub chat_hold: Backoff,
    /// How long a chat rests when the recipient's devices have no keys: at first, and at the longest.
    pub unkeyed_rest: Backoff,
    /// How long everybody new waits after such a refusal before one of them is tried, where WhatsApp names no date.
    pub probe_gap: Duration,
    /// Whether sessions keep the pace of their plans.
    pub pace: bool,
    /// How often a session looks after itself. Messages that nobody told it of are found by a worker of the whole process.
    pub poll: Duration,
    /// How many sessions connect at the same time when the process starts.
    pub start_concurrency: usize,
    /// How long after one session that nobody ran the next is begun. What a process begins as it starts has no pause.
    pub takeover_gap: Duration,
    /// The longest random pause before a session connects again that had its reason together with others.
    pub start_stagger: Duration,
    /// Where sends and losses are counted.
    pub meter: Arc<Meter>,
    /// What the operator has paused or switched off.
    pub switches: Arc<Switches>,
    /// As long as it lasts, no other node takes the sessions of this one.
    pub lease: Arc<Lease>,
}

impl Config {
    pub fn new(node: impl Into<String>, seal: Seal) -> Self {
        Self {
            server_url: None,
            trust: Trust::default(),
            proxy: None,
            node: node.into(),
            seal,
            device_name: "Wharf".to_owned(),
            receive_statuses: false,
            announce_online: false,
            version: None,
            version_url: None,
            qr_life: None,
            wanted_pre_keys: 30,
            write_limit: Duration::from_secs(10),
            send_ack_timeout: Duration::from_mins(1),
            chat_hold: Backoff::new(Duration::from_hours(4), Duration::from_hours(12)),
            unkeyed_rest: Backoff::new(Duration::from_secs(10), Duration::from_mins(10)),
            probe_gap: Duration::from_hours(1),
            pace: true,
            poll: Duration::from_mins(1),
            start_concurrency: 32,
            takeover_gap: Duration::from_millis(5),
            start_stagger: Duration::from_millis(100),
            meter: Arc::default(),
            switches: Arc::default(),
            lease: Arc::default(),
        }
    }
}

impl Config {
    /// The version that is claimed where neither store nor page is asked, and since when it is not known to be current; `None` for one
    /// that is set by hand.
    pub fn claimed(&self) -> ((u32, u32, u32), Option<Timestamp>) {
        match self.version {
            Some(revision) => ((2, 3000, revision), None),
            None => ((2, 3000, built_in::REVISION), Some(built_in_as_of())),
        }
    }
}

/// Without the keys: a configuration gets logged.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("server_url", &self.server_url.as_ref().map(Url::as_str))
            .field("proxy", &self.proxy)
            .field("node", &self.node)
            .field("device_name", &self.device_name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
