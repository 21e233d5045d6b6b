//! Who is told that something was committed. A ring is a hint and never the news itself: whoever hears it looks into the store.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use wharf_api::ids::AccountId;

use crate::message::handover::Handover;

/// The bell of one process. What other processes commit does not ring it, so that listeners look now and then by themselves.
#[derive(Default)]
pub struct Bell {
    accounts: Mutex<HashMap<AccountId, watch::Sender<()>>>,
    webhooks: Mutex<HashSet<i64>>,
    webhooks_rang: Notify,
    handover: Handover,
}

impl Bell {
    /// Rings whenever events of the account were committed, from now on.
    pub fn listen(&self, account: &AccountId) -> watch::Receiver<()> {
        lock(&self.accounts).entry(account.clone()).or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    pub fn ring(&self, account: &AccountId) {
        let mut accounts = lock(&self.accounts);
        // `send` fails where nobody listens any more.
        if accounts.get(account).is_some_and(|sender| sender.send(()).is_err()) {
            accounts.remove(account);
        }
    }

    /// Tells that webhooks, by their numbers, have something to be delivered or were changed.
    pub fn ring_webhooks(&self, numbers: &[i64]) {
        if !numbers.is_empty() {
            lock(&self.webhooks).extend(numbers);
            self.webhooks_rang.notify_one();
        }
    }

    /// What this process accepts for the sessions that it runs: the one thing that is handed over and not only rung for.
    pub const fn handover(&self) -> &Handover {
        &self.handover
    }

    /// The webhooks that rang since the last call; waits until one does. For one caller at a time.
    pub async fn webhooks(&self) -> HashSet<i64> {
        loop {
            let rang = std::mem::take(&mut *lock(&self.webhooks));
            if !rang.is_empty() {
                return rang;
            }
            self.webhooks_rang.notified().await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chance;
    use crate::chance::SystemChance;

    #[tokio::test]
    async fn a_listener_hears_its_own_account_and_leaves_nothing_behind() {
        let bell = Bell::default();
        let chance: &dyn Chance = &SystemChance;
        let (one, two) = (chance.account_id(), chance.account_id());
        let mut ears = bell.listen(&one);
        bell.ring(&two);
        assert!(!ears.has_changed().unwrap());
        bell.ring(&one);
        ears.changed().await.unwrap();
        drop(ears);
        bell.ring(&one);
        assert!(lock(&bell.accounts).is_empty());
    }

    #[tokio::test]
    async fn webhooks_that_ring_while_nobody_waits_are_kept() {
        let bell = Bell::default();
        bell.ring_webhooks(&[1, 2]);
        bell.ring_webhooks(&[2, 3]);
        assert_eq!(bell.webhooks().await, HashSet::from([1, 2, 3]));
    }
}
