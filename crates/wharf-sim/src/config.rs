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
