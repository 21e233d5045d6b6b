//! The state of the account's settings as the phone and its companions share it.

use std::collections::HashMap;
use std::fmt::Write as _;

use async_trait::async_trait;
use wacore::appstate::hash::HashState;
use wacore::appstate::processor::AppStateMutationMAC;
use wacore::store::error::Result;
use wacore::store::traits::{AppStateSyncKey, AppSyncStore};

use super::{Backend, join, to_json};
use crate::vault::Vault;

const KEY: &str = "sync_key";
const LATEST: &str = "sync_latest";
const VERSION: &str = "sync_version";
const MAC: &str = "sync_mac";
const SELF: &str = "self";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn mac_key(name: &str, index_mac: &[u8]) -> String {
    join(&[name, &hex(index_mac)])
}

#[async_trait]
impl AppSyncStore for Backend {
    async fn get_sync_key(&self, key_id: &[u8]) -> Result<Option<AppStateSyncKey>> {
        self.get_json(KEY, &hex(key_id)).await
    }

    async fn set_sync_key(&self, key_id: &[u8], key: AppStateSyncKey) -> Result<()> {
        let key = self.vault.put(KEY, hex(key_id), &to_json(&key)?);
        self.vault.apply(vec![key, self.vault.put(LATEST, SELF, key_id)]).await
    }

    async fn get_version(&self, name: &str) -> Result<HashState> {
        Ok(self.get_json(VERSION, name).await?.unwrap_or_default())
    }

    async fn set_version(&self, name: &str, state: HashState) -> Result<()> {
        self.put_json(VERSION, name, &state).await
    }

    async fn put_mutation_macs(&self, name: &str, _version: u64, mutations: &[AppStateMutationMAC]) -> Result<()> {
        let ops = mutations.iter().map(|mac| self.vault.put(MAC, mac_key(name, &mac.index_mac), &mac.value_mac)).collect();
        self.vault.apply(ops).await
    }

    async fn get_mutation_mac(&self, name: &str, index_mac: &[u8]) -> Result<Option<Vec<u8>>> {
        self.vault.get(MAC, &mac_key(name, index_mac)).await
    }

    async fn get_mutation_macs(&self, name: &str, index_macs: &[[u8; 32]]) -> Result<HashMap<[u8; 32], Vec<u8>>> {
        let by_key: HashMap<String, [u8; 32]> = index_macs.iter().map(|mac| (mac_key(name, mac), *mac)).collect();
        let keys: Vec<String> = by_key.keys().cloned().collect();
        let rows = self.vault.get_many(MAC, &keys).await?;
        Ok(rows.into_iter().filter_map(|(key, value)| Some((*by_key.get(&key)?, value))).collect())
    }

    async fn delete_mutation_macs(&self, name: &str, index_macs: &[Vec<u8>]) -> Result<()> {
        self.vault.apply(index_macs.iter().map(|mac| Vault::delete(MAC, mac_key(name, mac))).collect()).await
    }

    async fn clear_mutation_macs(&self, name: &str) -> Result<()> {
        let _order = self.order.lock().await;
        let rows = self.vault.list(MAC, &join(&[name, ""])).await?;
        self.vault.apply(rows.into_iter().map(|(key, _)| Vault::delete(MAC, key)).collect()).await
    }

    async fn get_latest_sync_key_id(&self) -> Result<Option<Vec<u8>>> {
        self.vault.get(LATEST, SELF).await
    }
}
