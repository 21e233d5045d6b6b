//! `wharf accounts` and `wharf plans`: what an operator does before the first operator's key exists.

use clap::{Args, Subcommand};
use wharf_api::ids::AccountId;
use wharf_api::types::account::Pace;
use wharf_api::{limits, ops};
use wharf_core::store::{AuditRow, PageRequest, Plan};
use wharf_core::{Services, account, audit, name};

use super::offline;
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum Accounts {
    /// Makes an account and prints its id.
    Create {
        /// What people call it.
        #[arg(long, value_parser = account_name)]
        name: String,
        /// The plan's name, as `wharf plans list` shows it.
        #[arg(long)]
        plan: String,
    },
    /// Lists the accounts: id, plan, name. `wharf admin delete-account` deletes one, through a gateway that runs.
    List,
    /// Puts an account on another plan.
    SetPlan {
        /// The account's id.
        #[arg(long, value_parser = account_id)]
        account: AccountId,
        /// The plan's name, as `wharf plans list` shows it.
        #[arg(long)]
        plan: String,
    },
}

#[derive(Subcommand)]
pub(super) enum Plans {
    /// Lists the plans with their limits.
    List,
    /// Makes a plan, or changes the limits of all accounts that are on it.
    Set(Set),
}

#[derive(Args)]
pub(super) struct Set {
    /// The plan's name: letters from a to z, digits, - and _
    #[arg(long, value_parser = plan_name)]
    name: String,
    /// Messages of an account in a day (UTC); without limit where it is not given.
    #[arg(long)]
    messages_per_day: Option<u64>,
    /// Calls of an account in a minute.
    #[arg(long)]
    calls_per_minute: u64,
    /// Sessions of an account; without limit where it is not given.
    #[arg(long)]
    sessions: Option<u64>,
    /// Calls of an account at the same time.
    #[arg(long)]
    concurrent_requests: u64,
    /// How many days the event log goes back.
    #[arg(long, default_value_t = limits::EVENT_DAYS)]
    event_days: u64,
    /// How many days a message is kept; for ever where it is not given.
    #[arg(long)]
    message_days: Option<u64>,
    /// How many days a file is kept.
    #[arg(long, default_value_t = limits::MEDIA_DAYS)]
    media_days: u64,
    /// How many bytes of files are kept at the same time; without limit where it is not given.
    #[arg(long)]
    media_bytes: Option<u64>,
    /// Messages that a session sends in a minute; `none` is without limit
    #[arg(long, default_value_t = Most(Some(limits::PACE_MESSAGES_PER_MINUTE)))]
    messages_per_minute: Most,
    /// People whom a session writes to first, in an hour; `none` is without limit
    #[arg(long, default_value_t = Most(Some(limits::PACE_NEW_CONTACTS_PER_HOUR)))]
    new_contacts_per_hour: Most,
    /// The same in a day; `none` is without limit
    #[arg(long, default_value_t = Most(Some(limits::PACE_NEW_CONTACTS_PER_DAY)))]
    new_contacts_per_day: Most,
    /// What was deleted for everyone stays as it was said, marked as deleted
    #[arg(long)]
    keep_deleted: bool,
}

/// A limit, or `none`.
#[derive(Clone, Copy)]
struct Most(Option<u64>);

impl std::fmt::Display for Most {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(limit) => write!(f, "{limit}"),
            None => f.write_str("none"),
        }
    }
}

impl std::str::FromStr for Most {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(None));
        }
        text.parse().map(|limit| Self(Some(limit))).map_err(|_| "a number or none is expected".to_owned())
    }
}

impl Accounts {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<()> {
        let (services, store) = offline::open(&config).await?;
        let done = match self {
            Self::Create { name, plan } => create(&services, &name, &plan).await,
            Self::List => list(&services).await,
            Self::SetPlan { account, plan } => set_plan(&services, &account, &plan).await,
        };
        store.close().await;
        done
    }
}

impl Plans {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<()> {
        let (services, store) = offline::open(&config).await?;
        let done = match self {
            Self::List => list_plans(&services).await,
            Self::Set(set) => set.run(&services).await,
        };
        store.close().await;
        done
    }
}

impl Set {
    async fn run(self, services: &Services) -> anyhow::Result<()> {
        let pace = Pace {
            messages_per_minute: self.messages_per_minute.0,
            new_contacts_per_hour: self.new_contacts_per_hour.0,
            new_contacts_per_day: self.new_contacts_per_day.0,
            ..Pace::default()
        };
        let plan = Plan {
            name: self.name,
            messages_per_day: self.messages_per_day,
            calls_per_minute: self.calls_per_minute,
            sessions: self.sessions,
            concurrent_requests: self.concurrent_requests,
            event_days: self.event_days,
            media_days: self.media_days,
            media_bytes: self.media_bytes,
            pace,
            keep_deleted: self.keep_deleted,
            message_days: self.message_days,
        };
        account::put_plan(services, &plan).await?;
        audit::record(services, AuditRow { target: Some(plan.name), ..audit::by_cli(services, None, ops::admin_set_plan.id) }).await;
        Ok(())
    }
}

async fn create(services: &Services, name: &str, plan: &str) -> anyhow::Result<()> {
    let id = account::create(services, name, plan).await?.id;
    audit::record(
        services,
        AuditRow { created: Some(id.to_string()), ..audit::by_cli(services, Some(id.clone()), ops::admin_create_account.id) },
    )
    .await;
    println!("{id}");
    Ok(())
}

async fn set_plan(services: &Services, id: &AccountId, plan: &str) -> anyhow::Result<()> {
    account::update(services, id, None, Some(plan)).await?;
    let row = audit::by_cli(services, Some(id.clone()), ops::admin_update_account.id);
    audit::record(services, AuditRow { target: Some(id.to_string()), ..row }).await;
    Ok(())
}

/// An account's name as the API takes it.
pub(super) fn account_name(text: &str) -> Result<String, name::Bad> {
    name::checked(text, limits::ACCOUNT_NAME_CHARS).map(str::to_owned)
}

fn plan_name(text: &str) -> Result<String, name::Bad> {
    name::plan(text).map(str::to_owned)
}

fn account_id(text: &str) -> Result<AccountId, String> {
    AccountId::parse(text).ok_or_else(|| "an account's id, as `wharf accounts list` shows it, is expected".to_owned())
}

async fn list(services: &Services) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = services.store.list_accounts(PageRequest { after, limit: 200 }).await?;
        for row in page.rows {
            println!("{}  {:<12}  {}", row.id, row.plan.name, row.name);
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

async fn list_plans(services: &Services) -> anyhow::Result<()> {
    let shown = |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
    for plan in services.store.list_plans().await? {
        println!(
            "{:<12}  {} messages a day, {} calls a minute, {} sessions, {} requests at a time, events of {} days, files for {} days and of {} bytes, {} messages a minute, {} new contacts an hour and {} a day",
            plan.name,
            shown(plan.messages_per_day),
            plan.calls_per_minute,
            shown(plan.sessions),
            plan.concurrent_requests,
            plan.event_days,
            plan.media_days,
            shown(plan.media_bytes),
            shown(plan.pace.messages_per_minute),
            shown(plan.pace.new_contacts_per_hour),
            shown(plan.pace.new_contacts_per_day)
        );
    }
    Ok(())
}
