//! The keys that this process found lately.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::policy::EvictionPolicy;
use wharf_api::Timestamp;
use wharf_api::ids::KeyId;

use crate::store::KeyWithAccount;

/// How long a found key is believed without asking the database: a revocation takes at most this long to bite.
const CACHE: Duration = Duration::from_secs(5);
/// How many keys are remembered at the most.
const CACHE_KEYS: u64 = 10_000;

/// Keys that were found a moment ago, so that a request costs no look-up. Who was not seen for longest makes room.
pub struct Cache {
    found: moka::sync::Cache<KeyId, CachedKey>,
    /// Goes up when every key is to be looked up anew.
    turn: AtomicU64,
    /// The keys that changed lately, with the number of their change.
    changed: moka::sync::Cache<KeyId, u64>,
    changes: AtomicU64,
}

/// When a look at the database began.
#[derive(Clone, Copy)]
pub(super) struct Look {
    turn: u64,
    changes: u64,
}

#[derive(Clone)]
struct CachedKey {
    at: Timestamp,
    turn: u64,
    /// Each request has it, and none changes it.
    key: Arc<KeyWithAccount>,
}

impl Default for Cache {
    fn default() -> Self {
        let found = moka::sync::Cache::builder().max_capacity(CACHE_KEYS).eviction_policy(EvictionPolicy::lru()).build();
        let changed = moka::sync::Cache::builder().max_capacity(CACHE_KEYS).eviction_policy(EvictionPolicy::lru()).build();
        Self { found, turn: AtomicU64::default(), changed, changes: AtomicU64::default() }
    }
}

impl Cache {
    pub(super) fn get(&self, id: &KeyId, now: Timestamp) -> Option<Arc<KeyWithAccount>> {
        let is_fresh = |found: &CachedKey| (found.at..found.at + CACHE).contains(&now);
        let found = self.found.get(id).filter(|found| is_fresh(found) && found.turn == self.turn.load(Ordering::Acquire))?;
        Some(found.key)
    }

    /// The hash of a key that was found at some time, and may have been revoked since.
    pub(super) fn hash(&self, id: &KeyId) -> Option<Vec<u8>> {
        self.found.get(id).map(|found| found.key.key.secret_hash.clone())
    }

    /// To be begun before the database is asked.
    pub(super) fn look(&self) -> Look {
        Look { turn: self.turn.load(Ordering::Acquire), changes: self.changes.load(Ordering::Acquire) }
    }

    pub(super) fn put(&self, key: Arc<KeyWithAccount>, at: Timestamp, look: Look) {
        let id = key.key.id.clone();
        self.found.insert(id.clone(), CachedKey { at, turn: look.turn, key });
        // In this order: whoever forgets the key meanwhile either takes away what was put, or is seen here.
        if self.changed.get(&id).is_some_and(|change| change > look.changes) {
            self.found.invalidate(&id);
        }
    }

    /// Has the key looked up anew, also by a request that is looking now and found what was.
    pub(crate) fn forget(&self, id: &KeyId) {
        self.changed.insert(id.clone(), self.changes.fetch_add(1, Ordering::AcqRel) + 1);
        self.found.invalidate(id);
    }

    /// Has every key looked up anew at its next use: a plan has changed.
    pub fn expire(&self) {
        self.turn.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, key};

    /// Whether the sample's key is known at that time.
    fn knows(cache: &Cache, now: i64) -> bool {
        cache.get(&key().key.id, at(now)).is_some()
    }

    #[test]
    fn a_found_key_is_believed_for_five_seconds_and_its_hash_is_known_for_longer() {
        let cache = Cache::default();
        cache.put(Arc::new(key()), at(0), cache.look());
        assert_eq!([0, 4_999, 5_000].map(|now| knows(&cache, now)), [true, true, false]);
        assert!(!knows(&cache, -1), "what was found later than now was found by another count of time");
        assert_eq!(cache.hash(&key().key.id), Some(key().key.secret_hash));
    }

    #[test]
    fn a_key_that_changed_is_looked_up_anew_also_by_who_found_it_a_moment_before() {
        let cache = Cache::default();
        let before = cache.look();
        cache.forget(&key().key.id);
        cache.put(Arc::new(key()), at(0), before);
        assert!(!knows(&cache, 0), "it was read before the change, and put after it");
        cache.put(Arc::new(key()), at(0), cache.look());
        assert!(knows(&cache, 0));
        cache.forget(&key().key.id);
        assert!(!knows(&cache, 0));
    }

    #[test]
    fn a_change_of_all_reaches_those_that_are_being_looked_up() {
        let cache = Cache::default();
        let before = cache.look();
        cache.put(Arc::new(key()), at(0), cache.look());
        cache.expire();
        assert!(!knows(&cache, 0));
        cache.put(Arc::new(key()), at(0), before);
        assert!(!knows(&cache, 0), "it was read before the change");
        cache.put(Arc::new(key()), at(0), cache.look());
        assert!(knows(&cache, 0));
    }
}
