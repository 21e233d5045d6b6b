//! Why a gateway does not start.

use std::net::SocketAddr;

use wharf_core::{node, store};
use wharf_wa::TrustError;

use crate::identity;
use crate::partners;
use crate::world;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    World(#[from] world::Error),
    #[error(transparent)]
    Identity(#[from] identity::Error),
    #[error(transparent)]
    Partners(#[from] partners::Error),
    #[error("the database cannot be opened")]
    Open(#[from] wharf_store::OpenError),
    #[error("the engine cannot be made")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("whatsapp.extra_root: {0}")]
    ExtraRoot(TrustError),
    #[error("the folder for media cannot be used")]
    Files(#[from] std::io::Error),
    #[error("the way out to other servers cannot be made")]
    Egress(#[from] crate::egress::Unusable),
    #[error(transparent)]
    Keys(#[from] node::KeysError),
    #[error(transparent)]
    Fleet(#[from] wharf_fleet::JoinError),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("the socket that the service manager hands over (LISTEN_FDS) is no TCP socket that listens")]
    HandedOver(#[source] std::io::Error),
    #[error("{address} cannot be listened on")]
    Listen { address: SocketAddr, source: std::io::Error },
}

impl Error {
    /// Another gateway runs on this data folder.
    pub const fn is_folder_in_use(&self) -> bool {
        matches!(self, Self::Open(wharf_store::OpenError::InUse(_)))
    }
}
