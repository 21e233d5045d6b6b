//! `wharf users`: the first operator has to come from somewhere, and a lost password must be replaceable when nobody else can.

use std::io::Read as _;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use wharf_api::ops;
use wharf_api::types::user::Role;
use wharf_core::store::{AuditRow, PageRequest, UserRow};
use wharf_core::user::{self, NewUser};
use wharf_core::{Services, account, audit};

use super::offline;
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum Users {
    /// Makes a user. The gateway must not be running on the same SQLite file.
    Create(UserArgs),
    /// Lists the users: id, role, account, name.
    List,
    /// Gives a user another password, and ends its log-ins.
    Password {
        /// What it signs in with.
        name: String,
        #[command(flatten)]
        password: Given,
    },
    /// Deletes a user with its log-ins.
    Delete {
        /// What it signs in with.
        name: String,
    },
}

#[derive(Args)]
pub(super) struct UserArgs {
    /// What it signs in with: letters from a to z, digits and . _ - @ +
    name: String,
    /// The account's name; it is made where there is none.
    #[arg(long, value_parser = super::accounts::account_name)]
    account: String,
    /// The plan of an account that is made: free, basic, pro or enterprise.
    #[arg(long, default_value = "enterprise")]
    plan: String,
    /// operator, owner, member or `read_only`
    #[arg(long, default_value = "owner", value_parser = role)]
    role: Role,
    #[command(flatten)]
    password: Given,
}

#[derive(Args)]
pub(super) struct Given {
    /// Reads the password from the standard input. Without this one is made and printed, once.
    #[arg(long)]
    password_stdin: bool,
}

impl Given {
    /// The password, and whether it was made here.
    fn get(&self, services: &Services) -> anyhow::Result<(String, bool)> {
        if !self.password_stdin {
            return Ok((services.chance.base62(20), true));
        }
        let mut text = String::new();
        // More than a password may have, so that one that is too long is told as such.
        std::io::stdin().take(4096).read_to_string(&mut text).context("the password cannot be read")?;
        Ok((text.trim_end_matches(['\r', '\n']).to_owned(), false))
    }
}

impl Users {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<()> {
        let (services, store) = offline::open(&config).await?;
        let done = match self {
            Self::Create(create) => create.run(&services).await,
            Self::List => list(&services).await,
            Self::Password { name, password } => set_password(&services, &name, &password).await,
            Self::Delete { name } => delete(&services, &name).await,
        };
        store.close().await;
        done
    }
}

impl UserArgs {
    async fn run(self, services: &Services) -> anyhow::Result<()> {
        let (password, made) = self.password.get(services)?;
        let account = account::find_or_create(services, &self.account, &self.plan).await?;
        let new = NewUser { account, name: self.name, password: password.clone(), role: self.role };
        let row = user::create(services, new).await?;
        tell(services, &row, ops::create_user.id, true).await;
        shown(&password, made);
        Ok(())
    }
}

async fn list(services: &Services) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = services.store.list_users(None, true, PageRequest { after, limit: 200 }).await?;
        for row in page.rows {
            println!("{}  {:<9}  {}  {}", row.id, row.role.as_str(), row.account, row.name);
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

async fn set_password(services: &Services, name: &str, password: &Given) -> anyhow::Result<()> {
    let row = named(services, name).await?;
    let (password, made) = password.get(services)?;
    user::set_password(services, &row, &password).await?;
    tell(services, &row, ops::update_user.id, false).await;
    shown(&password, made);
    Ok(())
}

async fn delete(services: &Services, name: &str) -> anyhow::Result<()> {
    let row = named(services, name).await?;
    if !services.store.delete_user(&row.id).await? {
        bail!("there is no user {name}");
    }
    tell(services, &row, ops::delete_user.id, false).await;
    Ok(())
}

async fn named(services: &Services, name: &str) -> anyhow::Result<UserRow> {
    services.store.find_user_named(&user::name(name)?).await?.with_context(|| format!("there is no user {name}"))
}

async fn tell(services: &Services, user: &UserRow, action: &str, made: bool) {
    let (row, id) = (audit::by_cli(services, Some(user.account.clone()), action), Some(user.id.to_string()));
    let row = if made { AuditRow { created: id, ..row } } else { AuditRow { target: id, ..row } };
    audit::record(services, row).await;
}

/// On the standard output only what was made here, so that it can be piped on.
fn shown(password: &str, made: bool) {
    if made {
        println!("{password}");
        eprintln!("This password is not shown again: only its hash is stored.");
    }
}

fn role(text: &str) -> Result<Role, String> {
    let known: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
    Role::parse(text).ok_or_else(|| format!("known are {}", known.join(", ")))
}
