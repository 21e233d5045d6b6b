//! The library's storage over the vault: one implementation for both databases. A batch of the library is one commit.
//!
//! Every table of the library is a space. Reads of one key and writes of whole values need no lock: the library has one
//! writer per value. Where a method reads first and writes then, `order` keeps two such methods apart.

mod anew;
mod app_sync;
mod caches;
mod device;
mod protocol;
pub(crate) mod secrets;
mod signal;
#[cfg(test)]
mod tests;

pub(crate) use caches::NoCache;
pub(crate) use device::is_linked;

use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde::de::DeserializeOwned;
use wacore::store::error::{Result, StoreError};
use wacore::store::traits::TcTokenEntry;
use wharf_core::Clock;
use wharf_core::recent::Recent;

use crate::session::flight::Flight;
use crate::session::strays::Strays;
use crate::session::timers::Timers;
use crate::shelf::{DeviceLists, DeviceShelf};
use crate::vault::Vault;
use device::DeviceRow;

/// Votes that came before their polls could be read.
pub(crate) const SEALED_VOTE: &str = "sealed_vote";

/// How many values [`Backend::prune`] looks at in one step.
const PRUNED_AT_ONCE: u32 = 500;

/// One session's storage. It lives as long as one client; the next client gets a new one.
pub(crate) struct Backend {
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    flight: Arc<Flight>,
    strays: Arc<Strays>,
    timers: Arc<Timers>,
    order: tokio::sync::Mutex<()>,
    device: tokio::sync::Mutex<DeviceRow>,
    /// What the library tries the buffer of received messages with, while it does.
    tried: Mutex<Option<Vec<u8>>>,
    /// The privacy tokens that messages carry: none other than this writes them.
    tokens: Recent<String, Option<TcTokenEntry>>,
    lists: DeviceLists,
}

/// How many privacy tokens are kept in memory.
const TOKENS: usize = 256;

/// What was decrypted and not committed yet.
pub(crate) const PENDING: &str = "pending_inbound";

impl Backend {
    pub(crate) fn new(vault: Arc<Vault>, clock: Arc<dyn Clock>, flight: Arc<Flight>) -> Self {
        let (order, tokens) = (tokio::sync::Mutex::new(()), Recent::new(TOKENS));
        let (device, tried) = (tokio::sync::Mutex::default(), Mutex::default());
        let lists = DeviceLists::on(Arc::default());
        Self { vault, clock, flight, strays: Arc::default(), timers: Arc::default(), order, device, tried, tokens, lists }
    }

    /// Has its device lists on a shelf that others use too.
    pub(crate) fn sharing(mut self, shelf: &Arc<DeviceShelf>) -> Self {
        self.lists = DeviceLists::on(Arc::clone(shelf));
        self
    }

    /// Has repeats looked at that this backend knows nothing of.
    pub(crate) fn heeding(mut self, strays: Arc<Strays>) -> Self {
        self.strays = strays;
        self
    }

    /// Has what is sent once more carry the timers of its chats.
    pub(crate) fn timing(mut self, timers: Arc<Timers>) -> Self {
        self.timers = timers;
        self
    }

    async fn put(&self, space: &'static str, key: &str, plain: &[u8]) -> Result<()> {
        self.vault.apply(vec![self.vault.put(space, key, plain)]).await
    }

    async fn delete(&self, space: &'static str, key: &str) -> Result<()> {
        self.vault.apply(vec![Vault::delete(space, key)]).await
    }

    async fn get_json<T: DeserializeOwned>(&self, space: &'static str, key: &str) -> Result<Option<T>> {
        self.vault.get(space, key).await?.map(|plain| from_json(&plain)).transpose()
    }

    async fn put_json(&self, space: &'static str, key: &str, value: &(impl Serialize + Sync)) -> Result<()> {
        self.put(space, key, &to_json(value)?).await
    }

    /// Deletes what is in `space` and fails `keep`; tells how many. A space grows with all that a session ever did, so it is
    /// read in pages.
    async fn prune(&self, space: &'static str, keep: impl Fn(&[u8]) -> Result<bool> + Send) -> Result<u32> {
        let _order = self.order.lock().await;
        let (mut after, mut pruned) = (String::new(), 0);
        loop {
            let page = self.vault.page(space, &after, PRUNED_AT_ONCE).await?;
            let Some((last, _)) = page.last() else { return Ok(pruned) };
            after.clone_from(last);
            let mut ops = Vec::new();
            for (key, plain) in page {
                if !keep(&plain)? {
                    ops.push(Vault::delete(space, key));
                }
            }
            pruned += u32::try_from(ops.len()).unwrap_or(u32::MAX);
            self.vault.apply(ops).await?;
        }
    }
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| StoreError::Serialization(Box::new(error)))
}

fn from_json<T: DeserializeOwned>(plain: &[u8]) -> Result<T> {
    serde_json::from_slice(plain).map_err(|error| StoreError::Serialization(Box::new(error)))
}

/// A key of several parts. Only the last may hold the separator.
pub(crate) fn join(parts: &[&str]) -> String {
    parts.join("|")
}

/// A value that remembers when it was written, in whole seconds.
pub(crate) fn dated(at: i64, body: &[u8]) -> Vec<u8> {
    [&at.to_be_bytes(), body].concat()
}

pub(crate) fn undate(plain: &[u8]) -> Result<(i64, &[u8])> {
    let (at, body) = plain.split_first_chunk::<8>().ok_or_else(|| StoreError::Validation("a dated value is too short".to_owned()))?;
    Ok((i64::from_be_bytes(*at), body))
}
