//! The demo account, its keys and its users. They are kept in the data folder, so that a restart prints the same.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use wharf_api::Permission;
use wharf_api::ids::AccountId;
use wharf_api::types::user::Role;
use wharf_core::key::NewKey;
use wharf_core::user::NewUser;
use wharf_core::{Services, account, key, login, user};

const DEMO: &str = "demo";
const OPERATOR: &str = "operator";

/// What the sandbox prints of itself.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Keys {
    pub api_key: String,
    pub operator_key: String,
    /// Of both users, `demo` and `operator`.
    #[serde(default)]
    pub password: String,
}

/// The demo account and the keys of the folder; made where there are none, or none that work.
pub async fn keys(services: &Services, data_dir: &Path) -> Result<(AccountId, Keys)> {
    let demo = account::find_or_create(services, "demo", "enterprise").await?;
    let file = data_dir.join("demo-keys.json");
    if let Ok(text) = std::fs::read_to_string(&file) {
        let mut keys: Keys = serde_json::from_str(&text).with_context(|| format!("{} is damaged; delete it", file.display()))?;
        let good =
            key::authenticate(services, &keys.api_key).await.is_ok() && key::authenticate(services, &keys.operator_key).await.is_ok();
        if good {
            if keys.password.is_empty() || services.store.find_user_named(DEMO).await?.is_none() {
                keys.password = people(services, &demo).await?;
                write(data_dir, &file, &keys)?;
            }
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
    let password = people(services, &demo).await?;
    let keys = Keys { api_key: make("demo", false).await?, operator_key: make("operator", true).await?, password };
    write(data_dir, &file, &keys)?;
    Ok((demo, keys))
}

/// Whole or not at all, also on a disk that loses its power.
fn write(data_dir: &Path, file: &Path, keys: &Keys) -> Result<()> {
    let mut written = tempfile::NamedTempFile::new_in(data_dir)?;
    written.write_all(&serde_json::to_vec(keys)?)?;
    written.as_file().sync_all()?;
    written.persist(file)?;
    Ok(std::fs::File::open(data_dir)?.sync_all()?)
}

/// Makes the two users anew, and tells their password.
async fn people(services: &Services, account: &AccountId) -> Result<String> {
    let password = services.chance.base62(20);
    for (name, role) in [(DEMO, Role::Owner), (OPERATOR, Role::Operator)] {
        if let Some(earlier) = services.store.find_user_named(name).await? {
            services.store.delete_user(&earlier.id).await?;
        }
        let new = NewUser { account: account.clone(), name: name.to_owned(), password: password.clone(), role };
        user::create(services, new).await?;
    }
    Ok(password)
}

/// A link that signs in as the demo account's owner, once.
pub async fn link(services: &Services, url: &str) -> Result<String> {
    let demo = services.store.find_user_named(DEMO).await?.context("the user demo is gone; delete demo-keys.json in the data folder")?;
    let token = login::make_token(services, &demo.id).await?;
    Ok(format!("{url}/dashboard/#/enter/{}", token.reveal()))
}
