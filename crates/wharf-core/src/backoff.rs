//! Pauses that grow: what fails again is tried again after twice as long, up to a longest pause.
//!
//! What is drawn by chance beside a pause is its caller's: some add to it, some cut it short.

use std::time::Duration;

/// How long to wait between tries: the first pause, then twice as long each time, and never longer than the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
}

impl Backoff {
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest }
    }

    /// The pause that follows after so many earlier ones.
    pub fn pause(self, earlier: u32) -> Duration {
        self.first.saturating_mul(2_u32.saturating_pow(earlier)).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_the_first_and_stay_at_the_longest() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(15));
        let pauses: Vec<u64> = (0..7).map(|earlier| backoff.pause(earlier).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 15, 15, 15]);
        assert_eq!(backoff.pause(u32::MAX), Duration::from_secs(15));
    }

    #[test]
    fn a_longest_pause_that_is_shorter_than_the_first_holds_from_the_first_on() {
        let backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(1));
        assert_eq!((backoff.pause(0), backoff.pause(9)), (Duration::from_secs(1), Duration::from_secs(1)));
    }

    proptest::proptest! {
        #[test]
        fn a_pause_is_bounded_never_shorter_than_the_one_before_and_at_most_twice_as_long(
            first in 1_u64..60_000,
            more in 0_u64..86_400_000,
            earlier in 0_u32..1_000,
        ) {
            let (first, longest) = (Duration::from_millis(first), Duration::from_millis(first + more));
            let backoff = Backoff::new(first, longest);
            let (before, after) = (backoff.pause(earlier), backoff.pause(earlier + 1));
            proptest::prop_assert!(first <= before && before <= after && after <= longest, "{before:?} {after:?}");
            proptest::prop_assert!(after <= before * 2 && (after == before * 2 || after == longest), "{before:?} {after:?}");
        }
    }
}
