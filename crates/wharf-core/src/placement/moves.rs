//! How fast a node gives sessions away, and when it last did.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use wharf_api::Timestamp;

/// How fast a node that has too many sessions gives some away.
#[derive(Debug)]
pub struct Moves {
    /// None at all where it is 0.
    per_minute: u64,
    last: Mutex<Option<Timestamp>>,
    /// The process ends, and its sessions go another way.
    ended: AtomicBool,
}

impl Default for Moves {
    fn default() -> Self {
        Self::new(60)
    }
}

impl Moves {
    pub fn new(per_minute: u64) -> Self {
        Self { per_minute, last: Mutex::default(), ended: AtomicBool::default() }
    }

    /// Moves nothing any more.
    pub fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    /// Whether nothing is moved any more.
    pub(super) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// How many are due since the last time that some were.
    pub(super) fn due(&self, now: Timestamp) -> u64 {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.as_millis() - last.get_or_insert(now).as_millis();
        let due = u64::try_from(since).unwrap_or(0).saturating_mul(self.per_minute) / 60_000;
        if due > 0 {
            *last = Some(now);
        }
        due.min(self.per_minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_are_due_by_the_minute() {
        let at = Timestamp::from_millis;
        let moves = Moves::new(60);
        assert_eq!([0, 999, 2_000, 2_500, 7_000].map(|now| moves.due(at(now))), [0, 0, 2, 0, 5]);
        assert_eq!(moves.due(at(3_600_000)), 60);
        assert_eq!([0, 60_000].map(|now| Moves::new(0).due(at(now))), [0, 0]);
    }
}
