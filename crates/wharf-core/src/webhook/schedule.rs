//! When a delivery is tried again, and when it is not.

use wharf_api::Timestamp;

use super::tried::{Outcome, Tried};
use crate::chance::Chance;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// The shortest pause while our own way out is down.
const OFFLINE_PAUSE_MS: i64 = MINUTE_MS;

/// An operator's decision about tries. The default is that of Standard Webhooks; tests shorten it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The pauses after the first, second, … try that failed. There is one try more than there are pauses.
    pub pauses_ms: Vec<i64>,
    /// The shortest pause after a server said that it has too much to do, or said nothing in time.
    pub overload_pause_ms: i64,
    /// For how long a webhook may do nothing but fail before it is switched off.
    pub give_up_ms: i64,
}

impl Default for Schedule {
    fn default() -> Self {
        let hours = [2, 5, 10, 14, 20, 24].map(|hours| hours * HOUR_MS);
        Self {
            pauses_ms: [5 * SECOND_MS, 5 * MINUTE_MS, 30 * MINUTE_MS].into_iter().chain(hours).collect(),
            overload_pause_ms: MINUTE_MS,
            give_up_ms: 120 * HOUR_MS,
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
            Outcome::Offline => return Next::Again { at: now.plus_millis(spread(OFFLINE_PAUSE_MS, 5, chance)) },
            Outcome::Answer { .. } | Outcome::None(_) => {}
        }
        let Some(base) = usize::try_from(tries.max(1) - 1).ok().and_then(|place| self.pauses_ms.get(place)).copied() else {
            return Next::Failed;
        };
        let pause = match tried.retry_after_ms(now) {
            Some(wanted) => wanted.clamp(base, base.saturating_mul(2)),
            None => jittered(base, chance),
        };
        let pause = if tried.is_overload() && pause < self.overload_pause_ms { spread(self.overload_pause_ms, 5, chance) } else { pause };
        Next::Again { at: now.plus_millis(pause) }
    }

    /// For each number of tries, how long a delivery can have been told to wait at the most.
    pub fn longest_ms(&self) -> impl Iterator<Item = (u32, i64)> {
        let pauses = std::iter::once(&0).chain(&self.pauses_ms);
        (0..).zip(pauses.map(|base| (*base).max(self.overload_pause_ms).max(OFFLINE_PAUSE_MS).saturating_mul(2)))
    }

    /// Whether a webhook that has done nothing but fail since then is to be switched off.
    pub fn gives_up(&self, failing_since: Timestamp, now: Timestamp) -> bool {
        now.as_millis() - failing_since.as_millis() >= self.give_up_ms
    }
}

/// The pause, a fifth shorter or longer at the most: what failed together does not come back together.
fn jittered(base: i64, chance: &dyn Chance) -> i64 {
    spread(base - base / 5, 2, chance)
}

/// The pause, longer by one part in so many at the most.
fn spread(base: i64, part: i64, chance: &dyn Chance) -> i64 {
    let mut bytes = [0; 2];
    chance.fill(&mut bytes);
    base + base / part * i64::from(u16::from_le_bytes(bytes)) / i64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use wharf_api::types::webhook::NoAnswer;

    use super::*;
    use crate::chance::SystemChance;

    const NOW: Timestamp = Timestamp::from_millis(1_795_400_000_000);

    fn tried(outcome: Outcome) -> Tried {
        Tried { at: NOW, duration_ms: 1, outcome }
    }

    fn answer(status: u16, retry_after: Option<&str>) -> Tried {
        tried(Outcome::Answer { status, retry_after: retry_after.map(str::to_owned), start: String::new() })
    }

    fn pause(tries: u32, tried: &Tried) -> i64 {
        match Schedule::default().next(tries, tried, NOW, &SystemChance) {
            Next::Again { at } => at.as_millis() - NOW.as_millis(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn there_are_ten_tries_over_75_hours_and_35_minutes_each_pause_within_a_fifth() {
        let all = Schedule::default().pauses_ms;
        assert_eq!(all.iter().sum::<i64>(), 75 * HOUR_MS + 35 * MINUTE_MS + 5 * SECOND_MS);
        for (place, base) in all.iter().enumerate() {
            for _ in 0..50 {
                let pause = pause(u32::try_from(place).unwrap() + 1, &answer(500, None));
                assert!((base * 4 / 5 - 1..=base * 6 / 5 + 1).contains(&pause), "{base}: {pause}");
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
        assert_eq!(pause(2, &answer(503, Some("400"))), 400 * SECOND_MS);
        assert_eq!(pause(2, &answer(503, Some("1"))), 5 * MINUTE_MS);
        assert_eq!(pause(2, &answer(503, Some("100000"))), 10 * MINUTE_MS);
        assert_eq!(pause(2, &answer(503, Some("Mon, 23 Nov 2026 02:20:00 GMT"))), 400 * SECOND_MS);
        for odd in ["", "soon", "-5", "1.5"] {
            let pause = pause(2, &answer(503, Some(odd)));
            assert!((4 * MINUTE_MS..=6 * MINUTE_MS).contains(&pause), "{odd}: {pause}");
        }
    }

    #[test]
    fn a_server_with_too_much_to_do_gets_a_minute_at_the_least() {
        for overload in [answer(429, None), answer(429, Some("3")), tried(Outcome::None(NoAnswer::Timeout))] {
            let pauses: Vec<_> = (0..50).map(|_| pause(1, &overload)).collect();
            assert!(pauses.iter().all(|pause| (MINUTE_MS..=MINUTE_MS * 6 / 5).contains(pause)), "{pauses:?}");
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "what failed together does not come back together");
        }
        assert!((4 * MINUTE_MS..=6 * MINUTE_MS).contains(&pause(2, &tried(Outcome::None(NoAnswer::Timeout)))));
        assert!(pause(1, &tried(Outcome::None(NoAnswer::Unreachable))) <= 6 * SECOND_MS);
    }

    #[test]
    fn while_our_own_way_out_is_down_the_last_try_is_not_used_up() {
        for tries in [1, 9, 10, 40] {
            assert!((MINUTE_MS..=MINUTE_MS * 6 / 5).contains(&pause(tries, &tried(Outcome::Offline))), "{tries}");
        }
        assert!(tried(Outcome::Offline).is_no_try() && !tried(Outcome::None(NoAnswer::Unreachable)).is_no_try());
    }

    #[test]
    fn five_days_of_nothing_but_failures_are_enough() {
        let since = |hours: i64| NOW.plus_millis(-hours * HOUR_MS);
        assert!(!Schedule::default().gives_up(since(120).plus_millis(1), NOW));
        assert!(Schedule::default().gives_up(since(120), NOW));
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
            let Some(base) = schedule.pauses_ms.get(tries as usize - 1) else {
                proptest::prop_assert_eq!(next, Next::Failed);
                return Ok(());
            };
            let Next::Again { at } = next else { panic!("{next:?}") };
            let pause = at.as_millis() - NOW.as_millis();
            let longest = (base * 2).max(schedule.overload_pause_ms * 6 / 5);
            proptest::prop_assert!((base - base / 5..=longest).contains(&pause), "{pause} beside {base}");
            let bound = schedule.longest_ms().find(|(known, _)| *known == tries).map(|(_, bound)| bound);
            proptest::prop_assert!(bound.is_some_and(|bound| pause <= bound), "{pause} beyond {bound:?}");
        }
    }
}
