//! Addresses that come with bad keys again and again: they are turned away before the database is asked.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wharf_api::{ApiError, ErrorCode, Timestamp};

use super::{WINDOW_MS, whole_seconds};

/// How many addresses are remembered at the most.
const ADDRESSES: usize = 10_000;
/// While an address is turned away, a key that this process has never seen is looked up so often: it may be a good one.
const LOOK_UP_EVERY: Duration = Duration::from_secs(1);

struct AddressFailures {
    since: Timestamp,
    failures: u64,
    looked_up: Option<Timestamp>,
}

/// The failed keys of all addresses, in minutes that begin with the first failure.
#[derive(Default)]
pub struct Floods {
    addresses: Mutex<HashMap<IpAddr, AddressFailures>>,
    is_shared: AtomicBool,
    /// What other nodes were not told yet.
    untold: Mutex<HashMap<IpAddr, u64>>,
}

impl Floods {
    /// Counts a failure.
    pub fn failed(&self, address: IpAddr, now: Timestamp) {
        self.count(address, 1, now);
        if self.is_shared.load(Ordering::Relaxed) {
            let mut untold = self.untold();
            if untold.len() < ADDRESSES {
                *untold.entry(source(address)).or_default() += 1;
            }
        }
    }

    /// Counts failures that another node has met.
    pub fn heard(&self, address: IpAddr, failures: u64, now: Timestamp) {
        self.count(address, failures, now);
    }

    /// What is to be told to other nodes, who ask for it from now on.
    pub fn take_untold(&self) -> Vec<(IpAddr, u64)> {
        self.is_shared.store(true, Ordering::Relaxed);
        std::mem::take(&mut *self.untold()).into_iter().collect()
    }

    fn count(&self, address: IpAddr, failures: u64, now: Timestamp) {
        let mut addresses = self.lock();
        if addresses.len() >= ADDRESSES {
            addresses.retain(|_, state| takes(state, now));
            if addresses.len() >= ADDRESSES {
                addresses.clear();
            }
        }
        let state = addresses.entry(source(address)).or_insert(AddressFailures { since: now, failures: 0, looked_up: None });
        if !takes(state, now) {
            *state = AddressFailures { since: now, failures: 0, looked_up: state.looked_up };
        }
        state.failures = state.failures.saturating_add(failures);
    }

    /// The refusal where the address has failed `limit` times within its minute. What time it is is asked for those alone that have failed.
    pub fn refusal(&self, address: IpAddr, limit: u64, now: impl FnOnce() -> Timestamp) -> Option<ApiError> {
        let addresses = self.lock();
        let state = addresses.get(&source(address))?;
        let now = now();
        if !runs(state, now) || state.failures < limit {
            return None;
        }
        let wait = state.since.as_millis() + WINDOW_MS - now.as_millis();
        let error = ApiError::new(ErrorCode::RateLimitExceeded).reason("too many requests without a good key came from this address");
        Some(error.limit(limit, limit + 1).retry_after(whole_seconds(wait)))
    }

    /// Whether an address that is turned away may have an unseen key looked up all the same; uses that chance up.
    pub fn may_look_up(&self, address: IpAddr, now: Timestamp) -> bool {
        let mut addresses = self.lock();
        let Some(state) = addresses.get_mut(&source(address)) else { return true };
        let due = state.looked_up.is_none_or(|at| !(at..at + LOOK_UP_EVERY).contains(&now));
        if due {
            state.looked_up = Some(now);
        }
        due
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, AddressFailures>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn untold(&self) -> MutexGuard<'_, HashMap<IpAddr, u64>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Also false after the machine's clock went back.
fn runs(state: &AddressFailures, now: Timestamp) -> bool {
    (0..WINDOW_MS).contains(&(now.as_millis() - state.since.as_millis()))
}

/// Whether a failure counts in the minute that there is. Its request may have been looked at before the one that began that.
fn takes(state: &AddressFailures, now: Timestamp) -> bool {
    (-WINDOW_MS..WINDOW_MS).contains(&(now.as_millis() - state.since.as_millis()))
}

/// Whom an address belongs to: of IPv6, everybody has at least 2^64.
pub(crate) fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn an_address_is_turned_away_at_the_limit_and_let_in_when_its_minute_is_over() {
        let (floods, address) = (Floods::default(), "192.0.2.1".parse().unwrap());
        for failure in 0..3 {
            assert!(floods.refusal(address, 3, || at(failure)).is_none());
            floods.failed(address, at(failure));
        }
        let refusal = floods.refusal(address, 3, || at(10_000)).unwrap();
        assert_eq!(refusal.details.retry_after, Some(50));
        assert!(floods.refusal("192.0.2.2".parse().unwrap(), 3, || at(10_000)).is_none());
        assert!(floods.refusal(address, 3, || at(60_000)).is_none());
    }

    #[test]
    fn requests_that_fail_in_another_order_than_they_came_are_all_counted() {
        let (floods, address) = (Floods::default(), "192.0.2.1".parse().unwrap());
        for failure in [2, 0, 1] {
            floods.failed(address, at(failure));
        }
        assert!(floods.refusal(address, 3, || at(2)).is_some());
    }

    #[test]
    fn what_nodes_tell_each_other_of_counts_on_all_of_them_and_is_told_once() {
        let (here, there, address) = (Floods::default(), Floods::default(), "192.0.2.1".parse().unwrap());
        here.failed(address, at(0));
        assert!(here.take_untold().is_empty(), "nobody had asked");
        for _ in 0..2 {
            here.failed(address, at(1));
        }
        there.failed(address, at(1));
        assert!(there.refusal(address, 3, || at(1)).is_none());
        for (address, failures) in here.take_untold() {
            there.heard(address, failures, at(2));
        }
        assert!(there.refusal(address, 3, || at(2)).is_some());
        assert!(here.take_untold().is_empty() && there.take_untold().is_empty());
    }

    #[test]
    fn one_unseen_key_a_second_is_looked_up() {
        let (floods, address) = (Floods::default(), "192.0.2.1".parse().unwrap());
        floods.failed(address, at(0));
        assert!(floods.may_look_up(address, at(5)));
        assert!(!floods.may_look_up(address, at(1_004)));
        assert!(floods.may_look_up(address, at(1_005)));
    }

    #[test]
    fn neighbours_in_one_ipv6_network_are_one_and_a_mapped_address_is_the_old_one() {
        let of = |text: &str| source(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
