//! What is counted for the operator while work is done: plain numbers in memory, read when somebody asks.
//!
//! Nothing here may name a tenant, a number or a key.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Something that happens; how often.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub fn one(&self) {
        self.add(1);
    }

    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many there are at the moment.
#[derive(Clone, Debug, Default)]
pub struct Level(Arc<AtomicU64>);

impl Level {
    /// One more, until the answer is dropped.
    pub fn raise(&self) -> Raised {
        self.0.fetch_add(1, Ordering::Relaxed);
        Raised(self.clone())
    }

    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of those that a [`Level`] counts.
#[derive(Debug)]
pub struct Raised(Level);

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Something that happens in one of several ways, which a closed set of words or numbers tells.
#[derive(Debug)]
pub struct Tally<K>(Mutex<BTreeMap<K, u64>>);

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord + Copy> Tally<K> {
    pub fn one(&self, key: K) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    }

    pub fn read(&self) -> Vec<(K, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(key, count)| (*key, *count)).collect()
    }
}

/// How large something was, each time: counts between bounds, and the sum of all.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One more than there are bounds: the last is for what is above all of them.
    counts: Vec<AtomicU64>,
    /// In millionths, so that it can be a whole number.
    sum_micros: AtomicU64,
}

/// A histogram as it stood at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub sum: f64,
    pub count: u64,
    /// Upper bound and how many lie between it and the bound before; the last bound is infinite.
    pub buckets: Vec<(f64, u64)>,
}

impl Histogram {
    /// `bounds` rise.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), sum_micros: AtomicU64::new(0) }
    }

    pub fn observe(&self, value: f64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast from float to integer saturates")]
        self.sum_micros.fetch_add((value * 1e6) as u64, Ordering::Relaxed);
    }

    pub fn observe_time(&self, took: Duration) {
        self.observe(took.as_secs_f64());
    }

    pub fn read(&self) -> Seen {
        let counts: Vec<u64> = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        #[expect(clippy::cast_precision_loss, reason = "2^53 microseconds are 285 years")]
        let sum = self.sum_micros.load(Ordering::Relaxed) as f64 / 1e6;
        let bounds = self.bounds.iter().copied().chain([f64::MAX]);
        Seen { sum, count: counts.iter().sum(), buckets: bounds.zip(counts).collect() }
    }
}

/// Seconds from acceptance to the network's word.
const ACK_SECONDS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 600.0, 3600.0];
/// Seconds of one request to a webhook.
const WEBHOOK_SECONDS: &[f64] = &[0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Seconds of one commit.
const COMMIT_SECONDS: &[f64] = &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5];
/// Writes that share one commit.
const COMMIT_WRITES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// What the engine counts.
#[derive(Debug)]
pub struct Sends {
    /// Acknowledged by the network.
    pub sent: Counter,
    /// Given up: refused by the network, or impossible.
    pub failed: Counter,
    /// Failed because their time was over.
    pub expired: Counter,
    /// Tries that had no answer and are made again.
    pub retried: Counter,
    /// Tries after which the network wanted a pause.
    pub held: Counter,
    /// From acceptance to the acknowledgement.
    pub ack_seconds: Histogram,
}

/// What is counted of requests to webhooks.
#[derive(Debug)]
pub struct Webhooks {
    /// Answered with a 2xx.
    pub accepted: Counter,
    /// Answered with another status.
    pub refused: Counter,
    /// Not answered: unreachable, too slow, broken off.
    pub unanswered: Counter,
    pub seconds: Histogram,
}

/// What is counted of people who sign in.
#[derive(Debug, Default)]
pub struct Logins {
    pub accepted: Counter,
    /// A wrong name, password or link.
    pub refused: Counter,
    /// Refused before anything was looked at.
    pub throttled: Counter,
}

/// What the store counts.
#[derive(Debug)]
pub struct Writes {
    pub commit_seconds: Histogram,
    /// How many writes shared one commit.
    pub commit_writes: Histogram,
    /// Groups of writes whose commit failed, or of which nobody knows whether it did.
    pub lost_commits: Counter,
    /// Writes that met a lock of somebody else's, or took too long to share a commit.
    pub held: Counter,
    /// Writes of an engine that did not own its session any more.
    pub fenced: Counter,
}

/// Words of WhatsApp that the client library does not know, by where they stand.
#[derive(Debug, Default)]
pub struct Unknown {
    pub tag: Counter,
    pub notification: Counter,
    pub ib: Counter,
    pub enc: Counter,
    /// A code with which something sent was refused.
    pub nack: Counter,
    /// What the server asks of its own accord.
    pub other: Counter,
}

/// The codes of refusals that have a counter of their own.
const REFUSAL_CODES: [u16; 19] = [400, 401, 402, 403, 405, 406, 409, 413, 414, 415, 418, 428, 429, 452, 500, 501, 503, 515, 516];

/// How often WhatsApp turned a session away, by its code. The set of codes is closed, so that nobody outside decides how many there are.
#[derive(Debug, Default)]
pub struct Refusals {
    known: [Counter; REFUSAL_CODES.len()],
    other: Counter,
}

impl Refusals {
    pub fn one(&self, code: u16) {
        REFUSAL_CODES.iter().position(|known| *known == code).map_or(&self.other, |at| &self.known[at]).one();
    }

    /// Every code with its count; `None` is all that have none of their own.
    pub fn read(&self) -> Vec<(Option<u16>, u64)> {
        let known = REFUSAL_CODES.iter().zip(&self.known).map(|(code, counter)| (Some(*code), counter.read()));
        known.chain([(None, self.other.read())]).collect()
    }
}

/// Everything that is counted in this process.
#[derive(Debug)]
pub struct Meter {
    pub sends: Sends,
    pub webhooks: Webhooks,
    pub logins: Logins,
    pub writes: Writes,
    pub unknown: Unknown,
    /// Messages that came in and are stored.
    pub received: Counter,
    /// Messages that came in and could not be decrypted, at least not at once.
    pub undecryptable: Counter,
    /// Rows of messages that were looked for and cannot be read.
    pub unreadable_rows: Counter,
    /// What the library had acknowledged and kept, and nobody could read any more.
    pub leftovers_dropped: Counter,
    /// Sessions that take no messages because the database refuses to keep them.
    pub stopped_intakes: Level,
    /// Messages that could not be decrypted and that the account's own phone gave again.
    pub recovered: Counter,
    /// Messages that were removed because their account's plan keeps them no longer.
    pub messages_removed: Counter,
    /// Stored files that were asked for and were gone or not what was taken in.
    pub media_damaged: Counter,
    /// Devices that a message could not be sealed for, because WhatsApp had no keys of them.
    pub devices_unkeyed: Counter,
    /// Clients that gave up saving their keys and were built anew.
    pub savers_halted: Counter,
    /// Connections of linked sessions that dropped.
    pub sockets_lost: Counter,
    /// Questions for WhatsApp's newest version, by source and outcome.
    pub version_fetches: Tally<(&'static str, &'static str)>,
    /// What WhatsApp refused: logins, registrations, pairings, streams.
    pub refusals: Refusals,
    /// Sessions whose phone was not heard of for so long that WhatsApp will unlink them soon.
    pub phones_away: Counter,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            sends: Sends {
                sent: Counter::default(),
                failed: Counter::default(),
                expired: Counter::default(),
                retried: Counter::default(),
                held: Counter::default(),
                ack_seconds: Histogram::new(ACK_SECONDS),
            },
            webhooks: Webhooks {
                accepted: Counter::default(),
                refused: Counter::default(),
                unanswered: Counter::default(),
                seconds: Histogram::new(WEBHOOK_SECONDS),
            },
            logins: Logins::default(),
            writes: Writes {
                commit_seconds: Histogram::new(COMMIT_SECONDS),
                commit_writes: Histogram::new(COMMIT_WRITES),
                lost_commits: Counter::default(),
                held: Counter::default(),
                fenced: Counter::default(),
            },
            unknown: Unknown::default(),
            received: Counter::default(),
            undecryptable: Counter::default(),
            unreadable_rows: Counter::default(),
            leftovers_dropped: Counter::default(),
            stopped_intakes: Level::default(),
            recovered: Counter::default(),
            messages_removed: Counter::default(),
            media_damaged: Counter::default(),
            devices_unkeyed: Counter::default(),
            savers_halted: Counter::default(),
            sockets_lost: Counter::default(),
            version_fetches: Tally::default(),
            refusals: Refusals::default(),
            phones_away: Counter::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_at_its_bound_and_not_above() {
        let histogram = Histogram::new(&[1.0, 2.0]);
        for value in [0.5, 1.0, 1.5, 2.0, 9.0] {
            histogram.observe(value);
        }
        let seen = histogram.read();
        assert_eq!(seen, Seen { sum: 14.0, count: 5, buckets: vec![(1.0, 2), (2.0, 2), (f64::MAX, 1)] });
    }

    #[test]
    fn a_code_without_a_counter_of_its_own_counts_among_the_others() {
        let refusals = Refusals::default();
        for code in [402, 402, 599, 7] {
            refusals.one(code);
        }
        let counted: Vec<_> = refusals.read().into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [(Some(402), 2), (None, 2)]);
    }
}
