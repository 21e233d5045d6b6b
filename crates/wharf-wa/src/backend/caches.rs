//! What the library gets in place of its own cache of device lists.

use std::time::Duration;

use async_trait::async_trait;
use whatsapp_rust::CacheStore;

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
