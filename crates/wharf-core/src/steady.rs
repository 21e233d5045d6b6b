//! Whether the clock may be believed by what destroys. A machine that boots with a wrong date is a day or a year ahead: everything would be
//! overdue, expired and too old in one round, and no correction brings it back.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use wharf_api::Timestamp;

use crate::services::Services;
use crate::store;

/// A clock that is further ahead than this of what it should show is doubted.
const LEAP: Duration = Duration::from_hours(24);

/// The clock, held against a time that is known to have been right and what has passed since by the machine's own count.
#[derive(Debug)]
pub struct Steady {
    /// How long a leap is doubted; nothing is where it is zero.
    doubt: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: Option<(Instant, Timestamp)>,
    doubted_since: Option<Instant>,
}

impl Default for Steady {
    /// Doubts nothing.
    fn default() -> Self {
        Self::new(Duration::ZERO, None)
    }
}

impl Steady {
    /// `seen` is what the clock showed when a process of this installation looked last.
    pub fn new(doubt: Duration, seen: Option<Timestamp>) -> Self {
        let known = seen.map(|seen| (Instant::now(), seen));
        Self { doubt, state: Mutex::new(State { known, doubted_since: None }) }
    }

    /// Whether what destroys because time has passed may go on.
    pub fn believes(&self, now: Timestamp) -> bool {
        self.believes_at(Instant::now(), now)
    }

    /// `at` is the moment by the machine's own count.
    fn believes_at(&self, at: Instant, now: Timestamp) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let leapt = self.doubt > Duration::ZERO
            && state.known.is_some_and(|(then, known)| {
                let most = i64::try_from((at.saturating_duration_since(then) + LEAP).as_millis()).unwrap_or(i64::MAX);
                now > known.plus_millis(most)
            });
        if leapt {
            let since = *state.doubted_since.get_or_insert_with(|| {
                tracing::error!(clock = %now, hours = self.doubt.as_secs() / 3600, "the clock is more than a day ahead of what it showed last: nothing is failed, expired or removed until it is set right, or has been believed for a while");
                at
            });
            if at.saturating_duration_since(since) < self.doubt {
                return false;
            }
            tracing::warn!(clock = %now, "the clock stayed where it is and is believed now");
        }
        *state = State { known: Some((at, now)), doubted_since: None };
        true
    }

    /// Whether the clock is doubted, as far as anybody has looked.
    pub fn is_in_doubt(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).doubted_since.is_some()
    }
}

/// Writes down what the clock shows, for the next process; not while it is doubted.
pub async fn note(services: &Services) -> Result<(), store::Error> {
    let now = services.clock.now();
    if services.steady.believes(now) { services.store.see_clock(now).await } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);
    const A_BIT: Duration = Duration::from_millis(1);
    const SEEN: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    /// A clock and the machine's count, which go on together and may part.
    struct Machine {
        steady: Steady,
        begun: Instant,
        ran: Duration,
    }

    impl Machine {
        fn new(doubt: Duration, seen: Option<Timestamp>) -> Self {
            let begun = Instant::now();
            let steady = Steady { doubt, state: Mutex::new(State { known: seen.map(|seen| (begun, seen)), doubted_since: None }) };
            Self { steady, begun, ran: Duration::ZERO }
        }

        fn run(&mut self, time: Duration) -> &mut Self {
            self.ran += time;
            self
        }

        /// Whether a clock is believed that is ahead by so much.
        fn believes(&self, ahead: Duration) -> bool {
            let shown = SEEN.plus_millis(i64::try_from((self.ran + ahead).as_millis()).unwrap());
            self.steady.believes_at(self.begun + self.ran, shown)
        }
    }

    #[test]
    fn a_day_ahead_is_believed_and_a_millisecond_more_is_not() {
        assert!(Machine::new(HOUR, Some(SEEN)).believes(LEAP));
        let machine = Machine::new(HOUR, Some(SEEN));
        assert!(!machine.believes(LEAP + A_BIT));
        assert!(machine.steady.is_in_doubt());
    }

    #[test]
    fn a_clock_that_is_set_right_is_believed_at_once() {
        let mut machine = Machine::new(HOUR, Some(SEEN));
        assert!(!machine.believes(LEAP * 400));
        assert!(machine.run(HOUR / 2).believes(Duration::ZERO));
        assert!(!machine.steady.is_in_doubt());
    }

    #[test]
    fn a_leap_while_the_process_runs_is_doubted_for_as_long_as_is_said_and_then_believed() {
        let mut machine = Machine::new(HOUR, None);
        assert!(machine.believes(Duration::ZERO), "nothing is known before");
        assert!(machine.run(LEAP * 2).believes(Duration::ZERO), "time that passed is no leap");
        assert!(!machine.believes(LEAP * 30));
        assert!(!machine.run(HOUR.saturating_sub(A_BIT)).believes(LEAP * 30));
        assert!(machine.run(A_BIT).believes(LEAP * 30));
        assert!(machine.believes(LEAP * 30));
        assert!(!machine.steady.is_in_doubt());
    }

    #[test]
    fn a_clock_that_goes_back_is_no_leap() {
        let machine = Machine::new(HOUR, Some(SEEN));
        assert!(machine.steady.believes_at(machine.begun, SEEN.plus_millis(-1_000_000_000)));
    }

    #[test]
    fn whoever_doubts_nothing_believes_every_leap() {
        assert!(Machine::new(Duration::ZERO, Some(SEEN)).believes(LEAP * 400));
    }
}
