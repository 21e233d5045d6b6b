//! The audit log: who changed what, from where, and how it ended. No secret and no text of a message stands in it.
//!
//! A row is written after what it tells of, before the answer. One that the database does not take is kept in memory
//! and offered again. Refused keys are counted and written together: a flood of them must not become writes.

pub(crate) mod trail;

use wharf_api::types::audit::{Actor, AuditEntry};
use wharf_api::{limits, time};

use crate::caller::Caller;
use crate::services::Services;
use crate::store::{self, AuditFilter, AuditRow, Page, PageRequest};

pub use trail::Trail;

/// The action of rows about refused keys.
pub const AUTHENTICATE: &str = "authenticate";
/// How many rows one commit adds or drops.
const BATCH: usize = 200;

/// Writes one row, or keeps it for [`flush`].
pub async fn record(services: &Services, row: AuditRow) {
    if let Err(error) = services.store.append_audit(std::slice::from_ref(&row)).await {
        tracing::warn!(%error, action = row.action, "a row of the audit log waits for the database");
        services.trail.keep(&[row]);
    }
}

/// Writes what waits and what was counted. What cannot be written is kept for the next time.
pub async fn flush(services: &Services) -> Result<(), store::Error> {
    let now = services.clock.now();
    let (mut rows, refused) = services.trail.take();
    rows.extend(refused.into_iter().map(|((address, code, action), times)| AuditRow {
        at: now,
        account: None,
        actor: Actor::Nobody,
        key: None,
        user: None,
        address: address.map(|address| address.to_string()),
        action: action.to_owned(),
        target: None,
        created: None,
        code: Some(code),
        times,
    }));
    let mut batches = rows.chunks(BATCH);
    while let Some(batch) = batches.next() {
        if let Err(error) = services.store.append_audit(batch).await {
            services.trail.keep(batch);
            batches.for_each(|batch| services.trail.keep(batch));
            return Err(error);
        }
    }
    Ok(())
}

/// Drops rows that are older than [`limits::AUDIT_DAYS`].
pub async fn expire(services: &Services) -> Result<(), store::Error> {
    let now = services.clock.now();
    if !services.steady.believes(now) {
        return Ok(());
    }
    let before = now - time::days(limits::AUDIT_DAYS);
    while services.store.expire_audit(before, u32::try_from(BATCH).unwrap_or(u32::MAX)).await? == BATCH as u64 {}
    Ok(())
}

/// The caller's account's rows, newest first. A key that is bound to sessions sees what it did itself.
pub async fn list(
    services: &Services,
    caller: &Caller,
    mut filter: AuditFilter,
    page: PageRequest,
) -> Result<Page<AuditRow>, store::Error> {
    filter.account = Some(caller.account.clone());
    if caller.sessions.is_some() {
        // Only keys are bound.
        let own = caller.by.key();
        if own.is_none() || filter.key.as_ref().is_some_and(|key| Some(key) != own) {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        filter.key = own.cloned();
    }
    services.store.list_audit(&filter, page).await
}

/// A row as its account sees it: of an operator, that it was one.
pub fn view(row: &AuditRow) -> AuditEntry {
    let mut entry = full_view(row);
    if row.actor == Actor::Operator {
        entry.key_id = None;
        entry.user_id = None;
        entry.address = None;
    }
    entry
}

/// A row as an operator sees it.
pub fn full_view(row: &AuditRow) -> AuditEntry {
    AuditEntry {
        at: row.at,
        actor: row.actor,
        key_id: row.key.clone(),
        user_id: row.user.clone(),
        address: row.address.clone(),
        account_id: row.account.clone(),
        action: row.action.clone(),
        target: row.target.clone(),
        created: row.created.clone(),
        code: row.code.map(|code| code.name().to_owned()),
        times: row.times,
    }
}

/// A row of the command line, which is about one account.
pub fn by_cli(services: &Services, account: Option<wharf_api::ids::AccountId>, action: &str) -> AuditRow {
    AuditRow {
        at: services.clock.now(),
        account,
        actor: Actor::Cli,
        key: None,
        user: None,
        address: None,
        action: action.to_owned(),
        target: None,
        created: None,
        code: None,
        times: 1,
    }
}
