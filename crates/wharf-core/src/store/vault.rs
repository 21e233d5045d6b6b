//! The engine's key vault: sealed values by session, space and key. What stands in them is the engine's business.

use async_trait::async_trait;
use wharf_api::ids::SessionId;

use super::{Error, Fence};

/// One change of the vault. A space is a small namespace such as `session` or `pre_key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VaultOp {
    Put {
        space: &'static str,
        key: String,
        value: Vec<u8>,
    },
    Delete {
        space: &'static str,
        key: String,
    },
    /// Deletes everything in one space.
    Clear {
        space: &'static str,
    },
}

#[async_trait]
pub trait VaultStore {
    async fn vault_get(&self, session: &SessionId, space: &'static str, key: &str) -> Result<Option<Vec<u8>>, Error>;

    /// The values of those of `keys` that exist, as (key, value).
    async fn vault_get_many(&self, session: &SessionId, space: &'static str, keys: &[String]) -> Result<Vec<(String, Vec<u8>)>, Error>;

    /// Everything in one space whose key begins with `prefix`, by key.
    async fn vault_list(&self, session: &SessionId, space: &'static str, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error>;

    /// The next entries of one space behind the key `after`, by key.
    async fn vault_page(&self, session: &SessionId, space: &'static str, after: &str, limit: u32) -> Result<Vec<(String, Vec<u8>)>, Error>;

    /// Applies all changes or none.
    async fn vault_apply(&self, fence: &Fence, ops: Vec<VaultOp>) -> Result<(), Error>;

    /// Deletes everything that a session has in the vault: it is not linked any more.
    async fn vault_wipe(&self, fence: &Fence) -> Result<(), Error>;
}
