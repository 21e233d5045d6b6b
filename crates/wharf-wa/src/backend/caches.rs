//! What the library gets in place of its own caches of device lists and of groups' members.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use wharf_api::Timestamp;
use whatsapp_rust::CacheStore;

use super::Backend;
use super::protocol::GROUP;

/// How many groups are remembered as known; of what is forgotten WhatsApp is asked whether it has changed.
const REMEMBERED: usize = 1_024;

/// Keeps nothing: the library asks its storage each time, which is the backend.
pub(crate) struct NoCache;

#[async_trait]
impl CacheStore for NoCache {
    async fn get(&self, _namespace: &str, _key: &str) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    async fn set(&self, _namespace: &str, _key: &str, _value: &[u8], _ttl: Option<Duration>) -> anyhow::Result<()> {
        Ok(())
    }

    async fn delete(&self, _namespace: &str, _key: &str) -> anyhow::Result<()> {
        Ok(())
    }

    async fn clear(&self, _namespace: &str) -> anyhow::Result<()> {
        Ok(())
    }
}

#[derive(Default)]
struct GroupMarks {
    until: HashMap<String, Timestamp>,
    /// Those whose newest members could not be written.
    unwritten: HashSet<String>,
}

/// Of which groups the vault has the members that WhatsApp told last, and until when they are believed.
#[derive(Default)]
pub(super) struct FreshGroups(Mutex<GroupMarks>);

impl FreshGroups {
    fn marks(&self) -> MutexGuard<'_, GroupMarks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the vault has what the library goes by: it has just been written, or it has just been read.
    pub(super) fn stands(&self, group: &str, stands: bool) {
        let mut marks = self.marks();
        if stands {
            marks.unwritten.remove(group);
        } else {
            marks.unwritten.insert(group.to_owned());
        }
    }

    fn mark(&self, group: &str, until: Timestamp) {
        let mut marks = self.marks();
        if marks.unwritten.contains(group) {
            marks.until.remove(group);
            return;
        }
        if marks.until.len() >= REMEMBERED {
            marks.until.clear();
        }
        marks.until.insert(group.to_owned(), until);
    }

    fn is_fresh(&self, group: &str, now: Timestamp) -> bool {
        self.marks().until.get(group).is_some_and(|until| now < *until)
    }
}

/// The library's cache of groups' members, of which only marks are in memory: the library writes to its storage whatever it puts in here,
/// and reads nothing else back.
pub(crate) struct GroupsFromVault(Arc<Backend>);

impl GroupsFromVault {
    pub(crate) fn of(backend: Arc<Backend>) -> Self {
        Self(backend)
    }
}

#[async_trait]
impl CacheStore for GroupsFromVault {
    async fn get(&self, _namespace: &str, key: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let backend = &self.0;
        if !backend.groups.is_fresh(key, backend.clock.steady()) {
            return Ok(None);
        }
        backend.vault.get(GROUP, key).await.map_err(anyhow::Error::from)
    }

    async fn set(&self, _namespace: &str, key: &str, _value: &[u8], ttl: Option<Duration>) -> anyhow::Result<()> {
        let until = ttl.map_or(Timestamp::from_millis(i64::MAX), |ttl| self.0.clock.steady() + ttl);
        self.0.groups.mark(key, until);
        Ok(())
    }

    async fn delete(&self, _namespace: &str, key: &str) -> anyhow::Result<()> {
        self.0.groups.marks().until.remove(key);
        Ok(())
    }

    async fn clear(&self, _namespace: &str) -> anyhow::Result<()> {
        self.0.groups.marks().until.clear();
        Ok(())
    }
}
