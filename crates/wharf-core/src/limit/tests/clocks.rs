//! Limits under a clock that jumps, and places among the requests that run.

use proptest::prelude::*;

use super::*;
use crate::limit::window::{Vacancy, Window};

/// The calls that count at this moment: those of the future have happened now, and what counted no more once never does again.
fn count(taken: &mut Vec<i64>, now: i64) -> u64 {
    taken.retain_mut(|at| {
        *at = now.min(*at);
        now - *at <= WINDOW_MS
    });
    taken.len() as u64
}

proptest! {
    /// Steps in milliseconds, also backwards.
    #[test]
    fn wherever_the_clock_jumps_a_call_fits_exactly_where_fewer_than_the_limit_count(
        limit in 1_u64..8,
        steps in proptest::collection::vec(-90_000_i64..90_000, 1..200),
    ) {
        let (mut window, mut now, mut taken) = (Window::default(), 1_000_000, Vec::new());
        for step in steps {
            now += step;
            let counted = count(&mut taken, now);
            match window.ask(limit, Timestamp::from_millis(now)) {
                Vacancy::Free => {
                    prop_assert!(counted < limit, "{counted} of {limit} count, and one more was let in");
                    window.take(Timestamp::from_millis(now));
                    taken.push(now);
                }
                Vacancy::FreeAt(at) => {
                    prop_assert!(counted >= limit, "{counted} of {limit} count, and a call was refused");
                    let wait = at.as_millis() - now;
                    prop_assert!((1..=WINDOW_MS + 1).contains(&wait), "{wait}");
                }
            }
            prop_assert_eq!(window.remaining(limit), limit - count(&mut taken, now));
        }
        // Whatever was before, a minute after it the whole limit is there again.
        prop_assert_eq!(window.free(limit, Timestamp::from_millis(now + WINDOW_MS + 1)), limit);
        prop_assert!(window.is_whole(Timestamp::from_millis(now + WINDOW_MS + 1)));
    }

    /// What comes back because it was never made is as if it had never been counted, and nothing else comes back with it.
    #[test]
    fn what_is_given_back_was_never_counted(
        calls in proptest::collection::vec((0_i64..60_000, 1_u64..5, 0_u64..5), 1..50),
    ) {
        let (mut window, mut expected) = (Window::default(), 0);
        for (at, count, back) in &calls {
            window.add(Timestamp::from_millis(*at), *count);
            let back = (*back).min(*count);
            window.give_back(Timestamp::from_millis(*at), back);
            expected += count - back;
        }
        let told: u64 = window.past(None, Timestamp::from_millis(60_000)).iter().map(|(_, calls)| calls).sum();
        prop_assert_eq!(told, expected);
        prop_assert_eq!(window.free(1_000, Timestamp::from_millis(60_000)), 1_000 - expected);
    }

    /// Requests of two accounts begin and end in any order.
    #[test]
    fn as_many_run_at_a_time_as_the_plan_says_and_none_takes_anothers_place(
        places in 1_u64..5,
        steps in proptest::collection::vec((any::<bool>(), any::<bool>(), any::<prop::sample::Index>()), 1..100),
    ) {
        let (calls, clock) = (Calls::default(), Hand::default());
        let mut running: [Vec<Permit>; 2] = [Vec::new(), Vec::new()];
        for (begins, first, which) in steps {
            let (mine, number) = (&mut running[usize::from(first)], u128::from(first));
            if begins {
                let (_, admitted) = calls.admit(&account(number), &plan(1_000, places), &clock);
                prop_assert_eq!(admitted.is_ok(), (mine.len() as u64) < places);
                match admitted {
                    Ok(permit) => mine.push(permit),
                    Err(refused) => prop_assert_eq!(refused, Refused::Concurrency { limit: places }),
                }
            } else if !mine.is_empty() {
                drop(mine.swap_remove(which.index(mine.len())));
            }
            prop_assert_eq!(calls.running(&account(number)), mine.len() as u64);
        }
        drop(running);
        prop_assert_eq!([0, 1].map(|number| calls.running(&account(number))), [0, 0]);
    }
}
