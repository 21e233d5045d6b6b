//! What the audit log does not hold yet: rows that wait for the database, and refused keys by address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wharf_api::ErrorCode;

use crate::limit;
use crate::store::AuditRow;

/// From how many addresses refused keys are told apart between two writes; the rest is counted without an address.
const ADDRESSES: usize = 1_000;
/// How many rows wait at the most for a database that is away.
const WAITING: usize = 10_000;

/// How often each address was refused, with which code, at what.
pub(super) type RefusedKeys = HashMap<(Option<IpAddr>, ErrorCode, &'static str), u64>;

#[derive(Default)]
struct Unwritten {
    refused: RefusedKeys,
    waiting: Vec<AuditRow>,
}

/// What is not written down yet.
#[derive(Default)]
pub struct Trail(Mutex<Unwritten>);

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

    /// Keeps rows for [`flush`](super::flush).
    pub(crate) fn keep(&self, rows: &[AuditRow]) {
        let mut held = self.lock();
        let room = WAITING.saturating_sub(held.waiting.len());
        if rows.len() > room {
            tracing::error!(lost = rows.len() - room, "rows of the audit log are lost: the database was away for too long");
        }
        held.waiting.extend(rows.iter().take(room).cloned());
    }

    /// What was kept and what was counted. Both begin anew.
    pub(super) fn take(&self) -> (Vec<AuditRow>, RefusedKeys) {
        let mut held = self.lock();
        (std::mem::take(&mut held.waiting), std::mem::take(&mut held.refused))
    }

    fn lock(&self) -> MutexGuard<'_, Unwritten> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AUTHENTICATE;

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
