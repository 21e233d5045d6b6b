//! `wharf keys create`: the first key has to come from somewhere.

use clap::{Args, Subcommand};
use wharf_api::{Permission, Timestamp};
use wharf_core::key::{self, NewKey};
use wharf_core::{Services, account};

use super::offline;
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum Keys {
    /// Makes a key and prints it, once. The gateway must not be running on the same SQLite file.
    Create(Create),
}

#[derive(Args)]
pub(super) struct Create {
    /// The account's name; it is made where there is none.
    #[arg(long)]
    account: String,
    /// The plan of an account that is made: free, basic, pro or enterprise.
    #[arg(long, default_value = "enterprise")]
    plan: String,
    /// What people call the key.
    #[arg(long, default_value = "made on the command line")]
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
        let Self::Create(create) = self;
        let (services, store) = offline::open(&config).await?;
        let made = create.run(&services).await;
        store.close().await;
        println!("{}", made?);
        eprintln!("This key is not shown again: only its hash is stored.");
        Ok(())
    }
}

impl Create {
    async fn run(self, services: &Services) -> anyhow::Result<String> {
        let account = account::find_or_create(services, &self.account, &self.plan).await?;
        let permissions = if self.permissions.is_empty() { Permission::ALL.to_vec() } else { self.permissions };
        let new = NewKey { account, name: self.name, permissions, expires_at: self.expires_at, sessions: None, operator: self.operator };
        let (_, secret) = key::create(services, new).await?;
        Ok(secret.reveal().to_owned())
    }
}

fn permission(text: &str) -> Result<Permission, String> {
    let known: Vec<_> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
    Permission::parse(text).ok_or_else(|| format!("known are {}", known.join(", ")))
}
