//! What a process remembers of those who sign in.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wharf_api::ids::LoginId;
use wharf_api::{Timestamp, limits};

use super::turns::Turns;
use crate::limit::Tries;
use crate::store::LoginRow;

/// How many log-ins this process remembers to have found good.
const REMEMBERED: usize = 10_000;
/// The window of an address, and that of a name: at most 80 tries of a name an hour.
const ADDRESS_WINDOW_MS: i64 = 60_000;
const NAME_WINDOW_MS: i64 = 15 * 60 * 1000;

/// Who may try, how many passwords are looked at, and whom this process has let in.
pub struct Doors {
    pub(super) addresses: Tries<IpAddr>,
    pub(super) names: Tries<String>,
    pub(super) turns: Turns,
    /// When each log-in was found good last, by the steady clock.
    good: Mutex<HashMap<LoginId, (Vec<u8>, Timestamp)>>,
}

impl Default for Doors {
    fn default() -> Self {
        Self {
            addresses: Tries::new(limits::LOGIN_FAILURES_OF_ADDRESS, ADDRESS_WINDOW_MS),
            names: Tries::new(limits::LOGIN_FAILURES_OF_NAME, NAME_WINDOW_MS),
            turns: Turns::default(),
            good: Mutex::default(),
        }
    }
}

impl Doors {
    pub(super) fn remember(&self, login: &LoginRow, now: Timestamp) {
        let mut good = self.good();
        if good.len() >= REMEMBERED {
            good.clear();
        }
        good.insert(login.id.clone(), (login.secret_hash.clone(), now));
    }

    pub(crate) fn forget(&self, id: &LoginId) {
        self.good().remove(id);
    }

    pub(crate) fn forget_all(&self) {
        self.good().clear();
    }

    pub(super) fn good(&self) -> MutexGuard<'_, HashMap<LoginId, (Vec<u8>, Timestamp)>> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
