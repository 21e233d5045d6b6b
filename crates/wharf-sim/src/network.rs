//! What all connections and the control API share: the accounts, and what each part of the network knows.

mod start;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::Account;
use crate::account::device::Pending;
use crate::address::Number;
use crate::calls::Calls;
use crate::cast::{self, Behaviour};
use crate::config::Wishes;
use crate::connection::door::Door;
use crate::faults::Faults;
use crate::group::Groups;
use crate::history;
use crate::media::Media;
use crate::noise::ServerIdentity;
use crate::pairing::Candidate;
use crate::persist::{self, WorldStore};
use crate::presence::Presences;
use crate::profile::Profiles;
use crate::restriction::Restrictions;
use crate::spelling::Spellings;
use crate::stats::Stats;
use crate::version::Versions;

pub use start::Network;

/// What every connection and every request of the control API reaches.
pub(crate) struct Net {
    pub(crate) identity: ServerIdentity,
    accounts: RwLock<HashMap<Number, Arc<Account>>>,
    /// Devices waiting to be scanned, by QR reference.
    pub(crate) references: Mutex<HashMap<String, Arc<Candidate>>>,
    /// Devices waiting for a typed code, by phone number.
    pub(crate) codes: Mutex<HashMap<Number, Arc<Candidate>>>,
    pub(crate) calls: Calls,
    pub(crate) faults: Faults,
    pub(crate) groups: Groups,
    pub(crate) profiles: Profiles,
    pub(crate) presences: Presences,
    pub(crate) restrictions: Restrictions,
    pub(crate) history: history::Sizes,
    pub(crate) spellings: Spellings,
    pub(crate) stats: Stats,
    pub(crate) versions: Versions,
    control_address: SocketAddr,
    pub(crate) wishes: Wishes,
    pub(crate) store: Option<WorldStore>,
    pub(crate) media: Media,
    pub(crate) door: Door,
    pub(crate) stop: CancellationToken,
    /// Connections and the delayed acts of people.
    pub(crate) tasks: TaskTracker,
    pub(crate) next_connection: AtomicU64,
}

impl Net {
    /// An account that exists, or one of the cast on first use; `None` is not on WhatsApp.
    pub(crate) fn account(&self, number: Number) -> Option<Arc<Account>> {
        if let Some(known) = self.known(number) {
            return Some(known);
        }
        let (name, behaviour) = cast::find(number)?;
        Some(self.insert(Account::create(number, name, behaviour)))
    }

    pub(crate) fn known(&self, number: Number) -> Option<Arc<Account>> {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    /// The account that scans: made if missing, whatever its number.
    pub(crate) fn owner(&self, number: Number) -> Arc<Account> {
        self.account(number).unwrap_or_else(|| self.insert(Account::create(number, format!("Owner {number}"), Behaviour::Owner)))
    }

    /// The owner who goes by a name, made if missing. Without a name each is another one.
    pub(crate) fn owner_named(&self, name: Option<&str>) -> Arc<Account> {
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        let owner = |account: &&Arc<Account>| account.behaviour == Behaviour::Owner && name.is_some_and(|name| account.name() == name);
        if let Some(known) = accounts.values().find(owner) {
            return Arc::clone(known);
        }
        let free = cast::NAMED_OWNERS.map(Number).find(|number| !accounts.contains_key(number)).unwrap_or(cast::DEFAULT_OWNER);
        let name = name.map_or_else(|| format!("Owner {free}"), str::to_owned);
        let account = Arc::new(Account::create(free, name, Behaviour::Owner));
        accounts.insert(free, Arc::clone(&account));
        drop(accounts);
        self.save(&account);
        account
    }

    fn insert(&self, account: Account) -> Arc<Account> {
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        let account = Arc::clone(accounts.entry(account.number).or_insert_with(|| Arc::new(account)));
        drop(accounts);
        self.save(&account);
        account
    }

    pub(crate) fn accounts(&self) -> Vec<Arc<Account>> {
        let mut all: Vec<_> = self.accounts.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        all.sort_by_key(|account| account.number);
        all
    }

    /// The base address of the control API.
    pub(crate) fn control_url(&self) -> String {
        format!("http://{}", self.control_address)
    }

    /// Groups change rarely and are written at once.
    pub(crate) fn save_groups(&self) {
        if let Some(store) = &self.store {
            store.write_shared(persist::Shared::Groups(&self.groups.all()));
        }
    }

    /// Pictures, abouts and blocklists change rarely and are written at once.
    pub(crate) fn save_profiles(&self) {
        if let Some(store) = &self.store {
            store.write_shared(persist::Shared::Profiles(&self.profiles.all()));
        }
    }

    /// Keeps a stanza for a device until it is acknowledged, and sends it when the device listens.
    pub(crate) fn enqueue(&self, account: &Arc<Account>, device: u16, pending: Pending) {
        if let Some(device) = account.registry().devices.get_mut(&device) {
            device.enqueue(pending);
        }
        self.save(account);
    }

    /// Has the account written to disk soon.
    pub(crate) fn save(&self, account: &Arc<Account>) {
        if let Some(store) = &self.store
            && account.mark_dirty()
        {
            store.enqueue(Arc::clone(account));
        }
    }
}
