//! Points in time as the wire shows them: RFC 3339 in UTC, to the millisecond.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since the Unix epoch; written as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// How long a UTC day is, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// So many days of 24 hours each.
pub const fn days(days: u64) -> Duration {
    Duration::from_secs(days.saturating_mul(24 * 60 * 60))
}

impl Timestamp {
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The whole seconds since the Unix epoch.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This time plus `millis` milliseconds (which may be negative).
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// How long after `earlier` this time is: nothing where it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The time in an HTTP header, such as `Mon, 23 Nov 2026 02:13:20 GMT`.
    pub fn parse_http(text: &str) -> Option<Self> {
        jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok().map(|stamp| Self(stamp.as_millisecond()))
    }

    /// The number of the UTC day since the epoch: what daily limits count in.
    pub const fn utc_day(self) -> i64 {
        self.0.div_euclid(DAY_MS)
    }

    /// The first instant of the UTC day with that number.
    pub const fn from_utc_day(number: i64) -> Self {
        Self(number.saturating_mul(DAY_MS))
    }

    /// The first instant of the next UTC day.
    #[must_use]
    pub const fn next_utc_day(self) -> Self {
        Self::from_utc_day(self.utc_day() + 1)
    }
}

/// This time and so much later. What no time can show is the last that one can.
impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, pause: Duration) -> Self {
        self.plus_millis(millis(pause))
    }
}

/// This time and so much earlier. What no time can show is the first that one can.
impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, pause: Duration) -> Self {
        self.plus_millis(-millis(pause))
    }
}

/// Whole milliseconds: parts of one are dropped.
fn millis(pause: Duration) -> i64 {
    i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stamp = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        write!(f, "{stamp:.3}")
    }
}

impl std::str::FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.parse::<jiff::Timestamp>()?.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::invalid_value(serde::de::Unexpected::Str(&text), &"an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_rfc_3339_in_utc_and_read_back() {
        let at = Timestamp::from_millis(1_795_400_000_123);
        assert_eq!(at.to_string(), "2026-11-23T02:13:20.123Z");
        assert_eq!(at.to_string().parse::<Timestamp>().unwrap(), at);
    }

    #[test]
    fn a_time_in_a_header_is_read() {
        assert_eq!(Timestamp::parse_http("Mon, 23 Nov 2026 02:13:20 GMT"), Some(Timestamp::from_millis(1_795_400_000_000)));
        for odd in ["", "120", "2026-11-23T02:13:20Z", "soon"] {
            assert_eq!(Timestamp::parse_http(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_next_day_begins_at_midnight_utc() {
        let last = Timestamp::from_millis(DAY_MS - 1);
        assert_eq!(last.next_utc_day().as_millis(), DAY_MS);
        assert_eq!(Timestamp::from_millis(DAY_MS).next_utc_day().as_millis(), 2 * DAY_MS);
        assert_eq!(Timestamp::from_utc_day(3), Timestamp::from_millis(0) + days(3));
    }

    #[test]
    fn a_pause_is_added_and_taken_away_to_the_millisecond_and_never_beyond_what_a_time_can_show() {
        let at = Timestamp::from_millis(1_000);
        assert_eq!(at + Duration::from_micros(1_500), Timestamp::from_millis(1_001));
        assert_eq!(at - Duration::from_secs(2), Timestamp::from_millis(-1_000));
        assert_eq!(at + Duration::MAX, Timestamp::from_millis(i64::MAX));
        assert_eq!(Timestamp::from_millis(-2) - Duration::MAX, Timestamp::from_millis(i64::MIN));
        assert_eq!(((at + Duration::from_secs(3)).since(at), at.since(at + days(1))), (Duration::from_secs(3), Duration::ZERO));
        assert_eq!(days(u64::MAX), Duration::from_secs(u64::MAX));
    }
}
