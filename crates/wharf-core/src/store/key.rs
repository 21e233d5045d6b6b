//! API keys as stored: never the secret, only its SHA-256.

use async_trait::async_trait;
use wharf_api::ids::{AccountId, KeyId, SessionId};
use wharf_api::{Permission, Timestamp};

use super::{AccountRow, Error, Page, PageRequest};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    pub id: KeyId,
    pub account: AccountId,
    pub name: String,
    /// SHA-256 of the whole key.
    pub secret_hash: Vec<u8>,
    pub permissions: Vec<Permission>,
    /// The only sessions that it may use; all of the account's where `None`.
    pub sessions: Option<Vec<SessionId>>,
    /// An operator's key stands above accounts.
    pub operator: bool,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// Written lazily: up to about a minute behind.
    pub last_used_at: Option<Timestamp>,
}

/// A key with the account that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyWithAccount {
    pub key: KeyRow,
    pub account: AccountRow,
}

#[async_trait]
pub trait KeyStore {
    async fn insert_key(&self, key: &KeyRow) -> Result<(), Error>;

    /// Inserts a key unless the account has `limit` keys that are good, or more; `false` then, and nothing was inserted.
    async fn insert_key_within(&self, key: &KeyRow, limit: Option<u64>) -> Result<bool, Error>;

    /// How many keys of the account are neither revoked nor expired at `now`.
    async fn count_good_keys(&self, account: &AccountId, now: Timestamp) -> Result<u64, Error>;

    /// Drops keys of all accounts that were revoked or expired before; tells how many.
    async fn drop_ended_keys(&self, before: Timestamp) -> Result<u64, Error>;

    /// By the key's public id alone: this is how a caller is told from a stranger.
    async fn find_key_any_account(&self, id: &KeyId) -> Result<Option<KeyWithAccount>, Error>;

    async fn find_key(&self, account: &AccountId, id: &KeyId) -> Result<Option<KeyRow>, Error>;

    /// Oldest first.
    async fn list_keys(&self, account: &AccountId, page: PageRequest) -> Result<Page<KeyRow>, Error>;

    /// Sets the time of revocation unless it is set; `None` where there is no such key.
    async fn revoke_key(&self, account: &AccountId, id: &KeyId, at: Timestamp) -> Result<Option<KeyRow>, Error>;

    /// Inserts `new` and lets the key `old` of the same account end at `ends_at`, unless it ends earlier. `false` where
    /// `old` is not there or is revoked; nothing was inserted then.
    async fn rotate_key(&self, old: &KeyId, new: &KeyRow, ends_at: Timestamp) -> Result<bool, Error>;

    /// Writes when keys were last used; never back in time.
    async fn touch_keys(&self, account: &AccountId, used: &[(KeyId, Timestamp)]) -> Result<(), Error>;
}
