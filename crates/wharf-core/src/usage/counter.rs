//! What was counted of calls and keys since it was written down last.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wharf_api::ids::{AccountId, KeyId};
use wharf_api::{ErrorCode, Timestamp};

use crate::store::Answers;

/// How often the use of one key is written down at the most.
const KEY_EVERY: Duration = Duration::from_mins(1);

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
        let days = match counts.answers.get_mut(account) {
            Some(days) => days,
            None => counts.answers.entry(account.clone()).or_default(),
        };
        *days.entry((now.utc_day(), code)).or_default() += 1;
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
        let fresh = |at: Timestamp| (at..at + KEY_EVERY).contains(&now);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{account, at, key};

    const EVERY: i64 = 60_000;

    /// When the sample's key was used last, if that is due to be written.
    fn due(counter: &Counter, now: i64) -> Option<Timestamp> {
        let mut keys = counter.take_keys(at(now)).remove(&account(1))?;
        let (id, used) = keys.pop().unwrap();
        assert!(keys.is_empty() && id == key().key.id, "each key stands there once");
        Some(used)
    }

    #[test]
    fn the_last_use_of_a_key_is_written_once_a_minute_at_the_most_and_is_the_last() {
        let (counter, id) = (Counter::default(), key().key.id);
        let used = |millis| counter.key(&account(1), &id, at(millis));
        used(0);
        used(10);
        assert_eq!(due(&counter, 20), Some(at(10)));
        used(30);
        used(40);
        assert_eq!(due(&counter, 20 + EVERY - 1), None, "it is kept, and not written yet");
        assert_eq!(due(&counter, 20 + EVERY), Some(at(40)));
        assert_eq!(due(&counter, 20 + 2 * EVERY), None);
        assert!(counter.lock().keys.is_empty(), "who is not used for a minute is forgotten");
    }

    #[test]
    fn a_clock_that_went_back_keeps_no_use_from_being_written() {
        let (counter, id) = (Counter::default(), key().key.id);
        counter.key(&account(1), &id, at(10 * EVERY));
        assert!(due(&counter, 10 * EVERY).is_some());
        counter.key(&account(1), &id, at(0));
        assert_eq!(due(&counter, 0), Some(at(0)));
    }

    #[test]
    fn what_could_not_be_written_counts_with_what_came_meanwhile_each_on_its_day() {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        let (counter, mine) = (Counter::default(), account(1));
        counter.answer(&mine, None, at(0));
        counter.answer(&mine, None, at(0));
        counter.answer(&account(2), None, at(0));
        let taken = counter.take_answers();
        assert_eq!(taken[&mine][&(at(0).utc_day(), None)], 2);
        counter.answer(&mine, None, at(0));
        counter.answer(&mine, Some(ErrorCode::RateLimitExceeded), at(DAY));
        counter.put_back(&mine, &[Answers { utc_day: at(0).utc_day(), code: None, count: 2 }]);
        let again = counter.take_answers();
        assert!(!again.contains_key(&account(2)), "what was written is not counted again");
        let expected = HashMap::from([((at(0).utc_day(), None), 3), ((at(DAY).utc_day(), Some(ErrorCode::RateLimitExceeded)), 1)]);
        assert_eq!(again[&mine], expected);
    }
}
