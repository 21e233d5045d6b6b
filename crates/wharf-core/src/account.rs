//! Accounts: the tenants, and what their plans grant.

pub mod erase;
pub mod export;
pub(crate) mod laggards;
mod plan;
pub mod suspend;

use wharf_api::ids::AccountId;
use wharf_api::types::account as wire;
use wharf_api::{ApiError, ErrorCode, limits};

use crate::name;
use crate::others::{self, News};
use crate::services::Services;
use crate::settle::settled;
use crate::store::{self, AccountRow, Plan};

pub use erase::delete;
pub use laggards::Laggards;
pub use plan::OutOfBounds;
pub use suspend::{resume, suspend};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no plan named {0}")]
    NoSuchPlan(String),
    #[error("no such account")]
    NotFound,
    #[error("the account of the caller itself is deleted or suspended by an operator of another account")]
    Own,
    #[error(transparent)]
    Name(#[from] name::Bad),
    #[error(transparent)]
    Plan(#[from] OutOfBounds),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        match error {
            Error::NoSuchPlan(_) => ApiError::new(ErrorCode::InvalidRequest).field("plan").reason("there is no plan of that name"),
            Error::NotFound => ErrorCode::ResourceNotFound.into(),
            Error::Own => ApiError::new(ErrorCode::Conflict).reason(error.to_string()),
            Error::Name(bad) => bad.into(),
            Error::Plan(bad) => bad.into(),
            Error::Store(error) => error.into(),
        }
    }
}

impl From<&Plan> for wire::Plan {
    fn from(plan: &Plan) -> Self {
        Self { name: plan.name.clone(), limits: plan.into() }
    }
}

impl From<&Plan> for wire::PlanLimits {
    fn from(plan: &Plan) -> Self {
        Self {
            messages_per_day: plan.messages_per_day,
            calls_per_minute: plan.calls_per_minute,
            sessions: plan.sessions,
            concurrent_requests: plan.concurrent_requests,
            event_days: plan.event_days,
            media_days: plan.media_days,
            media_bytes: plan.media_bytes,
            pace: plan.pace.clone(),
            keep_deleted: plan.keep_deleted,
            message_days: plan.message_days,
        }
    }
}

impl Plan {
    /// The plan that a request describes: what it leaves out is the default.
    pub fn wanted(name: &str, request: wire::PutPlan) -> Self {
        Self {
            name: name.to_owned(),
            messages_per_day: request.messages_per_day,
            calls_per_minute: request.calls_per_minute,
            sessions: request.sessions,
            concurrent_requests: request.concurrent_requests,
            event_days: request.event_days.unwrap_or(limits::EVENT_DAYS),
            media_days: request.media_days.unwrap_or(limits::MEDIA_DAYS),
            media_bytes: request.media_bytes,
            pace: request.pace.unwrap_or_default(),
            keep_deleted: request.keep_deleted.unwrap_or_default(),
            message_days: request.message_days,
        }
    }
}

/// The account as the wire shows it; of one that is being deleted also what is left.
pub async fn show(services: &Services, row: &AccountRow) -> Result<wire::Account, Error> {
    let mut shown = wire::Account {
        account_id: row.id.clone(),
        name: row.name.clone(),
        plan: row.plan.name.clone(),
        limits: (&row.plan).into(),
        status: wire::AccountStatus::Active,
        deletion: None,
        suspended_at: row.suspended_at,
        created_at: row.created_at,
    };
    if row.suspended_at.is_some() {
        shown.status = wire::AccountStatus::Suspended;
    }
    if let Some(requested_at) = row.deleting_at {
        let left = services.store.remains(&row.id).await?;
        shown.status = wire::AccountStatus::Deleting;
        shown.deletion = Some(wire::AccountDeletion {
            requested_at,
            sessions_left: left.sessions,
            messages_left: left.messages,
            events_left: left.events,
            media_left: left.media,
        });
    }
    Ok(shown)
}

/// The account, also one that is being deleted.
pub async fn find(services: &Services, id: &AccountId) -> Result<AccountRow, Error> {
    services.store.find_account(id).await?.ok_or(Error::NotFound)
}

/// The account for whoever gives it something.
pub async fn find_active(services: &Services, id: &AccountId) -> Result<AccountRow, Error> {
    let row = find(services, id).await?;
    if row.deleting_at.is_none() { Ok(row) } else { Err(Error::NotFound) }
}

pub async fn create(services: &Services, name: &str, plan: &str) -> Result<AccountRow, Error> {
    let name = name::checked(name, limits::ACCOUNT_NAME_CHARS)?;
    let id = services.chance.account_id();
    let there = || async { Ok(services.store.find_account(&id).await?.map(|_| true)) };
    if settled(services.store.insert_account(&id, name, plan, services.clock.now()), there).await? {
        find(services, &id).await
    } else {
        Err(Error::NoSuchPlan(plan.to_owned()))
    }
}

/// Changes what is given. On this node a new plan counts from the next call on, on others within five seconds.
pub async fn update(services: &Services, id: &AccountId, name: Option<&str>, plan: Option<&str>) -> Result<AccountRow, Error> {
    let name = name.map(|text| name::checked(text, limits::ACCOUNT_NAME_CHARS)).transpose()?;
    if let Some(plan) = plan
        && !services.store.list_plans().await?.iter().any(|known| known.name == plan)
    {
        return Err(Error::NoSuchPlan(plan.to_owned()));
    }
    let row = services.store.update_account(id, name, plan).await?.ok_or(Error::NotFound)?;
    others::spread(services, News::KeysChanged).await;
    Ok(row)
}

/// Makes a plan, or changes the limits of all accounts that are on it, as fast as [`update`] does.
pub async fn put_plan(services: &Services, plan: &Plan) -> Result<(), Error> {
    name::plan(&plan.name)?;
    plan::check(plan)?;
    services.store.put_plan(plan).await?;
    others::spread(services, News::KeysChanged).await;
    Ok(())
}

/// The account of that name; made on `plan` where there is none.
pub async fn find_or_create(services: &Services, name: &str, plan: &str) -> Result<AccountId, Error> {
    if let Some(row) = services.store.find_account_named(name).await? {
        return Ok(row.id);
    }
    Ok(create(services, name, plan).await?.id)
}
