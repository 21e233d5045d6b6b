//! Sessions of suspended accounts that take their time to end: the log tells of them once, and not at each look.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use wharf_api::ids::SessionId;

/// Those that had not ended at the last look.
#[derive(Debug, Default)]
pub struct Laggards(Mutex<HashSet<SessionId>>);

impl Laggards {
    /// Takes what a look has found in the place of what the look before it found. Tells whether there is any, and others than before.
    pub fn are_news(&self, late: HashSet<SessionId>) -> bool {
        let mut before = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let news = !late.is_empty() && late != *before;
        *before = late;
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_that_do_not_end_are_told_of_once_until_they_are_others() {
        let laggards = Laggards::default();
        let news = |digits: &[&str]| {
            let session = |digit: &&str| SessionId::parse(&format!("ses_{}", digit.repeat(32))).unwrap();
            laggards.are_news(digits.iter().map(session).collect())
        };
        assert!(!news(&[]), "all have ended");
        assert!(news(&["a"]));
        assert!(!news(&["a"]));
        assert!(news(&["a", "b"]));
        assert!(!news(&["b", "a"]));
        assert!(news(&["b"]));
        assert!(!news(&[]));
        assert!(news(&["b"]), "it was over meanwhile");
    }
}
