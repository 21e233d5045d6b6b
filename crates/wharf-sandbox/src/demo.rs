//! The demo account and its keys. They are kept in the data folder, so that a restart prints the same.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use wharf_api::Permission;
use wharf_api::ids::AccountId;
use wharf_core::key::NewKey;
use wharf_core::{Services, account, key};

/// What the sandbox prints of itself.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Keys {
    pub api_key: String,
    pub operator_key: String,
}

/// The demo account and the keys of the folder; made where there are none, or none that work.
pub async fn keys(services: &Services, data_dir: &Path) -> Result<(AccountId, Keys)> {
    let demo = account::find_or_create(services, "demo", "enterprise").await?;
    let file = data_dir.join("demo-keys.json");
    if let Ok(text) = std::fs::read_to_string(&file) {
        let keys: Keys = serde_json::from_str(&text).with_context(|| format!("{} is damaged; delete it", file.display()))?;
        if key::authenticate(services, &keys.api_key).await.is_ok() && key::authenticate(services, &keys.operator_key).await.is_ok() {
            return Ok((demo, keys));
        }
    }
    let make = async |name: &str, operator: bool| -> Result<String> {
        let new = NewKey {
            account: demo.clone(),
            name: name.to_owned(),
            permissions: Permission::ALL.to_vec(),
            expires_at: None,
            sessions: None,
            operator,
        };
        Ok(key::create(services, new).await?.1.reveal().to_owned())
    };
    let keys = Keys { api_key: make("demo", false).await?, operator_key: make("operator", true).await? };
    // Whole or not at all, also on a disk that loses its power.
    let mut written = tempfile::NamedTempFile::new_in(data_dir)?;
    written.write_all(&serde_json::to_vec(&keys)?)?;
    written.as_file().sync_all()?;
    written.persist(&file)?;
    std::fs::File::open(data_dir)?.sync_all()?;
    Ok((demo, keys))
}
