//! The wall clock, in the two units the protocol uses.

use std::time::{SystemTime, UNIX_EPOCH};

#[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the time")]
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
}

pub(crate) fn now_secs() -> u64 {
    now_ms() / 1000
}
