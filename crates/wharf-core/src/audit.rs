//! The audit log: who changed what, from where, and how it ended. No secret and no text of a message stands in it.
//!
//! A row is written after what it tells of, before the answer. One that the database does not take is kept in memory
//! and offered again. Refused keys are counted and written together: a flood of them must not become writes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wharf_api::types::audit::{Actor, AuditEntry};
use wharf_api::{ErrorCode, limits};

use crate::caller::Caller;
use crate::limit;
use crate::services::Services;
use crate::store::{self, AuditFilter, AuditRow, Page, PageRequest};

/// The action of rows about refused keys.
pub const AUTHENTICATE: &str = "authenticate";
/// From how many addresses refused keys are told apart between two writes; the rest is counted without an address.
const ADDRESSES: usize = 1_000;
/// How many rows wait at the most for a database that is away.
const WAITING: usize = 10_000;
/// How many rows one commit adds or drops.
const BATCH: usize = 200;

#[derive(Default)]
struct Held {
    refused: HashMap<(Option<IpAddr>, ErrorCode, &'static str), u64>,
    waiting: Vec<AuditRow>,
}

/// What is not written down yet.
#[derive(Default)]
pub struct Trail(Mutex<Held>);

impl Trail {
    /// Counts a key that was refused, or somebody who did not get in: `action` tells them apart.
    pub fn refused(&self, address: IpAddr, code: ErrorCode, action: &'static str) {
        let mut held = self.lock();
        let mut key = (Some(limit::source(address)), code, action);
        if held.refused.len() >= ADDRESSES && !held.refused.contains_key(&key) {
            key.0 = None;
        }
        *held.refused.entry(key).or_default() += 1;
    }

    /// Keeps rows for [`flush`].
    pub(crate) fn keep(&self, rows: &[AuditRow]) {
        let mut held = self.lock();
        let room = WAITING.saturating_sub(held.waiting.len());
        if rows.len() > room {
            tracing::error!(lost = rows.len() - room, "rows of the audit log are lost: the database was away for too long");
        }
        held.waiting.extend(rows.iter().take(room).cloned());
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
    let (mut rows, refused) = {
        let mut held = services.trail.lock();
        (std::mem::take(&mut held.waiting), std::mem::take(&mut held.refused))
    };
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
    let before = now.plus_millis(-limits::AUDIT_DAYS * 24 * 60 * 60 * 1000);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_keys_are_told_apart_by_address_up_to_a_number_of_addresses() {
        let trail = Trail::default();
        for number in 0..2_000_u32 {
            let address = IpAddr::from(number.to_be_bytes());
            trail.refused(address, ErrorCode::InvalidApiKey, AUTHENTICATE);
            trail.refused(address, ErrorCode::InvalidApiKey, AUTHENTICATE);
        }
        let held = trail.lock();
        assert_eq!(held.refused.len(), ADDRESSES + 1);
        assert_eq!(held.refused.values().sum::<u64>(), 4_000);
        assert_eq!(held.refused[&(None, ErrorCode::InvalidApiKey, AUTHENTICATE)], 2_000);
    }
}
