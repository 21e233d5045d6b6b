//! Start and stop, and what all connections share. Owns the listeners; refuses to start outside loopback.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::Account;
use crate::address::Number;
use crate::calls::Calls;
use crate::cast::{self, Behaviour};
use crate::config::{Config, Error, Wishes};
use crate::connection::Door;
use crate::faults::Faults;
use crate::group::Groups;
use crate::media::{self, Media};
use crate::noise::ServerIdentity;
use crate::pairing::Candidate;
use crate::persist::Store;
use crate::presence::Presences;
use crate::profile::Profiles;
use crate::restriction::Restrictions;
use crate::spelling::Spellings;
use crate::stats::Stats;
use crate::version::Versions;
use crate::{connection, control, history, keys, persist};

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
    pub(crate) store: Option<Store>,
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

    /// Has the account written to disk soon.
    pub(crate) fn save(&self, account: &Arc<Account>) {
        if let Some(store) = &self.store
            && account.mark_dirty()
        {
            store.enqueue(Arc::clone(account));
        }
    }
}

/// A running network. Dropping it leaves it running; [`Network::shutdown`] ends it.
pub struct Network {
    net: Arc<Net>,
    address: SocketAddr,
    control_address: SocketAddr,
    serving: Vec<JoinHandle<()>>,
    saving: Option<JoinHandle<()>>,
}

impl Network {
    /// Loads what the data folder holds and listens.
    pub async fn start(config: Config) -> Result<Self, Error> {
        config.check()?;
        let mut loaded = match &config.data_dir {
            Some(folder) => persist::load(folder)?,
            None => persist::Loaded::fresh(),
        };
        if let Some(path) = &config.wishes.root_key {
            loaded.identity = loaded.identity.under(persist::root_key(path)?);
        }
        let listener = listen(config.bind).await?;
        let control_listener = listen(config.control_bind).await?;
        let address = local_address(&listener, config.bind)?;
        let control_address = local_address(&control_listener, config.control_bind)?;

        let folder = config.data_dir.clone().unwrap_or_default();
        let media = Media::open(config.data_dir.as_deref()).map_err(|source| Error::Storage { path: folder, source })?;
        let media_listener = listen_again(config.bind.ip(), media.last_port()).await?;
        media.listens_on(local_address(&media_listener, config.bind)?);

        let (store, saver) = match &config.data_dir {
            Some(folder) => {
                let (store, saver) = Store::new(folder.clone());
                (Some(store), Some(saver))
            }
            None => (None, None),
        };
        let stop = CancellationToken::new();
        let (door, callers) = Door::new();
        let net = Arc::new(Net {
            identity: loaded.identity,
            accounts: RwLock::new(loaded.accounts.into_iter().map(|account| (account.number, Arc::new(account))).collect()),
            references: Mutex::default(),
            codes: Mutex::default(),
            calls: Calls::default(),
            faults: Faults::default(),
            groups: Groups::new(loaded.groups),
            profiles: Profiles::new(loaded.profiles, control_address),
            presences: Presences::default(),
            restrictions: Restrictions::default(),
            history: history::Sizes::default(),
            spellings: Spellings::default(),
            stats: Stats::default(),
            versions: Versions::new(&stop),
            control_address,
            wishes: config.wishes,
            store,
            media,
            door,
            stop,
            tasks: TaskTracker::new(),
            next_connection: AtomicU64::new(1),
        });
        let saving = saver.map(|saver| tokio::spawn(saver.run()));
        let serving = vec![
            tokio::spawn(connection::accept(Arc::clone(&net), listener)),
            tokio::spawn(connection::serve_callers(Arc::clone(&net), callers)),
            tokio::spawn(control::serve(Arc::clone(&net), control_listener)),
            tokio::spawn(media::serve(Arc::clone(&net), media_listener)),
        ];
        Ok(Self { net, address, control_address, serving, saving })
    }

    /// Where a client connects.
    pub fn url(&self) -> String {
        format!("ws://{}/ws/chat", self.address)
    }

    /// The base address of the control API.
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control_address)
    }

    /// The public key that signs the server's certificate chain.
    pub fn root_key(&self) -> [u8; 32] {
        keys::public_bytes(&self.net.identity.root)
    }

    /// Closes all connections and writes everything to disk.
    pub async fn shutdown(self) {
        self.net.stop.cancel();
        for task in self.serving {
            let _ = task.await;
        }
        self.net.tasks.close();
        self.net.tasks.wait().await;
        if let Some(store) = &self.net.store {
            store.finish();
        }
        if let Some(saving) = self.saving {
            let _ = saving.await;
        }
    }
}

/// The port of the last run if it is free, any other otherwise.
async fn listen_again(ip: IpAddr, port: u16) -> Result<TcpListener, Error> {
    match TcpListener::bind(SocketAddr::new(ip, port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => listen(SocketAddr::new(ip, 0)).await,
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })
}

fn local_address(listener: &TcpListener, address: SocketAddr) -> Result<SocketAddr, Error> {
    listener.local_addr().map_err(|source| Error::Listen { address, source })
}
