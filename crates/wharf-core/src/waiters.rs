//! Who waits for a word of something that has an id: one waits for each, the last who began to, and hears it once.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// All who wait. A word that nobody waits for is kept nowhere.
pub struct Waiters<K, V> {
    waiting: Mutex<HashMap<K, oneshot::Sender<V>>>,
}

impl<K, V> Waiters<K, V> {
    pub fn new() -> Self {
        Self { waiting: Mutex::new(HashMap::new()) }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, oneshot::Sender<V>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Default for Waiters<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Clone + Eq + Hash, V> Waiters<K, V> {
    /// Begins to wait. To be called before anybody can have the word.
    pub fn expect(self: &Arc<Self>, id: K) -> Waiter<K, V> {
        let (sender, word) = oneshot::channel();
        self.lock().insert(id.clone(), sender);
        Waiter { all: Arc::clone(self), id, word }
    }

    /// Tells the one who waits; `false` where nobody does.
    pub fn tell<Q>(&self, id: &Q, word: V) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let waiting = self.lock().remove(id);
        let Some(waiting) = waiting else { return false };
        // Who waited may have given up in this very moment.
        let _ = waiting.send(word);
        true
    }

    /// Ends a wait without a word; `false` where nobody waits.
    pub fn dismiss<Q>(&self, id: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.lock().remove(id).is_some()
    }

    /// Whether somebody waits.
    pub fn has<Q>(&self, id: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.lock().contains_key(id)
    }
}

/// One who waits. Dropping it ends the wait.
pub struct Waiter<K: Eq + Hash, V> {
    all: Arc<Waiters<K, V>>,
    id: K,
    word: oneshot::Receiver<V>,
}

impl<K: Eq + Hash, V> Waiter<K, V> {
    /// The word, once; `None` where the wait was ended without one.
    pub async fn word(&mut self) -> Option<V> {
        if self.word.is_terminated() {
            return None;
        }
        (&mut self.word).await.ok()
    }

    /// The word, if it is there.
    pub fn come(&mut self) -> Option<V> {
        self.word.try_recv().ok()
    }
}

impl<K: Eq + Hash, V> Drop for Waiter<K, V> {
    fn drop(&mut self) {
        self.word.close();
        let mut waiting = self.all.lock();
        // Somebody else may have begun to wait for the same: that wait goes on.
        if waiting.get(&self.id).is_some_and(oneshot::Sender::is_closed) {
            waiting.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiters() -> Arc<Waiters<String, u32>> {
        Arc::default()
    }

    #[tokio::test]
    async fn who_waits_hears_its_own_word_and_nobody_hears_it_again() {
        let all = waiters();
        let (mut one, mut other) = (all.expect("one".to_owned()), all.expect("other".to_owned()));
        assert!(all.has("one") && all.tell("one", 1) && !all.has("one"));
        assert_eq!((one.word().await, other.come()), (Some(1), None));
        assert!(!all.tell("one", 2), "it was told");
        assert!(all.tell("other", 3));
        assert_eq!(other.come(), Some(3));
    }

    #[test]
    fn who_has_gone_waits_no_more() {
        let all = waiters();
        drop(all.expect("one".to_owned()));
        assert!(!all.has("one") && !all.tell("one", 1) && !all.dismiss("one"));
    }

    #[tokio::test]
    async fn who_waits_for_the_same_after_another_takes_its_place_and_keeps_it_when_that_one_goes() {
        let all = waiters();
        let mut first = all.expect("one".to_owned());
        let mut second = all.expect("one".to_owned());
        assert_eq!(first.word().await, None, "it is told nothing");
        drop(first);
        assert!(all.has("one") && all.tell("one", 1));
        assert_eq!(second.word().await, Some(1));
        drop(second);
        assert!(!all.has("one"));
    }

    #[tokio::test]
    async fn a_wait_that_is_dismissed_ends_without_a_word_each_time_it_is_asked() {
        let all = waiters();
        let mut one = all.expect("one".to_owned());
        assert!(all.dismiss("one"));
        assert_eq!((one.word().await, one.word().await, one.come()), (None, None, None));
    }
}
