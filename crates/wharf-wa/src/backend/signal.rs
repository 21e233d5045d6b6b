//! Identities, sessions and keys of the Signal protocol. Every batch is durable when it returns: a message key that was
//! used must never come back.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use wacore::store::error::{Result, StoreError};
use wacore::store::traits::SignalStore;

use super::Backend;

const IDENTITY: &str = "identity";
pub(super) const SESSION: &str = "session";
const PRE_KEY: &str = "pre_key";
const SIGNED_PRE_KEY: &str = "signed_pre_key";
pub(super) const SENDER_KEY: &str = "sender_key";

/// Keys are listed in the order of their numbers.
fn number(id: u32) -> String {
    format!("{id:08x}")
}

fn parse_number(key: &str) -> Result<u32> {
    u32::from_str_radix(key, 16).map_err(|_| StoreError::Validation("a key's number is malformed".to_owned()))
}

impl Backend {
    async fn put_all<'a>(&self, space: &'static str, rows: impl Iterator<Item = (&'a str, &'a [u8])>) -> Result<()> {
        let ops = rows.map(|(key, value)| self.vault.put(space, key, value)).collect();
        self.vault.apply(ops).await
    }
}

#[async_trait]
impl SignalStore for Backend {
    async fn put_identity(&self, address: &str, key: [u8; 32]) -> Result<()> {
        self.put(IDENTITY, address, &key).await
    }

    async fn put_identities_batch(&self, identities: &[(Arc<str>, [u8; 32])]) -> Result<()> {
        self.put_all(IDENTITY, identities.iter().map(|(address, key)| (&**address, key.as_slice()))).await
    }

    async fn load_identity(&self, address: &str) -> Result<Option<[u8; 32]>> {
        let Some(key) = self.vault.get_key(IDENTITY, address).await? else { return Ok(None) };
        key.try_into().map(Some).map_err(|_| StoreError::Validation("an identity key has 32 bytes".to_owned()))
    }

    async fn delete_identity(&self, address: &str) -> Result<()> {
        self.delete(IDENTITY, address).await
    }

    async fn get_session(&self, address: &str) -> Result<Option<Bytes>> {
        Ok(self.vault.get_key(SESSION, address).await?.map(Bytes::from))
    }

    async fn put_session(&self, address: &str, session: &[u8]) -> Result<()> {
        self.put(SESSION, address, session).await
    }

    async fn put_sessions_batch(&self, sessions: &[(Arc<str>, Bytes)]) -> Result<()> {
        self.put_all(SESSION, sessions.iter().map(|(address, record)| (&**address, &**record))).await
    }

    async fn delete_session(&self, address: &str) -> Result<()> {
        self.delete(SESSION, address).await
    }

    async fn has_signal_state_for_user(&self, user: &str) -> Result<bool> {
        for space in [SESSION, IDENTITY] {
            let rows = self.vault.list(space, user).await?;
            if rows.iter().any(|(address, _)| address[user.len()..].starts_with(['@', ':'])) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    // Whether a key was uploaded is not kept: the library never asks for it.
    async fn store_prekey(&self, id: u32, record: &[u8], _uploaded: bool) -> Result<()> {
        self.put(PRE_KEY, &number(id), record).await
    }

    async fn store_prekeys_batch(&self, keys: &[(u32, Bytes)], _uploaded: bool) -> Result<()> {
        let ops = keys.iter().map(|(id, record)| self.vault.put(PRE_KEY, number(*id), record)).collect();
        self.vault.apply(ops).await
    }

    async fn load_prekey(&self, id: u32) -> Result<Option<Bytes>> {
        Ok(self.vault.get_key(PRE_KEY, &number(id)).await?.map(Bytes::from))
    }

    async fn load_prekeys_batch(&self, ids: &[u32]) -> Result<Vec<(u32, Bytes)>> {
        let keys: Vec<String> = ids.iter().map(|id| number(*id)).collect();
        let rows = self.vault.get_many(PRE_KEY, &keys).await?;
        rows.into_iter().map(|(key, record)| Ok((parse_number(&key)?, Bytes::from(record)))).collect()
    }

    async fn mark_prekeys_uploaded(&self, _ids: &[u32]) -> Result<()> {
        Ok(())
    }

    async fn remove_prekey(&self, id: u32) -> Result<()> {
        self.delete(PRE_KEY, &number(id)).await
    }

    async fn get_max_prekey_id(&self) -> Result<u32> {
        let rows = self.vault.list(PRE_KEY, "").await?;
        rows.iter().map(|(key, _)| parse_number(key)).try_fold(0, |max, id| Ok(max.max(id?)))
    }

    async fn store_signed_prekey(&self, id: u32, record: &[u8]) -> Result<()> {
        self.put(SIGNED_PRE_KEY, &number(id), record).await
    }

    async fn load_signed_prekey(&self, id: u32) -> Result<Option<Vec<u8>>> {
        self.vault.get_key(SIGNED_PRE_KEY, &number(id)).await
    }

    async fn load_all_signed_prekeys(&self) -> Result<Vec<(u32, Vec<u8>)>> {
        let rows = self.vault.list(SIGNED_PRE_KEY, "").await?;
        rows.into_iter().map(|(key, record)| Ok((parse_number(&key)?, record))).collect()
    }

    async fn remove_signed_prekey(&self, id: u32) -> Result<()> {
        self.delete(SIGNED_PRE_KEY, &number(id)).await
    }

    async fn put_sender_key(&self, address: &str, record: &[u8]) -> Result<()> {
        self.put(SENDER_KEY, address, record).await
    }

    async fn put_sender_keys_batch(&self, sender_keys: &[(Arc<str>, Bytes)]) -> Result<()> {
        self.put_all(SENDER_KEY, sender_keys.iter().map(|(address, record)| (&**address, &**record))).await
    }

    async fn get_sender_key(&self, address: &str) -> Result<Option<Vec<u8>>> {
        self.vault.get_key(SENDER_KEY, address).await
    }

    async fn delete_sender_key(&self, address: &str) -> Result<()> {
        self.delete(SENDER_KEY, address).await
    }
}
