//! What was read last, where only this process changes it: asked for with every message, and the same each time.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Values by their keys. All go when there are too many.
pub struct Recent<K, V> {
    values: Mutex<Values<K, V>>,
    most: usize,
}

struct Values<K, V> {
    /// How many changes there were.
    changes: u64,
    /// How many have begun and not ended.
    begun: u64,
    by_key: HashMap<K, V>,
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    pub fn new(most: usize) -> Self {
        Self { values: Mutex::new(Values { changes: 0, begun: 0, by_key: HashMap::new() }), most }
    }

    /// The value; where it is not known, what [`Recent::keep`] wants with one that is read from now on.
    ///
    /// # Errors
    /// It is not known.
    pub fn find<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Result<V, u64>
    where
        K: Borrow<Q>,
    {
        let values = self.values();
        values.by_key.get(key).cloned().ok_or(values.changes)
    }

    /// Keeps a value, unless it may have changed since it was asked for.
    pub fn keep(&self, key: K, value: V, changes: u64) {
        let mut values = self.values();
        if values.changes != changes || values.begun > 0 {
            return;
        }
        if values.by_key.len() >= self.most {
            values.by_key.clear();
        }
        values.by_key.insert(key, value);
    }

    /// Forgets all: one of them has changed. Before whoever changed it is answered.
    pub fn forget(&self) {
        let mut values = self.values();
        values.changes += 1;
        values.by_key.clear();
    }

    /// Forgets all, and keeps nothing until [`Recent::end`]. Whoever begins a change and never comes to its end does not know when it is made:
    /// nothing is kept any more.
    pub fn begin(&self) {
        self.values().begun += 1;
        self.forget();
    }

    pub fn end(&self) {
        self.forget();
        let mut values = self.values();
        values.begun = values.begun.saturating_sub(1);
    }

    fn values(&self) -> MutexGuard<'_, Values<K, V>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let recent = Recent::new(10);
        let before = recent.find("a").unwrap_err();
        recent.forget();
        recent.keep("a", 1, before);
        let after = recent.find("a").unwrap_err();
        recent.keep("a", 2, after);
        assert_eq!(recent.find("a"), Ok(2));
        recent.forget();
        assert!(recent.find("a").is_err());
    }

    #[test]
    fn nothing_is_kept_while_a_change_is_made_and_none_is_read_into_it() {
        let recent = Recent::new(10);
        recent.begin();
        let within = recent.find("a").unwrap_err();
        recent.keep("a", 1, within);
        assert!(recent.find("a").is_err());
        recent.end();
        recent.keep("a", 1, within);
        assert!(recent.find("a").is_err());
        let after = recent.find("a").unwrap_err();
        recent.keep("a", 2, after);
        assert_eq!(recent.find("a"), Ok(2));
    }

    #[test]
    fn there_are_never_more_than_so_many() {
        let recent = Recent::new(2);
        let changes = recent.find("a").unwrap_err();
        for key in ["a", "b", "c"] {
            recent.keep(key, 1, changes);
        }
        assert_eq!(["a", "b", "c"].map(|key| recent.find(key).is_ok()), [false, false, true]);
    }
}
