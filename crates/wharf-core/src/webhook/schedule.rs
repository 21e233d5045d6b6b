//! When a delivery is tried again, and when it is not.

use std::time::Duration;

use wharf_api::Timestamp;

use super::tried::{Outcome, Tried};
use crate::chance::Chance;

/// The shortest pause while our own way out is down.
const OFFLINE_PAUSE: Duration = Duration::from_mins(1);

/// An operator's decision about tries. The default is that of Standard Webhooks; tests shorten it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The pauses after the first, second, … try that failed. There is one try more than there are pauses.
    pub pauses: Vec<Duration>,
    /// The shortest pause after a server said that it has too much to do, or said nothing in time.
    pub overload_pause: Duration,
    /// For how long a webhook may do nothing but fail before it is switched off.
    pub give_up: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        let hours = [2, 5, 10, 14, 20, 24].map(Duration::from_hours);
        Self {
            pauses: [Duration::from_secs(5), Duration::from_mins(5), Duration::from_mins(30)].into_iter().chain(hours).collect(),
            overload_pause: Duration::from_mins(1),
            give_up: Duration::from_hours(120),
        }
    }
}

/// What follows from a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Delivered,
    Again {
        at: Timestamp,
    },
    /// It was the last try.
    Failed,
    /// The server wants no more, ever. The delivery itself waits for somebody who switches the webhook on again.
    Gone,
}

impl Schedule {
    /// What follows from try number `tries`, the first being 1.
    pub fn next(&self, tries: u32, tried: &Tried, now: Timestamp, chance: &dyn Chance) -> Next {
        match &tried.outcome {
            Outcome::Answer { status: 200..=299, .. } => return Next::Delivered,
            Outcome::Answer { status: 410, .. } => return Next::Gone,
            Outcome::Offline => return Next::Again { at: now + spread(OFFLINE_PAUSE, 5, chance) },
            Outcome::Answer { .. } | Outcome::None(_) => {}
        }
        let Some(base) = usize::try_from(tries.max(1) - 1).ok().and_then(|place| self.pauses.get(place)).copied() else {
            return Next::Failed;
        };
        let pause = match tried.retry_after(now) {
            Some(wanted) => wanted.clamp(base, base.saturating_mul(2)),
            None => jittered(base, chance),
        };
        let pause = if tried.is_overload() && pause < self.overload_pause { spread(self.overload_pause, 5, chance) } else { pause };
        Next::Again { at: now + pause }
    }

    /// For each number of tries, how long a delivery can have been told to wait at the most.
    pub fn longest(&self) -> impl Iterator<Item = (u32, Duration)> {
        let pauses = std::iter::once(&Duration::ZERO).chain(&self.pauses);
        (0..).zip(pauses.map(|base| (*base).max(self.overload_pause).max(OFFLINE_PAUSE).saturating_mul(2)))
    }

    /// Whether a webhook that has done nothing but fail since then is to be switched off.
    pub fn gives_up(&self, failing_since: Timestamp, now: Timestamp) -> bool {
        now >= failing_since + self.give_up
    }
}

/// The pause, a fifth shorter or longer at the most: what failed together does not come back together.
fn jittered(base: Duration, chance: &dyn Chance) -> Duration {
    spread(base.saturating_sub(base / 5), 2, chance)
}

/// The pause, longer by one part in so many at the most.
fn spread(base: Duration, part: u32, chance: &dyn Chance) -> Duration {
    base + chance.up_to(base / part)
}

#[cfg(test)]
mod tests {
    use wharf_api::types::webhook::NoAnswer;

    use super::*;
    use crate::chance::SystemChance;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_mins(1);
    const HOUR: Duration = Duration::from_hours(1);
    const NOW: Timestamp = Timestamp::from_millis(1_795_400_000_000);

    fn tried(outcome: Outcome) -> Tried {
        Tried { at: NOW, duration_ms: 1, outcome }
    }

    fn answer(status: u16, retry_after: Option<&str>) -> Tried {
        tried(Outcome::Answer { status, retry_after: retry_after.map(str::to_owned), start: String::new() })
    }

    fn pause(tries: u32, tried: &Tried) -> Duration {
        match Schedule::default().next(tries, tried, NOW, &SystemChance) {
            Next::Again { at } => at.since(NOW),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn there_are_ten_tries_over_75_hours_and_35_minutes_each_pause_within_a_fifth() {
        let all = Schedule::default().pauses;
        assert_eq!(all.iter().sum::<Duration>(), 75 * HOUR + 35 * MINUTE + 5 * SECOND);
        for (place, base) in all.iter().enumerate() {
            for _ in 0..50 {
                let pause = pause(u32::try_from(place).unwrap() + 1, &answer(500, None));
                assert!((*base * 4 / 5..=*base * 6 / 5).contains(&pause), "{base:?}: {pause:?}");
            }
        }
        assert_eq!(Schedule::default().next(10, &answer(500, None), NOW, &SystemChance), Next::Failed);
    }

    #[test]
    fn two_hundreds_are_delivered_410_is_the_end_and_a_redirect_is_a_failure() {
        let next = |status| Schedule::default().next(1, &answer(status, None), NOW, &SystemChance);
        assert_eq!((next(200), next(204), next(299)), (Next::Delivered, Next::Delivered, Next::Delivered));
        assert_eq!(next(410), Next::Gone);
        for status in [301, 302, 307, 308, 400, 404, 500, 503] {
            assert!(matches!(next(status), Next::Again { .. }), "{status}");
        }
    }

    #[test]
    fn what_the_server_asks_for_counts_between_the_pause_and_twice_the_pause() {
        assert_eq!(pause(2, &answer(503, Some("400"))), 400 * SECOND);
        assert_eq!(pause(2, &answer(503, Some("1"))), 5 * MINUTE);
        assert_eq!(pause(2, &answer(503, Some("100000"))), 10 * MINUTE);
        assert_eq!(pause(2, &answer(503, Some("Mon, 23 Nov 2026 02:20:00 GMT"))), 400 * SECOND);
        for odd in ["", "soon", "-5", "1.5"] {
            let pause = pause(2, &answer(503, Some(odd)));
            assert!((4 * MINUTE..=6 * MINUTE).contains(&pause), "{odd}: {pause:?}");
        }
    }

    #[test]
    fn a_server_with_too_much_to_do_gets_a_minute_at_the_least() {
        for overload in [answer(429, None), answer(429, Some("3")), tried(Outcome::None(NoAnswer::Timeout))] {
            let pauses: Vec<_> = (0..50).map(|_| pause(1, &overload)).collect();
            assert!(pauses.iter().all(|pause| (MINUTE..=MINUTE * 6 / 5).contains(pause)), "{pauses:?}");
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "what failed together does not come back together");
        }
        assert!((4 * MINUTE..=6 * MINUTE).contains(&pause(2, &tried(Outcome::None(NoAnswer::Timeout)))));
        assert!(pause(1, &tried(Outcome::None(NoAnswer::Unreachable))) <= 6 * SECOND);
    }

    #[test]
    fn while_our_own_way_out_is_down_the_last_try_is_not_used_up() {
        for tries in [1, 9, 10, 40] {
            assert!((MINUTE..=MINUTE * 6 / 5).contains(&pause(tries, &tried(Outcome::Offline))), "{tries}");
        }
        assert!(tried(Outcome::Offline).is_no_try() && !tried(Outcome::None(NoAnswer::Unreachable)).is_no_try());
    }

    #[test]
    fn five_days_of_nothing_but_failures_are_enough() {
        let since = NOW - 120 * HOUR;
        assert!(!Schedule::default().gives_up(since.plus_millis(1), NOW));
        assert!(Schedule::default().gives_up(since, NOW));
    }

    proptest::proptest! {
        #[test]
        fn a_failed_try_waits_about_its_pause_and_never_twice_as_long_as_it(
            tries in 1_u32..12,
            status in proptest::sample::select(vec![100_u16, 302, 400, 404, 429, 500, 503]),
            asked in proptest::option::of(0_u32..2_000_000),
        ) {
            let schedule = Schedule::default();
            let asked = asked.map(|seconds| seconds.to_string());
            let next = schedule.next(tries, &answer(status, asked.as_deref()), NOW, &SystemChance);
            let Some(base) = schedule.pauses.get(tries as usize - 1).copied() else {
                proptest::prop_assert_eq!(next, Next::Failed);
                return Ok(());
            };
            let Next::Again { at } = next else { panic!("{next:?}") };
            let pause = at.since(NOW);
            let longest = (base * 2).max(schedule.overload_pause * 6 / 5);
            proptest::prop_assert!((base * 4 / 5..=longest).contains(&pause), "{pause:?} beside {base:?}");
            let bound = schedule.longest().find(|(known, _)| *known == tries).map(|(_, bound)| bound);
            proptest::prop_assert!(bound.is_some_and(|bound| pause <= bound), "{pause:?} beyond {bound:?}");
        }
    }
}
