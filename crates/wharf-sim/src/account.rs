//! An account: its phone, its linked devices as the server knows them, and the records kept about it. Each part has its own lock, held
//! only for the length of one step, so that no connection waits for another account.

pub(crate) mod app_state;
pub(crate) mod bundle;
pub(crate) mod device;
pub(crate) mod passkey;

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::address::{Address, Number};
use crate::books::Books;
use crate::cast::Behaviour;
use crate::phone::Phone;
use crate::phone::keyring::Keyring;
use app_state::AppState;
use device::Device;
use passkey::Passkey;

/// What the server keeps about the linked devices of an account.
pub(crate) struct Registry {
    pub(crate) devices: BTreeMap<u16, Device>,
    pub(crate) next_device: u16,
    pub(crate) next_key_index: u32,
    /// Names this generation of the device list in signed lists.
    pub(crate) raw_id: u32,
    /// Accounts that asked for the device list and are told when it changes.
    pub(crate) watchers: HashSet<Number>,
}

impl Registry {
    pub(crate) fn new(raw_id: u32) -> Self {
        Self { devices: BTreeMap::new(), next_device: 1, next_key_index: 1, raw_id, watchers: HashSet::new() }
    }
}

pub(crate) struct Account {
    pub(crate) number: Number,
    name: Mutex<String>,
    pub(crate) behaviour: Behaviour,
    registry: Mutex<Registry>,
    phone: Mutex<Phone>,
    books: Mutex<Books>,
    app_state: Mutex<AppState>,
    passkey: Mutex<Option<Passkey>>,
    dirty: AtomicBool,
    /// One of its devices came and wants what waited for it.
    pub(crate) arrived: Notify,
}

impl Account {
    pub(crate) fn create(number: Number, name: String, behaviour: Behaviour) -> Self {
        let awake = behaviour != Behaviour::Asleep;
        let phone = Phone::new(number, Keyring::generate(), awake);
        let raw_id = u32::from_be_bytes(crate::keys::random_bytes());
        Self::restore(number, name, behaviour, (Registry::new(raw_id), AppState::default()), phone)
    }

    pub(crate) fn restore(
        number: Number,
        name: String,
        behaviour: Behaviour,
        (registry, app_state): (Registry, AppState),
        phone: Phone,
    ) -> Self {
        Self {
            number,
            name: Mutex::new(name),
            behaviour,
            registry: Mutex::new(registry),
            phone: Mutex::new(phone),
            books: Mutex::new(Books::default()),
            app_state: Mutex::new(app_state),
            passkey: Mutex::default(),
            dirty: AtomicBool::new(false),
            arrived: Notify::new(),
        }
    }

    /// What its person goes by.
    pub(crate) fn name(&self) -> String {
        lock(&self.name).clone()
    }

    /// The person wants to be called so from now on; gives true where that is news.
    pub(crate) fn rename(&self, name: &str) -> bool {
        let mut known = lock(&self.name);
        let news = !name.is_empty() && *known != name;
        if news {
            name.clone_into(&mut known);
        }
        news
    }

    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        lock(&self.registry)
    }

    pub(crate) fn phone(&self) -> MutexGuard<'_, Phone> {
        lock(&self.phone)
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }

    pub(crate) fn app_state(&self) -> MutexGuard<'_, AppState> {
        lock(&self.app_state)
    }

    /// The passkey that has to confirm every link; most accounts have none.
    pub(crate) fn passkey(&self) -> MutexGuard<'_, Option<Passkey>> {
        lock(&self.passkey)
    }

    /// All devices, the phone first.
    pub(crate) fn addresses(&self) -> Vec<Address> {
        let mut all = vec![Address::phone(self.number)];
        all.extend(self.registry().devices.keys().map(|device| Address::new(self.number, *device)));
        all
    }

    /// Whether a linked device says that its person is there.
    pub(crate) fn has_available_device(&self) -> bool {
        self.registry().devices.values().any(|device| device.available && device.handle.is_some())
    }

    /// True for the first call since the last save.
    pub(crate) fn mark_dirty(&self) -> bool {
        !self.dirty.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn clear_dirty(&self) {
        self.dirty.store(false, Ordering::Release);
    }
}

/// A panic in one step must not take the whole network with it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
