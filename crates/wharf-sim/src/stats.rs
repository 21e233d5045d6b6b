//! Counters of the whole network.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use serde_json::{Value, json};

#[derive(Default)]
pub(crate) struct Stats {
    pub(crate) stanzas_in: AtomicU64,
    pub(crate) stanzas_out: AtomicU64,
    pub(crate) messages: AtomicU64,
    pub(crate) acks: AtomicU64,
    pub(crate) nacks: AtomicU64,
    pub(crate) handshakes_xx: AtomicU64,
    pub(crate) handshakes_ik: AtomicU64,
    pub(crate) handshakes_fallback: AtomicU64,
    pub(crate) connected: AtomicI64,
    pub(crate) media_bytes_in: AtomicU64,
    /// Requests for media that say where they come from and do not look like a browser's.
    pub(crate) media_bare: AtomicU64,
    /// Downloads that stand still at this moment.
    pub(crate) media_stalled: AtomicI64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Stats {
    pub(crate) fn report(&self) -> Value {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({
            "stanzasIn": get(&self.stanzas_in),
            "stanzasOut": get(&self.stanzas_out),
            "messages": get(&self.messages),
            "acks": get(&self.acks),
            "nacks": get(&self.nacks),
            "handshakes": {
                "xx": get(&self.handshakes_xx),
                "ik": get(&self.handshakes_ik),
                "xxFallback": get(&self.handshakes_fallback),
            },
            "connected": self.connected.load(Ordering::Relaxed),
            "mediaBytesIn": get(&self.media_bytes_in),
            "mediaBare": get(&self.media_bare),
            "mediaStalled": self.media_stalled.load(Ordering::Relaxed),
            "cpuSeconds": cpu_seconds(),
        })
    }
}

/// User and system time of this process; `None` where the system does not tell.
fn cpu_seconds() -> Option<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field may contain spaces, so count from its closing bracket.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}
