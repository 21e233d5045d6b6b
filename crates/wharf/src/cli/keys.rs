//! `wharf keys`: the first key has to come from somewhere, and a lost one must be revocable when no other is left. The master key is no
//! such key; it is changed here.

use clap::{Args, Subcommand};
use wharf_api::ids::{AccountId, KeyId};
use wharf_api::{Permission, Timestamp, limits, ops};
use wharf_core::key::{self, NewKey};
use wharf_core::store::{AuditRow, KeyRow, PageRequest};
use wharf_core::{Services, account, audit, name};

use super::{offline, rotate_master};
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum Keys {
    /// Makes a key and prints it, once. The gateway must not be running on the same SQLite file.
    Create(Create),
    /// Lists an account's keys: id, state, name.
    List {
        /// The account's name.
        #[arg(long)]
        account: String,
    },
    /// Revokes a key, whose account is found by its id.
    Revoke {
        /// The key's id, as `wharf keys list` shows it.
        #[arg(value_parser = key_id)]
        key: KeyId,
    },
    /// Changes the master key, also while gateways run: seals everything anew with `next_master_key`, which every node knows before. A run
    /// that was cut off is begun again, and goes on.
    RotateMaster,
}

#[derive(Args)]
pub(super) struct Create {
    /// The account's name; it is made where there is none.
    #[arg(long, value_parser = super::accounts::account_name)]
    account: String,
    /// The plan of an account that is made: free, basic, pro or enterprise.
    #[arg(long, default_value = "enterprise")]
    plan: String,
    /// What people call the key.
    #[arg(long, default_value = "made on the command line", value_parser = key_name)]
    name: String,
    /// What the key may do, such as messages:send; may be given more than once. Everything where none is given.
    #[arg(long = "permission", value_parser = permission)]
    permissions: Vec<Permission>,
    /// From when on it is refused, such as 2030-01-01T00:00:00Z.
    #[arg(long)]
    expires_at: Option<Timestamp>,
    /// An operator's key, which stands above accounts.
    #[arg(long)]
    operator: bool,
}

impl Keys {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<()> {
        if matches!(self, Self::RotateMaster) {
            return Box::pin(rotate_master::run(&config)).await;
        }
        let (services, store) = offline::open(&config).await?;
        let done = match self {
            // It opens the database in its own way, and is done.
            Self::RotateMaster => Ok(()),
            Self::Create(create) => create.run(&services).await,
            Self::List { account } => list(&services, &account).await,
            Self::Revoke { key } => revoke(&services, &key).await,
        };
        store.close().await;
        done
    }
}

impl Create {
    async fn run(self, services: &Services) -> anyhow::Result<()> {
        let account = account::find_or_create(services, &self.account, &self.plan).await?;
        let permissions = if self.permissions.is_empty() { Permission::ALL.to_vec() } else { self.permissions };
        let new = NewKey {
            account: account.clone(),
            name: self.name,
            permissions,
            expires_at: self.expires_at,
            sessions: None,
            operator: self.operator,
        };
        let (row, secret) = key::create(services, new).await?;
        let told = audit::by_cli(services, Some(account), ops::create_api_key.id);
        audit::record(services, AuditRow { created: Some(row.id.to_string()), ..told }).await;
        println!("{}", secret.reveal());
        eprintln!("This key is not shown again: only its hash is stored.");
        Ok(())
    }
}

async fn list(services: &Services, name: &str) -> anyhow::Result<()> {
    let account = account_named(services, name).await?;
    let mut after = None;
    loop {
        let page = services.store.list_keys(&account, PageRequest { after, limit: 200 }).await?;
        for row in page.rows {
            println!("{}  {:<8}  {}", row.id, state(services, &row), row.name);
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

fn state(services: &Services, row: &KeyRow) -> &'static str {
    match (row.revoked_at, row.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(at)) if at <= services.clock.now() => "expired",
        (None, _) => "good",
    }
}

/// A key's name as the API takes it.
fn key_name(text: &str) -> Result<String, name::Bad> {
    name::checked(text, limits::KEY_NAME_CHARS).map(str::to_owned)
}

/// A gateway that runs on the same PostgreSQL refuses the key within five seconds.
async fn revoke(services: &Services, id: &KeyId) -> anyhow::Result<()> {
    let found = services.store.find_key_any_account(id).await?;
    let account = found.ok_or_else(|| anyhow::anyhow!("there is no key {id}"))?.key.account;
    services.store.revoke_key(&account, id, services.clock.now()).await?;
    let told = audit::by_cli(services, Some(account), ops::revoke_api_key.id);
    audit::record(services, AuditRow { target: Some(id.to_string()), ..told }).await;
    Ok(())
}

async fn account_named(services: &Services, name: &str) -> anyhow::Result<AccountId> {
    let row = services.store.find_account_named(name).await?;
    Ok(row.ok_or_else(|| anyhow::anyhow!("there is no account named {name}"))?.id)
}

fn key_id(text: &str) -> Result<KeyId, String> {
    KeyId::parse(text).ok_or_else(|| "a key's id, as `wharf keys list` shows it, is expected".to_owned())
}

fn permission(text: &str) -> Result<Permission, String> {
    let known: Vec<_> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
    Permission::parse(text).ok_or_else(|| format!("known are {}", known.join(", ")))
}
