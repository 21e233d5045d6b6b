//! The network's memory on disk: one file per account, written whole and renamed into place, and an append-only ledger beside it. Owns
//! when things are written; safe against the end of the process, not against the loss of power.

mod format;

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wacore_libsignal::protocol::KeyPair;

use crate::account::{Account, lock};
use crate::config::Error;
use crate::group::Group;
use crate::keys;
use crate::noise::ServerIdentity;
use crate::profile::Profile;

/// Changes are gathered this long before they are written.
const GATHER: Duration = Duration::from_millis(200);
/// Writing may take at most about a quarter of the time.
const REST_FACTOR: u32 = 3;
const LONGEST_REST: Duration = Duration::from_secs(5);

const ACCOUNTS: &str = "accounts";
const LEDGERS: &str = "ledgers";
const NETWORK: &str = "network.json";
const GROUPS: &str = "groups.json";
const PROFILES: &str = "profiles.json";
/// Exists while a network runs: found at the start, the last one was killed.
const RUNNING: &str = "running";

pub(crate) struct Loaded {
    pub(crate) identity: ServerIdentity,
    pub(crate) accounts: Vec<Account>,
    pub(crate) groups: Vec<Group>,
    pub(crate) profiles: Vec<Profile>,
}

impl Loaded {
    pub(crate) fn fresh() -> Self {
        Self { identity: ServerIdentity::generate(), accounts: Vec::new(), groups: Vec::new(), profiles: Vec::new() }
    }
}

/// Reads the folder, or makes a new one.
pub(crate) fn load(folder: &Path) -> Result<Loaded, Error> {
    for part in [ACCOUNTS, LEDGERS] {
        let path = folder.join(part);
        fs::create_dir_all(&path).map_err(|source| Error::Storage { path, source })?;
    }
    let network = folder.join(NETWORK);
    let identity = if network.exists() {
        format::identity(&read(&network)?).map_err(|reason| Error::Damaged { path: network, reason })?
    } else {
        let identity = ServerIdentity::generate();
        write_whole(&network, format::network(&identity).as_bytes())?;
        identity
    };
    let marker = folder.join(RUNNING);
    let killed = marker.exists();
    write_whole(&marker, b"")?;

    let mut accounts = Vec::new();
    let listed = folder.join(ACCOUNTS);
    let entries = fs::read_dir(&listed).map_err(|source| Error::Storage { path: listed, source })?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let account = format::account(&read(&path)?).map_err(|reason| Error::Damaged { path: path.clone(), reason })?;
        restore_ledger(folder, &account)?;
        if killed {
            after_kill(&account);
        }
        accounts.push(account);
    }
    Ok(Loaded { identity, accounts, groups: list(&folder.join(GROUPS))?, profiles: list(&folder.join(PROFILES))? })
}

/// The private key in a file, made if it is missing.
pub(crate) fn root_key(path: &Path) -> Result<KeyPair, Error> {
    if !path.exists() {
        write_whole(path, keys::hex(keys::generate().private_key.serialize()).as_bytes())?;
    }
    keys::unhex(read(path)?.trim())
        .and_then(|private| keys::restore(&private).ok())
        .ok_or_else(|| Error::Damaged { path: path.to_owned(), reason: "not the 64 hexadecimal digits of a private key".to_owned() })
}

/// A list that is one file; none is an empty one.
fn list<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Vec<T>, Error> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    format::list(&read(path)?).map_err(|reason| Error::Damaged { path: path.to_owned(), reason })
}

/// What belongs to no one account.
#[derive(Clone, Copy)]
pub(crate) enum Shared<'a> {
    Groups(&'a [Group]),
    Profiles(&'a [Profile]),
}

/// What was on the wire may be ahead of what was saved: no chain and no one-time key may be used on.
fn after_kill(account: &Account) {
    account.phone().keyring.forget_all_sessions();
    account.phone().keyring.groups.renew_all();
    for device in account.registry().devices.values_mut() {
        device.one_time.clear();
        device.ask_for_keys();
    }
}

fn restore_ledger(folder: &Path, account: &Account) -> Result<(), Error> {
    let path = ledger_path(folder, account);
    if !path.exists() {
        return Ok(());
    }
    let text = read(&path)?;
    let mut phone = account.phone();
    let mut lines = 0;
    for line in text.lines() {
        lines += 1;
        // A last line cut short by a kill is no loss that matters.
        if let Ok(entry) = serde_json::from_str(line) {
            phone.ledger.restore(entry);
        }
    }
    if lines > 2 * phone.ledger.len() + 100 {
        let all: String = phone.ledger.iter().map(format::line).collect();
        drop(phone);
        write_whole(&path, all.as_bytes())?;
    }
    Ok(())
}

/// Where accounts are handed in to be written.
pub(crate) struct WorldStore {
    folder: PathBuf,
    /// One writer of a shared file at a time.
    shared: Mutex<()>,
    queue: mpsc::UnboundedSender<Arc<Account>>,
    end: CancellationToken,
}

pub(crate) struct Saver {
    folder: PathBuf,
    queue: mpsc::UnboundedReceiver<Arc<Account>>,
    end: CancellationToken,
}

impl WorldStore {
    pub(crate) fn new(folder: PathBuf) -> (Self, Saver) {
        let (sender, queue) = mpsc::unbounded_channel();
        let end = CancellationToken::new();
        let store = Self { folder: folder.clone(), shared: Mutex::default(), queue: sender, end: end.clone() };
        (store, Saver { folder, queue, end })
    }

    pub(crate) fn enqueue(&self, account: Arc<Account>) {
        let _ = self.queue.send(account);
    }

    /// Writes a shared file whole, before what it says is told to anybody.
    pub(crate) fn write_shared(&self, shared: Shared<'_>) {
        let _one = lock(&self.shared);
        let (name, text) = match shared {
            Shared::Groups(groups) => (GROUPS, format::list_file(groups)),
            Shared::Profiles(profiles) => (PROFILES, format::list_file(profiles)),
        };
        if let Err(error) = write_whole(&self.folder.join(name), text.as_bytes()) {
            tracing::error!(%error, "not saved");
        }
    }

    /// Writes what is left and marks the stop as clean.
    pub(crate) fn finish(&self) {
        self.end.cancel();
    }
}

impl Saver {
    pub(crate) async fn run(mut self) {
        let mut rest = GATHER;
        loop {
            let first = tokio::select! {
                biased;
                () = self.end.cancelled() => None,
                first = self.queue.recv() => first,
            };
            if first.is_some() {
                tokio::select! {
                    () = self.end.cancelled() => {}
                    () = tokio::time::sleep(rest) => {}
                }
            }
            let ending = self.end.is_cancelled() || first.is_none();
            let mut batch: Vec<_> = first.into_iter().collect();
            while let Ok(next) = self.queue.try_recv() {
                batch.push(next);
            }
            let folder = self.folder.clone();
            let started = Instant::now();
            let _ = tokio::task::spawn_blocking(move || {
                for account in batch {
                    if let Err(error) = save(&folder, &account) {
                        tracing::error!(%error, "account not saved");
                    }
                }
            })
            .await;
            rest = (started.elapsed() * REST_FACTOR).clamp(GATHER, LONGEST_REST);
            if ending {
                let _ = fs::remove_file(self.folder.join(RUNNING));
                return;
            }
        }
    }
}

fn save(folder: &Path, account: &Account) -> Result<(), Error> {
    // Cleared first: a change during the write marks the account again.
    account.clear_dirty();
    let path = folder.join(ACCOUNTS).join(format!("{}.json", account.number));
    write_whole(&path, format::account_file(account).as_bytes())?;
    let fresh = account.phone().ledger.take_unsaved();
    if fresh.is_empty() {
        return Ok(());
    }
    let path = ledger_path(folder, account);
    let lines: String = fresh.iter().map(format::line).collect();
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(lines.as_bytes()))
        .map_err(|source| Error::Storage { path, source })
}

fn ledger_path(folder: &Path, account: &Account) -> PathBuf {
    folder.join(LEDGERS).join(format!("{}.jsonl", account.number))
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::Storage { path: path.to_owned(), source })
}

/// A reader sees the old file or the new one, never a part.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let beside = path.with_extension("tmp");
    File::create(&beside)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|source| Error::Storage { path: path.to_owned(), source })
}
