//! What a network is started with, and the errors of starting it. Refuses addresses outside loopback.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Where the network listens and keeps its memory. Port 0 takes any free port.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address of the protocol server.
    pub bind: SocketAddr,
    /// The address of the control API.
    pub control_bind: SocketAddr,
    /// Accounts, keys and ledgers live here; without it they end with the process.
    pub data_dir: Option<PathBuf>,
    /// Where this network is to differ from the usual one.
    pub wishes: Wishes,
}

/// What suites of other clients expect of the network that they run on. The default is none of it.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Phones send no delivery receipts by themselves: only linked devices do.
    pub silent_phones: bool,
    /// How long a chat's state (typing, recording) waits for a device that is away. 0: it is told to who is there, and to nobody later.
    pub chatstate_ttl_secs: u64,
    /// A file with the private key that signs the certificates, 64 hexadecimal digits: written if missing, so that clients that check the
    /// chain know its public key before the network runs.
    pub root_key: Option<PathBuf>,
}

/// Why a network does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A pretend network must never be reachable from another machine.
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
    /// The data folder cannot be read or written.
    #[error("{path}: {source}")]
    Storage { path: PathBuf, source: std::io::Error },
    /// A file in the data folder is not one of ours, or is damaged.
    #[error("{path} is damaged: {reason}")]
    Damaged { path: PathBuf, reason: String },
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), Error> {
        for address in [self.bind, self.control_bind] {
            if !address.ip().is_loopback() {
                return Err(Error::NotLoopback(address));
            }
        }
        Ok(())
    }
}
