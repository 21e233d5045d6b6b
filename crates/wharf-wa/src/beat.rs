//! A beat that the sessions of a process share. What each does by itself from time to time, and nobody waits for, it does at the next step
//! of that: those whose time has come wake the process once, and not each for itself. What the network sees keeps its own time.

use std::time::Duration;

use tokio::time::Instant;

#[derive(Clone, Copy, Debug)]
pub(crate) struct CommonBeat(Instant);

impl CommonBeat {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }

    /// The first step behind the end of a pause that begins now. A step has this length.
    pub(crate) fn after(self, pause: Duration, length: Duration) -> Instant {
        self.0 + end(self.0.elapsed() + pause, length)
    }
}

fn end(due: Duration, length: Duration) -> Duration {
    let length = length.as_millis().max(1);
    let end = (due.as_millis() / length + 1) * length;
    u64::try_from(end).map_or(due, Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_that_end_within_one_step_end_together_and_none_before_its_time() {
        let second = Duration::from_secs(1);
        for millis in [30_000, 30_001, 30_500, 30_999] {
            assert_eq!(end(Duration::from_millis(millis), second), Duration::from_secs(31), "{millis}");
        }
        for length in [Duration::ZERO, Duration::from_micros(700), Duration::from_millis(250), second] {
            for due in [Duration::ZERO, Duration::from_nanos(999_999), Duration::from_micros(30_000_400), Duration::from_secs(31)] {
                let (end, most) = (end(due, length), due + length.max(Duration::from_millis(1)));
                assert!(due < end && end <= most, "{due:?}, {length:?}: {end:?}");
            }
        }
        assert_eq!(end(Duration::MAX, second), Duration::MAX, "what no number holds stays as it is");
    }
}
