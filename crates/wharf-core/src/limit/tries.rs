//! Tries of something that must not be guessed, counted for each address or name in stretches of time that begin with the first.
//!
//! A try is counted before it is known how it ends, and taken back where it was good: a thousand at once are a thousand. Several nodes tell
//! each other of both, so that all count the same.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use wharf_api::{ApiError, ErrorCode, Timestamp};

use super::whole_seconds;

/// How many keys are remembered at the most.
const KEYS: usize = 10_000;

struct TryCount {
    since: Timestamp,
    tries: u64,
    /// Those of them that other nodes have told of.
    heard: u64,
}

impl TryCount {
    const fn new(since: Timestamp) -> Self {
        Self { since, tries: 0, heard: 0 }
    }
}

/// A try that was counted, to be taken back where it was good.
#[derive(Debug)]
pub struct CountedTry<K> {
    key: K,
    /// When the stretch of time began that it counts in.
    since: Timestamp,
}

/// The tries of all keys.
pub struct Tries<K> {
    most: u64,
    window: Duration,
    counts: Mutex<HashMap<K, TryCount>>,
    is_shared: AtomicBool,
    /// What other nodes were not told yet: tries begun, less those that were taken back.
    untold: Mutex<HashMap<K, i64>>,
    news: Notify,
}

impl<K: Clone + Eq + Hash> Tries<K> {
    pub fn new(most: u64, window: Duration) -> Self {
        Self { most, window, counts: Mutex::default(), is_shared: false.into(), untold: Mutex::default(), news: Notify::new() }
    }

    /// Counts a try, or refuses it and does not. Where `parts` nodes cannot hear each other, each lets its part of the limit in.
    pub fn begin(&self, key: K, parts: u64, now: Timestamp) -> Result<CountedTry<K>, ApiError> {
        let mut counts = self.lock();
        let count = self.count(&mut counts, key.clone(), now);
        if count.tries >= self.most.div_ceil(parts.max(1)) {
            let wait = (count.since + self.window).as_millis() - now.as_millis();
            let error = ApiError::new(ErrorCode::RateLimitExceeded).reason("too many log-ins failed: wait a little");
            return Err(error.limit(self.most, self.most + 1).retry_after(whole_seconds(wait)));
        }
        count.tries += 1;
        let since = count.since;
        drop(counts);
        self.note(key.clone(), 1);
        Ok(CountedTry { key, since })
    }

    /// Takes a try back, which was good. Where the time is over that it was counted in, there is nothing to take back: what is counted by
    /// now are others.
    pub fn good(&self, counted: CountedTry<K>) {
        let mut counts = self.lock();
        let Some(count) = counts.get_mut(&counted.key).filter(|count| count.since == counted.since) else { return };
        count.tries = count.tries.saturating_sub(1);
        drop(counts);
        self.note(counted.key, -1);
    }

    /// Counts what another node has told of, in the stretch of time that runs here: clocks of nodes are not compared, and a word is told at
    /// once or not at all, so that it counts no longer here than a try of this moment. A try is told by one node, once. No more is taken
    /// back than was told in this time: that a try was good may be heard where the try was not, or after its time.
    pub fn heard(&self, key: K, change: i64, now: Timestamp) {
        let mut counts = self.lock();
        let count = self.count(&mut counts, key, now);
        if let Ok(more) = u64::try_from(change) {
            count.tries = count.tries.saturating_add(more);
            count.heard = count.heard.saturating_add(more);
        } else {
            let back = change.unsigned_abs().min(count.heard);
            count.tries = count.tries.saturating_sub(back);
            count.heard -= back;
        }
    }

    /// What is to be told to other nodes, who ask for it from now on.
    pub fn take_untold(&self) -> Vec<(K, i64)> {
        self.is_shared.store(true, Ordering::Relaxed);
        let untold = std::mem::take(&mut *self.untold());
        untold.into_iter().filter(|(_, change)| *change != 0).collect()
    }

    /// Waits until there may be something to tell.
    pub async fn changed(&self) {
        self.news.notified().await;
    }

    fn note(&self, key: K, change: i64) {
        if !self.is_shared.load(Ordering::Relaxed) {
            return;
        }
        let mut untold = self.untold();
        if untold.len() < KEYS || untold.contains_key(&key) {
            *untold.entry(key).or_default() += change;
        }
        drop(untold);
        self.news.notify_one();
    }

    /// The count of a key, which begins anew where its time is over.
    fn count<'c>(&self, counts: &'c mut HashMap<K, TryCount>, key: K, now: Timestamp) -> &'c mut TryCount {
        if counts.len() >= KEYS && !counts.contains_key(&key) {
            counts.retain(|_, count| self.runs(count, now));
            if counts.len() >= KEYS {
                // A crowd of keys that were tried once or twice must not make those forgotten that were tried often.
                let fewest = counts.values().map(|count| count.tries).min().unwrap_or(0);
                counts.retain(|_, count| count.tries > fewest);
            }
        }
        let count = counts.entry(key).or_insert(TryCount::new(now));
        if !self.runs(count, now) {
            *count = TryCount::new(now);
        }
        count
    }

    /// Also false after the machine's clock went back.
    fn runs(&self, count: &TryCount, now: Timestamp) -> bool {
        (count.since..count.since + self.window).contains(&now)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, TryCount>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn untold(&self) -> MutexGuard<'_, HashMap<K, i64>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn tries_beyond_the_limit_are_refused_until_their_time_is_over_and_good_ones_do_not_count() {
        let tries = Tries::new(2, MINUTE);
        for _ in 0..5 {
            let counted = tries.begin("a", 1, at(0)).unwrap();
            tries.good(counted);
        }
        tries.begin("a", 1, at(1_000)).unwrap();
        tries.begin("a", 1, at(2_000)).unwrap();
        let refusal = tries.begin("a", 1, at(10_000)).unwrap_err();
        assert_eq!((refusal.code, refusal.details.retry_after), (ErrorCode::RateLimitExceeded, Some(50)));
        tries.begin("b", 1, at(10_000)).unwrap();
        tries.begin("a", 1, at(60_000)).unwrap();
    }

    #[test]
    fn what_one_node_met_counts_on_the_other_and_is_told_once_and_what_was_good_is_taken_back() {
        let (here, there) = (Tries::new(2, MINUTE), Tries::new(2, MINUTE));
        let tell = || {
            for (key, change) in here.take_untold() {
                there.heard(key, change, at(1));
            }
        };
        tell();
        let [_, good] = [0, 1].map(|_| here.begin("a", 1, at(0)).unwrap());
        assert!(there.begin("b", 1, at(1)).is_ok() && here.begin("a", 1, at(1)).is_err());
        tell();
        assert!(there.begin("a", 1, at(1)).is_err(), "both tries are known here");
        here.good(good);
        tell();
        assert!(there.begin("a", 1, at(1)).is_ok(), "one of them was good");
        assert!(here.take_untold().is_empty());
    }

    #[test]
    fn a_good_try_of_another_node_takes_back_what_was_heard_in_this_time_and_no_other_try() {
        let tries = Tries::new(2, MINUTE);
        let full = |millis| tries.begin("a", 1, at(millis)).is_err();
        for _ in 0..2 {
            tries.begin("a", 1, at(0)).unwrap();
        }
        tries.heard("a", -1, at(1));
        assert!(full(2), "the try itself was not heard of");
        tries.begin("a", 1, at(60_000)).unwrap();
        tries.heard("a", 1, at(60_001));
        assert!(full(60_002));
        tries.heard("a", -2, at(60_003));
        assert!(!full(60_004), "the one that was heard of is taken back");
        assert!(full(60_005), "and none of the others");
        tries.heard("a", 1, at(119_000));
        tries.begin("a", 1, at(120_000)).unwrap();
        tries.begin("a", 1, at(120_001)).unwrap();
        tries.heard("a", -1, at(120_002));
        assert!(full(120_003), "it was heard in the time before");
    }

    #[test]
    fn a_good_try_is_taken_back_from_its_own_time_and_from_no_later_one() {
        let tries = Tries::new(2, MINUTE);
        let slow = tries.begin("a", 1, at(0)).unwrap();
        for _ in 0..2 {
            tries.begin("a", 1, at(60_000)).unwrap();
        }
        tries.good(slow);
        assert!(tries.begin("a", 1, at(60_001)).is_err(), "both tries of this minute count");
    }

    #[test]
    fn a_node_that_hears_no_other_lets_its_part_in() {
        let tries = Tries::new(10, MINUTE);
        for _ in 0..4 {
            tries.begin("a", 3, at(0)).unwrap();
        }
        let refusal = tries.begin("a", 3, at(0)).unwrap_err();
        assert_eq!(refusal.details.limit, Some(10), "whoever asks is told the limit of all");
        tries.begin("a", 1, at(0)).unwrap();
    }

    #[test]
    fn a_crowd_of_keys_is_bounded_and_makes_nobody_forgotten_who_was_tried_more_often() {
        let tries = Tries::new(2, MINUTE);
        for _ in 0..2 {
            tries.begin(usize::MAX, 1, at(0)).unwrap();
        }
        for key in 0..3 * KEYS {
            tries.begin(key, 1, at(1)).unwrap();
        }
        assert!(tries.lock().len() <= KEYS);
        assert!(tries.begin(usize::MAX, 1, at(2)).is_err());
    }
}
