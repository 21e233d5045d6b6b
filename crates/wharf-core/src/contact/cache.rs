//! What WhatsApp said lately about numbers.

use std::time::Duration;

use moka::policy::EvictionPolicy;
use wharf_api::Timestamp;

use crate::engine::Registration;

/// How long a number that was found is believed to be there.
const FOUND: Duration = Duration::from_hours(24);
/// How long a number that was not found is believed to be absent: people join.
const ABSENT: Duration = Duration::from_mins(5);
/// How many numbers are remembered at the most; the one that was asked for longest ago makes room.
const CACHE_NUMBERS: u64 = 100_000;

/// What was learned about numbers. One for all accounts: whether a number is on WhatsApp is no tenant's secret.
pub struct Cache {
    known: moka::sync::Cache<String, (Timestamp, Registration)>,
}

impl Default for Cache {
    fn default() -> Self {
        Self { known: moka::sync::Cache::builder().max_capacity(CACHE_NUMBERS).eviction_policy(EvictionPolicy::lru()).build() }
    }
}

impl Cache {
    pub(super) fn get(&self, phone: &str, now: Timestamp) -> Option<Registration> {
        let (at, registration) = self.known.get(phone)?;
        let life = if registration.registered { FOUND } else { ABSENT };
        (now < at + life).then_some(registration)
    }

    pub(super) fn put(&self, registration: Registration, now: Timestamp) {
        self.known.insert(registration.phone.clone(), (now, registration));
    }

    /// The network said that the number is not there after all.
    pub fn forget(&self, phone: &str) {
        self.known.invalidate(phone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::at;

    #[test]
    fn who_was_found_is_believed_for_a_day_and_who_was_not_for_five_minutes() {
        let cache = Cache::default();
        let there = Registration { registered: true, ..Registration::absent("14155552671".to_owned()) };
        cache.put(there.clone(), at(0));
        cache.put(Registration::absent("14155552672".to_owned()), at(0));
        let knows = |phone, now| cache.get(phone, now).is_some();
        for (phone, believed) in [("14155552671", FOUND), ("14155552672", ABSENT)] {
            let end = at(0) + believed;
            assert_eq!([end - Duration::from_millis(1), end].map(|now| knows(phone, now)), [true, false], "{phone}");
        }
        assert_eq!(cache.get("14155552671", at(0)), Some(there));
        cache.forget("14155552671");
        assert!(!knows("14155552671", at(0)), "WhatsApp said that it is not there after all");
    }
}
