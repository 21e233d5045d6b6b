//! One session's hold on the store's vault: seals what goes in, opens what comes out, and shuts for good when the client
//! that writes through it must not write any more.

use std::sync::Arc;

use wacore::store::error::{Result, StoreError};
use wharf_core::store::{self, Fence, Store, VaultOp};

use wharf_core::seal::{Seal, payload, place};

use crate::awaitable::Awaitable;

/// Why a client must stop without writing anything more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// Somebody else owns the session.
    Fenced,
    /// A received message could not be buffered. Were the ratchet saved now, nobody could ever decrypt it again.
    Unbuffered,
    /// What opens messages could not be read. Were the client to go on, it would take what comes for something that nobody can open.
    Unread,
    /// The node's lease is over: somebody else may own the session at any moment.
    Lapsed,
    /// The client was put away; what its stray tasks still try to write is void.
    Ended,
}

pub(crate) struct Vault {
    store: Arc<dyn Store>,
    seal: Arc<Seal>,
    fence: Fence,
    halt: Awaitable<Option<Halt>>,
}

impl Vault {
    pub(crate) fn new(store: Arc<dyn Store>, seal: Arc<Seal>, fence: Fence) -> Self {
        Self { store, seal, fence, halt: Awaitable::default() }
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(crate) fn fence(&self) -> &Fence {
        &self.fence
    }

    /// Why the vault is shut, where it is.
    pub(crate) fn halted(&self) -> Option<Halt> {
        self.halt.look(|halt| *halt)
    }

    /// Ends when the vault shuts, or at once where it is shut already.
    pub(crate) async fn shuts(&self) {
        self.halt.until(|halt| *halt).await;
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.halted().is_some()
    }

    pub(crate) fn is_fenced(&self) -> bool {
        self.halted() == Some(Halt::Fenced)
    }

    /// Refuses all writes from now on. The first reason stays, unless it turns out that the session is somebody else's.
    pub(crate) fn shut(&self, why: Halt) {
        self.halt.change(|halt| {
            if halt.is_none() || why == Halt::Fenced {
                *halt = Some(why);
            }
        });
    }

    /// Notices a verb's answer that says who owns the session.
    pub(crate) fn notice<T>(&self, answer: std::result::Result<T, store::Error>) -> std::result::Result<T, store::Error> {
        if matches!(answer, Err(store::Error::Fenced)) {
            self.shut(Halt::Fenced);
        }
        answer
    }

    pub(crate) fn put(&self, space: &'static str, key: impl Into<String>, plain: &[u8]) -> VaultOp {
        let key = key.into();
        let value = self.seal.close(&place::vault(self.fence.session.as_str(), space, &key), plain);
        VaultOp::Put { space, key, value }
    }

    pub(crate) fn delete(space: &'static str, key: impl Into<String>) -> VaultOp {
        VaultOp::Delete { space, key: key.into() }
    }

    pub(crate) async fn get(&self, space: &'static str, key: &str) -> Result<Option<Vec<u8>>> {
        let sealed = self.store.vault_get(&self.fence.session, space, key).await.map_err(failure)?;
        sealed.map(|sealed| self.open(space, key, &sealed)).transpose()
    }

    /// Reads what opens messages. Where the database does not answer, the vault shuts: the client ends before it tells anybody that
    /// a message cannot be opened, and the network says it again to the next one.
    pub(crate) async fn get_key(&self, space: &'static str, key: &str) -> Result<Option<Vec<u8>>> {
        let found = self.get(space, key).await;
        if matches!(found, Err(StoreError::Connection(_))) {
            tracing::warn!("the keys of a message cannot be read from the database: the client ends, and the network has to say it again");
            self.shut(Halt::Unread);
        }
        found
    }

    pub(crate) async fn get_many(&self, space: &'static str, keys: &[String]) -> Result<Vec<(String, Vec<u8>)>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.store.vault_get_many(&self.fence.session, space, keys).await.map_err(failure)?;
        self.open_all(space, rows)
    }

    pub(crate) async fn list(&self, space: &'static str, prefix: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let rows = self.store.vault_list(&self.fence.session, space, prefix).await.map_err(failure)?;
        self.open_all(space, rows)
    }

    /// Lists entries, each with whether it can be opened.
    pub(crate) async fn list_each(&self, space: &'static str, prefix: &str) -> Result<Vec<(String, Result<Vec<u8>>)>> {
        let rows = self.store.vault_list(&self.fence.session, space, prefix).await.map_err(failure)?;
        Ok(rows
            .into_iter()
            .map(|(key, sealed)| {
                let plain = self.open(space, &key, &sealed);
                (key, plain)
            })
            .collect())
    }

    /// The next entries of the space behind the key `after`.
    pub(crate) async fn page(&self, space: &'static str, after: &str, limit: u32) -> Result<Vec<(String, Vec<u8>)>> {
        let rows = self.store.vault_page(&self.fence.session, space, after, limit).await.map_err(failure)?;
        self.open_all(space, rows)
    }

    /// Applies all changes or none.
    pub(crate) async fn apply(&self, ops: Vec<VaultOp>) -> Result<()> {
        if self.is_shut() {
            return Err(StoreError::Validation("the session's vault is shut".to_owned()));
        }
        if ops.is_empty() {
            return Ok(());
        }
        self.notice(self.store.vault_apply(&self.fence, ops).await).map_err(failure)
    }

    fn open_all(&self, space: &'static str, rows: Vec<(String, Vec<u8>)>) -> Result<Vec<(String, Vec<u8>)>> {
        rows.into_iter()
            .map(|(key, sealed)| {
                let plain = self.open(space, &key, &sealed)?;
                Ok((key, plain))
            })
            .collect()
    }

    /// What is frozen of an accepted message, as its row holds it.
    pub(crate) fn open_payload(&self, wa_id: &str, stored: Vec<u8>) -> Result<Vec<u8>> {
        let opened = payload::open(&self.seal, self.fence.session.as_str(), wa_id, stored);
        opened.map_err(|error| StoreError::Serialization(Box::new(error)))
    }

    fn open(&self, space: &'static str, key: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        self.seal
            .open(&place::vault(self.fence.session.as_str(), space, key), sealed)
            .map_err(|error| StoreError::Serialization(Box::new(error)))
    }
}

fn failure(error: store::Error) -> StoreError {
    match error {
        store::Error::Unavailable(_) => StoreError::Connection(Box::new(error)),
        store::Error::Fenced | store::Error::Corrupt(_) | store::Error::Refused(_) => StoreError::Database(Box::new(error)),
    }
}
