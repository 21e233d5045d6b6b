//! Whether a number that somebody told can be a version.

use wharf_api::Timestamp;
use wharf_api::time::days;

use super::{built_in, built_in_as_of};

/// How many numbers WhatsApp gave away in a day, at the most: three times what was seen in the summer of 2026.
const A_DAY: u64 = 200_000;
/// What WhatsApp counts in a week: pages that differ by more do not tell the same thing.
const A_WEEK: u32 = 450_000;

/// Why it is not believed. The words are the metric's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    Zero,
    /// Lower than what was built in, or than what is claimed.
    Lower,
    /// Higher than WhatsApp can have come.
    Absurd,
}

impl Doubt {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::Lower => "lower",
            Self::Absurd => "absurd",
        }
    }
}

pub(super) fn judge(told: u32, claimed: u32, now: Timestamp) -> Result<u32, Doubt> {
    let begun = now.since(built_in_as_of()).as_secs() / days(1).as_secs() + 1;
    match told {
        0 => Err(Doubt::Zero),
        told if told < built_in::REVISION.max(claimed) => Err(Doubt::Lower),
        told if u64::from(told - built_in::REVISION) > begun * A_DAY => Err(Doubt::Absurd),
        told => Ok(told),
    }
}

/// Of two pages that differ much, the lower counts: it is the one that more clients have.
pub(super) fn agree(one: u32, other: u32) -> u32 {
    if one.abs_diff(other) > A_WEEK { one.min(other) } else { one.max(other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_believed_between_what_is_known_and_what_can_be() {
        let now = built_in_as_of() + days(10);
        let (built_in, top) = (built_in::REVISION, built_in::REVISION + 11 * 200_000);
        assert_eq!(judge(0, built_in, now), Err(Doubt::Zero));
        assert_eq!(judge(built_in - 1, 0, now), Err(Doubt::Lower));
        assert_eq!(judge(built_in, built_in, now), Ok(built_in));
        assert_eq!(judge(built_in + 5, built_in + 6, now), Err(Doubt::Lower));
        assert_eq!((judge(top, built_in, now), judge(top + 1, built_in, now)), (Ok(top), Err(Doubt::Absurd)));
        assert_eq!(judge(u32::MAX, built_in, now), Err(Doubt::Absurd));
        // A clock that is wrong leaves a day.
        assert_eq!(judge(built_in + 200_000, built_in, Timestamp::from_millis(0)), Ok(built_in + 200_000));
    }

    #[test]
    fn of_pages_that_differ_by_more_than_a_week_the_lower_counts() {
        assert_eq!((agree(1_000_000, 1_450_000), agree(1_450_001, 1_000_000)), (1_450_000, 1_000_000));
    }
}
