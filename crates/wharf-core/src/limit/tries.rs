//! Tries of something that must not be guessed, counted for each address or name in stretches of time that begin with the first.
//!
//! A try is counted before it is known how it ends, and taken back where it was good: a thousand at once are a thousand.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wharf_api::{ApiError, ErrorCode, Timestamp};

use super::whole_seconds;

/// How many keys are remembered at the most.
const KEYS: usize = 10_000;

struct Count {
    since: Timestamp,
    tries: u64,
}

/// The tries of all keys.
pub struct Tries<K> {
    most: u64,
    window_ms: i64,
    counts: Mutex<HashMap<K, Count>>,
}

impl<K: Eq + Hash> Tries<K> {
    pub fn new(most: u64, window_ms: i64) -> Self {
        Self { most, window_ms, counts: Mutex::default() }
    }

    /// Counts a try, or refuses it and does not.
    pub fn begin(&self, key: K, now: Timestamp) -> Result<(), ApiError> {
        let mut counts = self.lock();
        if counts.len() >= KEYS && !counts.contains_key(&key) {
            counts.retain(|_, count| self.runs(count, now));
            if counts.len() >= KEYS {
                // A crowd of keys that were tried once or twice must not make those forgotten that were tried often.
                let fewest = counts.values().map(|count| count.tries).min().unwrap_or(0);
                counts.retain(|_, count| count.tries > fewest);
            }
        }
        let count = counts.entry(key).or_insert(Count { since: now, tries: 0 });
        if !self.runs(count, now) {
            *count = Count { since: now, tries: 0 };
        }
        if count.tries >= self.most {
            let wait = count.since.as_millis() + self.window_ms - now.as_millis();
            let error = ApiError::new(ErrorCode::RateLimitExceeded).reason("too many log-ins failed: wait a little");
            return Err(error.limit(self.most, self.most + 1).retry_after(whole_seconds(wait)));
        }
        count.tries += 1;
        Ok(())
    }

    /// Takes a try back, which was good.
    pub fn good(&self, key: &K) {
        if let Some(count) = self.lock().get_mut(key) {
            count.tries = count.tries.saturating_sub(1);
        }
    }

    /// Also false after the machine's clock went back.
    fn runs(&self, count: &Count, now: Timestamp) -> bool {
        (0..self.window_ms).contains(&(now.as_millis() - count.since.as_millis()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn tries_beyond_the_limit_are_refused_until_their_time_is_over_and_good_ones_do_not_count() {
        let tries = Tries::new(2, 60_000);
        for _ in 0..5 {
            tries.begin("a", at(0)).unwrap();
            tries.good(&"a");
        }
        tries.begin("a", at(1_000)).unwrap();
        tries.begin("a", at(2_000)).unwrap();
        let refusal = tries.begin("a", at(10_000)).unwrap_err();
        assert_eq!((refusal.code, refusal.details.retry_after), (ErrorCode::RateLimitExceeded, Some(50)));
        tries.begin("b", at(10_000)).unwrap();
        tries.begin("a", at(60_000)).unwrap();
    }

    #[test]
    fn a_crowd_of_keys_is_bounded_and_makes_nobody_forgotten_who_was_tried_more_often() {
        let tries = Tries::new(2, 60_000);
        for _ in 0..2 {
            tries.begin(usize::MAX, at(0)).unwrap();
        }
        for key in 0..3 * KEYS {
            tries.begin(key, at(1)).unwrap();
        }
        assert!(tries.lock().len() <= KEYS);
        assert!(tries.begin(usize::MAX, at(2)).is_err());
    }
}
