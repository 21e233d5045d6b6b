mod clocks;
mod nodes;

use std::sync::atomic::{AtomicI64, Ordering};

use wharf_api::ids::Uuid;

use super::*;

/// A clock that is moved by hand.
#[derive(Default)]
struct Hand {
    steady: AtomicI64,
    /// What somebody has set the clock ahead by.
    ahead: AtomicI64,
}

impl Hand {
    fn set(&self, millis: i64) {
        self.steady.store(millis, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        self.steady().plus_millis(self.ahead.load(Ordering::Relaxed))
    }

    fn steady(&self) -> Timestamp {
        Timestamp::from_millis(self.steady.load(Ordering::Relaxed))
    }
}

#[test]
fn a_clock_that_was_a_day_ahead_and_is_put_right_frees_nobody_early_and_holds_nobody_back() {
    const DAY: i64 = 24 * 60 * 60_000;
    let (calls, clock) = (Calls::default(), Hand::default());
    clock.set(1_000_000);
    clock.ahead.store(DAY, Ordering::Relaxed);
    for _ in 0..95 {
        call(&calls, &clock, 100).unwrap();
    }
    clock.ahead.store(0, Ordering::Relaxed);
    for _ in 0..5 {
        call(&calls, &clock, 100).unwrap();
    }
    let (standing, refused) = calls.admit(&account(1), &plan(100, 10), &clock);
    assert!(matches!(refused, Err(Refused::Rate { retry_after: 61 })));
    assert_eq!(standing.reset_at, clock.now().plus_millis(WINDOW_MS + 1), "told by the clock that people see");
    clock.set(1_000_000 + WINDOW_MS + 1);
    for _ in 0..100 {
        call(&calls, &clock, 100).unwrap();
    }
}

fn plan(calls_per_minute: u64, concurrent_requests: u64) -> Plan {
    Plan {
        name: "test".into(),
        messages_per_day: None,
        calls_per_minute,
        sessions: None,
        concurrent_requests,
        event_days: 30,
        media_days: 30,
        media_bytes: None,
        pace: wharf_api::types::account::Pace::default(),
        keep_deleted: false,
        message_days: None,
    }
}

fn account(number: u128) -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(number))
}

/// Calls once and ends the call; `Err` has the seconds of `Retry-After`.
fn call(calls: &Calls, clock: &Hand, limit: u64) -> Result<Standing, u64> {
    let (standing, admitted) = calls.admit(&account(1), &plan(limit, 10), clock);
    match admitted {
        Ok(_permit) => Ok(standing),
        Err(Refused::Rate { retry_after }) => Err(retry_after),
        Err(other) => panic!("{other:?}"),
    }
}

/// The most calls that fell into one window, the end of the window included.
fn busiest(accepted: &[i64]) -> usize {
    accepted.iter().map(|end| accepted.iter().filter(|at| (end - WINDOW_MS..=*end).contains(at)).count()).max().unwrap_or(0)
}

#[test]
fn the_limit_passes_and_one_past_it_does_not() {
    let (calls, clock) = (Calls::default(), Hand::default());
    clock.set(1_000_000);
    for used in 1..=100 {
        let standing = call(&calls, &clock, 100).unwrap();
        assert_eq!((standing.limit, standing.remaining), (100, 100 - used));
        assert_eq!(standing.reset_at.as_millis(), 1_060_001);
    }
    assert_eq!(call(&calls, &clock, 100), Err(61));
    clock.set(1_060_000);
    assert!(call(&calls, &clock, 100).is_err());
    clock.set(1_060_001);
    assert_eq!(call(&calls, &clock, 100).unwrap().remaining, 99);
}

#[test]
fn twice_the_rate_for_two_minutes_gets_the_limit_and_none_above_it() {
    let (calls, clock) = (Calls::default(), Hand::default());
    let mut accepted = Vec::new();
    // 2,000 calls a minute in uneven steps, on a limit of 1,000.
    for step in 0..4_000_i64 {
        clock.set(step * 30 + (step % 7) * 3);
        if call(&calls, &clock, 1_000).is_ok() {
            accepted.push(clock.now().as_millis());
        }
    }
    assert!((1_960..=2_000).contains(&accepted.len()), "{}", accepted.len());
    assert_eq!(busiest(&accepted), 1_000);
}

#[test]
fn a_caller_that_obeys_retry_after_is_not_refused_twice() {
    for gap in [0, 1, 7, 300, 999] {
        let (calls, clock) = (Calls::default(), Hand::default());
        let (mut now, mut refused_before, mut refusals) = (0, false, 0);
        for _ in 0..2_000 {
            clock.set(now);
            match call(&calls, &clock, 50) {
                Ok(_) => (refused_before, now) = (false, now + gap),
                Err(seconds) => {
                    assert!(!refused_before, "a second refusal at {now}, gap {gap}");
                    (refused_before, refusals, now) = (true, refusals + 1, now + i64::try_from(seconds).unwrap() * 1000);
                }
            }
        }
        assert!(refusals > 0, "gap {gap}");
    }
}

#[test]
fn a_crowd_that_obeys_retry_after_is_not_refused_twice() {
    let (calls, clock) = (Calls::default(), Hand::default());
    // 60 calls over a minute, then 60 more at once: places become free one after the other.
    for second in 0..60 {
        clock.set(second * 1_000);
        call(&calls, &clock, 60).unwrap();
    }
    clock.set(59_500);
    let mut back: Vec<i64> = (0..60).map(|_| 59_500 + i64::try_from(call(&calls, &clock, 60).unwrap_err()).unwrap() * 1000).collect();
    back.sort_unstable();
    for at in back {
        clock.set(at);
        assert!(call(&calls, &clock, 60).is_ok(), "at {at}");
    }
}

#[test]
fn a_clock_that_goes_back_locks_nobody_out_for_longer_than_a_window() {
    let (calls, clock) = (Calls::default(), Hand::default());
    clock.set(10_000_000);
    for _ in 0..5 {
        call(&calls, &clock, 5).unwrap();
    }
    clock.set(1_000_000);
    assert_eq!(call(&calls, &clock, 5), Err(61));
    clock.set(1_061_000);
    assert!(call(&calls, &clock, 5).is_ok());
}

#[test]
fn a_smaller_plan_bites_at_once_and_a_larger_one_frees_at_once() {
    let (calls, clock) = (Calls::default(), Hand::default());
    for _ in 0..10 {
        call(&calls, &clock, 10).unwrap();
    }
    assert!(call(&calls, &clock, 5).is_err());
    assert_eq!(call(&calls, &clock, 20).unwrap().remaining, 9);
}

#[test]
fn requests_at_a_time_are_limited_until_one_ends_and_a_refused_one_is_not_counted() {
    let (calls, clock) = (Calls::default(), Hand::default());
    let admit = || calls.admit(&account(1), &plan(100, 2), &clock);
    let (first, second) = (admit().1.unwrap_or_else(|_| panic!()), admit().1);
    let (standing, refused) = admit();
    assert_eq!(refused.err(), Some(Refused::Concurrency { limit: 2 }));
    assert_eq!(standing.remaining, 98);
    assert!(calls.admit(&account(2), &plan(100, 2), &clock).1.is_ok(), "another account has its own places");
    drop(first);
    assert!(admit().1.is_ok());
    drop(second);
}

#[test]
fn an_idle_account_is_forgotten_and_a_busy_one_is_not() {
    let (calls, clock) = (Calls::default(), Hand::default());
    let held = calls.admit(&account(1), &plan(1, 1), &clock).1;
    drop(calls.admit(&account(2), &plan(1, 1), &clock));
    calls.tidy(Timestamp::from_millis(60_000));
    assert_eq!(calls.lock().len(), 2);
    calls.tidy(Timestamp::from_millis(60_001));
    assert_eq!(calls.lock().len(), 1);
    drop(held);
}

proptest::proptest! {
    /// Steps between calls in milliseconds; every call that is let in counts.
    #[test]
    fn no_minute_has_more_calls_than_the_limit_and_who_is_refused_is_told_a_time_in_reach(
        limit in 1_u64..8,
        steps in proptest::collection::vec(0_i64..25_000, 1..200),
    ) {
        let mut window = super::window::Window::default();
        let (mut now, mut taken) = (0, Vec::new());
        for step in steps {
            now += step;
            match window.ask(limit, Timestamp::from_millis(now)) {
                super::window::Vacancy::Free => {
                    window.take(Timestamp::from_millis(now));
                    taken.push(now);
                }
                super::window::Vacancy::FreeAt(at) => {
                    let wait = at.as_millis() - now;
                    proptest::prop_assert!((1..=WINDOW_MS + 1).contains(&wait), "{wait}");
                }
            }
            let within = taken.iter().filter(|at| now - **at <= WINDOW_MS).count();
            proptest::prop_assert!(within as u64 <= limit, "{within} calls in a minute of {limit}");
        }
    }

    /// Whoever comes alone and as it is told is let in.
    #[test]
    fn who_comes_back_when_told_is_let_in(limit in 1_u64..8, gaps in proptest::collection::vec(0_i64..90_000, 1..60)) {
        let mut window = super::window::Window::default();
        let mut now = 0;
        for gap in gaps {
            now += gap;
            if let super::window::Vacancy::FreeAt(at) = window.ask(limit, Timestamp::from_millis(now)) {
                now = at.as_millis();
                let again = window.ask(limit, at);
                proptest::prop_assert!(matches!(again, super::window::Vacancy::Free));
            }
            window.take(Timestamp::from_millis(now));
        }
    }
}
