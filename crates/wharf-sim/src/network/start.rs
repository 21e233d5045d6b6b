//! Start and stop. Owns the listeners; refuses to start outside loopback.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, RwLock};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Net;
use crate::calls::Calls;
use crate::config::{Config, Error};
use crate::connection::door::Door;
use crate::faults::Faults;
use crate::group::Groups;
use crate::media::{self, Media};
use crate::persist::WorldStore;
use crate::presence::Presences;
use crate::profile::Profiles;
use crate::restriction::Restrictions;
use crate::spelling::Spellings;
use crate::stats::Stats;
use crate::version::Versions;
use crate::{connection, control, history, keys, persist};

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
                let (store, saver) = WorldStore::new(folder.clone());
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
