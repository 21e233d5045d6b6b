//! What was counted of calls and keys since it was written down last.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wharf_api::ids::{AccountId, KeyId};
use wharf_api::{ErrorCode, Timestamp};

use crate::store::Answers;

/// How often the use of one key is written down at the most.
const KEY_EVERY_MS: i64 = 60_000;

#[derive(Default)]
struct KeyUse {
    account: Option<AccountId>,
    used: Option<Timestamp>,
    written: Option<Timestamp>,
}

#[derive(Default)]
struct Counts {
    answers: HashMap<AccountId, HashMap<(i64, Option<ErrorCode>), u64>>,
    keys: HashMap<KeyId, KeyUse>,
}

/// What was counted and is not written down yet.
#[derive(Default)]
pub struct Counter(Mutex<Counts>);

impl Counter {
    /// Counts one answered call; `code` is `None` for success.
    pub fn answer(&self, account: &AccountId, code: Option<ErrorCode>, now: Timestamp) {
        let mut counts = self.lock();
        if !counts.answers.contains_key(account) {
            counts.answers.insert(account.clone(), HashMap::new());
        }
        if let Some(days) = counts.answers.get_mut(account) {
            *days.entry((now.utc_day(), code)).or_default() += 1;
        }
    }

    /// Notes that a key was used.
    pub fn key(&self, account: &AccountId, id: &KeyId, now: Timestamp) {
        let mut counts = self.lock();
        if let Some(key) = counts.keys.get_mut(id) {
            key.used = Some(now);
        } else {
            counts.keys.insert(id.clone(), KeyUse { account: Some(account.clone()), used: Some(now), written: None });
        }
    }

    pub(super) fn take_answers(&self) -> HashMap<AccountId, HashMap<(i64, Option<ErrorCode>), u64>> {
        std::mem::take(&mut self.lock().answers)
    }

    pub(super) fn put_back(&self, account: &AccountId, answers: &[Answers]) {
        let mut counts = self.lock();
        let days = counts.answers.entry(account.clone()).or_default();
        for answer in answers {
            *days.entry((answer.utc_day, answer.code)).or_default() += answer.count;
        }
    }

    /// The keys whose use is due to be written, by account. Those that were not used for long are forgotten.
    pub(super) fn take_keys(&self, now: Timestamp) -> HashMap<AccountId, Vec<(KeyId, Timestamp)>> {
        let mut due: HashMap<AccountId, Vec<(KeyId, Timestamp)>> = HashMap::new();
        let fresh = |at: Timestamp| (0..KEY_EVERY_MS).contains(&(now.as_millis() - at.as_millis()));
        self.lock().keys.retain(|id, key| {
            if key.written.is_some_and(fresh) {
                return true;
            }
            let (Some(used), Some(account)) = (key.used.take(), key.account.as_ref()) else { return false };
            key.written = Some(now);
            due.entry(account.clone()).or_default().push((id.clone(), used));
            true
        });
        due
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
