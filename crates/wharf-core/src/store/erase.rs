//! Accounts that are being deleted.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MediaId};

use super::{AccountRow, Error};

/// What is left of an account. Of messages, events and files no more than 100,000 each are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remains {
    /// That are not deleted yet.
    pub sessions: u64,
    pub messages: u64,
    pub events: u64,
    pub media: u64,
}

#[async_trait]
pub trait EraseStore {
    /// From now on nobody acts in the account: its keys are revoked, its users are gone with their log-ins, its webhooks are off. Tells
    /// how it stands; `None` where there is no such account. One that is being deleted already keeps its time.
    async fn begin_erasure(&self, account: &AccountId, at: Timestamp) -> Result<Option<AccountRow>, Error>;

    /// The accounts that are being deleted, those that have been for longest first.
    async fn list_erasures(&self, limit: u32) -> Result<Vec<AccountRow>, Error>;

    async fn remains(&self, account: &AccountId) -> Result<Remains, Error>;

    /// Some of the account's files that have rows.
    async fn media_of_account(&self, account: &AccountId, limit: u32) -> Result<Vec<MediaId>, Error>;

    /// Drops some rows of an account that is being deleted; tells how many. None where nothing is left but its files and what goes with its own row.
    async fn erase_some(&self, account: &AccountId) -> Result<u64, Error>;

    /// Drops the account's own row with its keys, webhooks and sessions, where nothing else is left; `false` where something is.
    async fn erase_account(&self, account: &AccountId) -> Result<bool, Error>;
}
