//! The newest version of WhatsApp Web that any node knows, as stored: one row for all.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::types::whatsapp::VersionSource;

use super::Error;

/// A version that somebody fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchedVersion {
    pub revision: u32,
    pub source: VersionSource,
    pub at: Timestamp,
}

/// What is known; nothing at first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionRow {
    pub fetched: Option<FetchedVersion>,
    /// When a node last began to fetch.
    pub tried_at: Option<Timestamp>,
    pub by_node: Option<String>,
    /// The highest version that WhatsApp refused, and when.
    pub refused: Option<(u32, Timestamp)>,
    /// When WhatsApp takes the version no more, in its own words.
    pub expires_at: Option<Timestamp>,
}

#[async_trait]
pub trait VersionStore {
    async fn find_version(&self) -> Result<VersionRow, Error>;

    /// Notes that `node` fetches now. `false` where another node began after `due`: that one's finding will do.
    async fn claim_version_fetch(&self, node: &str, due: Timestamp, now: Timestamp) -> Result<bool, Error>;

    /// Lets others fetch at once: `node` began and found nothing.
    async fn yield_version_fetch(&self, node: &str) -> Result<(), Error>;

    /// Keeps what was fetched, unless a higher one is there.
    async fn put_version(&self, node: &str, fetched: FetchedVersion) -> Result<(), Error>;

    /// Keeps that WhatsApp refused a version, unless a higher one was refused before.
    async fn put_version_refusal(&self, revision: u32, at: Timestamp) -> Result<(), Error>;

    /// Keeps the end that WhatsApp told.
    async fn put_version_end(&self, at: Timestamp) -> Result<(), Error>;
}
