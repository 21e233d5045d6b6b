//! Whether the clock may be believed by what destroys. A machine that boots with a wrong date is a day or a year ahead: everything would be
//! overdue, expired and too old in one round, and no correction brings it back.

mod written;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use wharf_api::Timestamp;

pub use written::note;

/// A clock that is further ahead than this of what it should show is doubted.
const LEAP: Duration = Duration::from_hours(24);
/// A clock that is further behind than this was set back.
const BACK: Duration = Duration::from_mins(1);

/// The clock, held against a time that is known to have been right and what has passed since by the machine's own count.
#[derive(Debug)]
pub struct Steady {
    /// How long a leap is doubted; nothing is where it is zero.
    doubt: Duration,
    state: Mutex<ClockState>,
}

#[derive(Debug, Default)]
struct ClockState {
    known: Option<(Instant, Timestamp)>,
    doubted_since: Option<Instant>,
    /// Whether rows may hold times of a clock that was ahead of this one.
    ahead: bool,
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
        // Nobody knows what the clock of the process before has shown.
        Self { doubt, state: Mutex::new(ClockState { known, doubted_since: None, ahead: true }) }
    }

    /// Whether what destroys because time has passed may go on.
    pub fn believes(&self, now: Timestamp) -> bool {
        self.believes_at(Instant::now(), now)
    }

    /// `at` is the moment by the machine's own count.
    fn believes_at(&self, at: Instant, now: Timestamp) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let leapt = self.doubt > Duration::ZERO
            && state.known.is_some_and(|(then, known)| now > known + (at.saturating_duration_since(then) + LEAP));
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
        let back = state.known.is_some_and(|(then, known)| now + BACK < known + at.saturating_duration_since(then));
        let right_again = !leapt && state.doubted_since.is_some();
        *state = ClockState { known: Some((at, now)), doubted_since: None, ahead: state.ahead || back || right_again };
        true
    }

    /// Whether rows may hold times of a clock that was ahead; asks once for each time that it was set back.
    fn take_ahead(&self) -> bool {
        std::mem::take(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).ahead)
    }

    fn put_ahead(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).ahead = true;
    }

    /// Whether the clock is doubted, as far as anybody has looked.
    pub fn is_in_doubt(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).doubted_since.is_some()
    }
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
            let steady = Steady { doubt, state: Mutex::new(ClockState { known: seen.map(|seen| (begun, seen)), ..ClockState::default() }) };
            Self { steady, begun, ran: Duration::ZERO }
        }

        fn run(&mut self, time: Duration) -> &mut Self {
            self.ran += time;
            self
        }

        /// Whether a clock is believed that is ahead by so much.
        fn believes(&self, ahead: Duration) -> bool {
            let shown = SEEN + self.ran + ahead;
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

    #[test]
    fn times_of_a_clock_that_was_ahead_are_looked_for_once_after_each_time_that_it_is_set_back() {
        let mut machine = Machine::new(HOUR, None);
        assert!(machine.believes(Duration::ZERO) && !machine.steady.take_ahead());
        assert!(machine.run(LEAP).believes(HOUR) && !machine.steady.take_ahead(), "it went forward");
        assert!(machine.run(HOUR).believes(HOUR) && !machine.steady.take_ahead(), "it went on");
        assert!(
            machine.believes(HOUR.saturating_sub(BACK)) && !machine.steady.take_ahead(),
            "clocks are corrected by a little all the time"
        );
        assert!(machine.believes(Duration::ZERO));
        assert!(machine.steady.take_ahead() && !machine.steady.take_ahead());
        // A leap that is doubted is written down nowhere, but what is due was reckoned with it.
        assert!(!machine.believes(LEAP * 2) && !machine.steady.take_ahead());
        assert!(machine.believes(Duration::ZERO) && machine.steady.take_ahead());
        machine.steady.put_ahead();
        assert!(machine.steady.take_ahead());
        assert!(Steady::new(HOUR, Some(SEEN)).take_ahead(), "nobody knows what was before");
    }
}
