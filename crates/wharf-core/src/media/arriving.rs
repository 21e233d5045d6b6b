//! What is on its way in, by account.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use wharf_api::ids::AccountId;

/// What is on its way in for one account.
#[derive(Default)]
pub(super) struct Arrivals {
    pub(super) arriving: AtomicU64,
    /// Held from the last look at what is stored until the file is stored too: of two files that fit alone only one is let in.
    pub(super) last_look: tokio::sync::Mutex<()>,
}

/// What is on its way in on this node, for all accounts. A file that lands on another node at the same moment is seen by the next one only.
#[derive(Default)]
pub struct Room(Mutex<HashMap<AccountId, Weak<Arrivals>>>);

impl Room {
    pub(super) fn of(&self, account: &AccountId) -> Arc<Arrivals> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.retain(|_, state| state.strong_count() > 0);
        if let Some(state) = accounts.get(account).and_then(Weak::upgrade) {
            return state;
        }
        let state = Arc::new(Arrivals::default());
        accounts.insert(account.clone(), Arc::downgrade(&state));
        state
    }
}
