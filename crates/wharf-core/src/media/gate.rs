//! How much of one kind an account does at the same time, such as fetching files from other people's servers: the next one waits for its turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wharf_api::ids::AccountId;

/// The turns of all accounts. What one account does slowly takes no turn from another.
pub struct Gate {
    /// How many permits each account has.
    turns: usize,
    accounts: Mutex<HashMap<AccountId, Weak<Semaphore>>>,
}

impl Gate {
    pub fn new(turns: usize) -> Self {
        Self { turns, accounts: Mutex::default() }
    }

    /// Waits until the account has a turn left, in the order of asking. The turn lasts as long as the answer is held.
    pub async fn enter(&self, account: &AccountId) -> OwnedSemaphorePermit {
        self.of(account).acquire_owned().await.expect("the semaphore is never closed")
    }

    fn of(&self, account: &AccountId) -> Arc<Semaphore> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.retain(|_, turns| turns.strong_count() > 0);
        if let Some(turns) = accounts.get(account).and_then(Weak::upgrade) {
            return turns;
        }
        let turns = Arc::new(Semaphore::new(self.turns));
        accounts.insert(account.clone(), Arc::downgrade(&turns));
        turns
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use wharf_api::ids::Uuid;

    use super::*;

    #[test]
    fn an_account_waits_for_its_own_turns_only_and_nothing_is_remembered_of_it() {
        let (one, other) = (AccountId::from_uuid(Uuid::from_u128(1)), AccountId::from_uuid(Uuid::from_u128(2)));
        let gate = Gate::new(2);
        let mut held: Vec<_> = (0..2).map(|_| gate.enter(&one).now_or_never().unwrap()).collect();
        assert!(gate.enter(&one).now_or_never().is_none());
        assert!(gate.enter(&other).now_or_never().is_some());
        held.pop();
        held.push(gate.enter(&one).now_or_never().unwrap());
        assert!(gate.enter(&one).now_or_never().is_none());
        drop(held);
        drop(gate.enter(&other).now_or_never());
        assert_eq!(gate.accounts.lock().unwrap().len(), 1);
    }

    #[test]
    fn who_stops_waiting_takes_no_turn_and_the_others_keep_their_order() {
        let (account, gate) = (AccountId::from_uuid(Uuid::from_u128(1)), Gate::new(1));
        let held = gate.enter(&account).now_or_never().unwrap();
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(gate.enter(&account))).collect();
        for one in &mut waiting {
            assert!(one.as_mut().now_or_never().is_none());
        }
        drop(waiting.remove(0));
        drop(held);
        assert!(waiting[1].as_mut().now_or_never().is_none(), "it is another one's turn");
        let turn = waiting[0].as_mut().now_or_never().expect("it asked first of those who wait");
        drop(turn);
        assert!(waiting[1].as_mut().now_or_never().is_some());
    }
}
