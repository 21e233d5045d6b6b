//! What a process remembers of those who sign in, and what nodes tell each other of their tries.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wharf_api::ids::LoginId;
use wharf_api::{Timestamp, limits};

use super::turns::Turns;
use crate::limit::Tries;
use crate::store::LoginRow;

/// How many log-ins this process remembers to have found good.
const REMEMBERED: usize = 10_000;
/// The window of an address, and that of a name: at most 80 tries of a name an hour.
const ADDRESS_WINDOW: Duration = Duration::from_mins(1);
const NAME_WINDOW: Duration = Duration::from_mins(15);

/// Who may try, how many passwords are looked at, and whom this process has let in.
pub struct Doors {
    pub(super) addresses: Tries<IpAddr>,
    /// By their marks: a name that nobody has is often a password, and nodes tell each other of it.
    pub(super) names: Tries<String>,
    pub(super) turns: Turns,
    /// When each log-in was found good last, by the steady clock.
    good: Mutex<HashMap<LoginId, (Vec<u8>, Timestamp)>>,
}

impl Default for Doors {
    fn default() -> Self {
        Self {
            addresses: Tries::new(limits::LOGIN_FAILURES_OF_ADDRESS, ADDRESS_WINDOW),
            names: Tries::new(limits::LOGIN_FAILURES_OF_NAME, NAME_WINDOW),
            turns: Turns::default(),
            good: Mutex::default(),
        }
    }
}

/// Tries that a node has met: each address and each name's mark with how many more, or fewer where some turned out good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    pub addresses: Vec<(IpAddr, i64)>,
    pub names: Vec<(String, i64)>,
}

impl Doors {
    /// What other nodes do not know yet, once there is something. They ask for it from now on.
    pub async fn untold(&self) -> Tried {
        loop {
            let tried = Tried { addresses: self.addresses.take_untold(), names: self.names.take_untold() };
            if !tried.addresses.is_empty() || !tried.names.is_empty() {
                return tried;
            }
            tokio::select! {
                () = self.addresses.changed() => {}
                () = self.names.changed() => {}
            }
        }
    }

    /// Counts what another node has met.
    pub fn heard(&self, tried: Tried, now: Timestamp) {
        for (address, change) in tried.addresses {
            self.addresses.heard(address, change, now);
        }
        for (name, change) in tried.names {
            self.names.heard(name, change, now);
        }
    }

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
