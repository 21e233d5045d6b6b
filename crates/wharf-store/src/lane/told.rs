//! What the log says of commits that fail: the same thing once a minute, however many fail of it.

use std::error::Error as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use wharf_core::store::Error;

const PAUSE: Duration = Duration::from_mins(1);

#[derive(Default)]
pub(super) struct Told(Mutex<Option<Same>>);

struct Same {
    what: String,
    at: Instant,
    /// How often since.
    again: u64,
}

impl Told {
    pub fn failed(&self, error: &Error) {
        let cause = error.source().map(ToString::to_string);
        if let Some(again) = self.is_worth_a_line(&format!("{error}: {cause:?}"), Instant::now()) {
            tracing::warn!(%error, cause, again, "a group of writes was not committed");
        }
    }

    /// How often the same was passed over since its last line, where it is to have another one.
    fn is_worth_a_line(&self, what: &str, now: Instant) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let again = match &mut *told {
            Some(same) if same.what == what && now.duration_since(same.at) < PAUSE => {
                same.again += 1;
                return None;
            }
            Some(same) if same.what == what => same.again,
            _ => 0,
        };
        *told = Some(Same { what: what.to_owned(), at: now, again: 0 });
        Some(again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_once_a_minute_with_how_often_it_came_and_what_is_new_at_once() {
        let (told, began) = (Told::default(), Instant::now());
        assert_eq!(told.is_worth_a_line("full", began), Some(0));
        for second in 1..42 {
            assert_eq!(told.is_worth_a_line("full", began + Duration::from_secs(second)), None);
        }
        assert_eq!(told.is_worth_a_line("full", began + PAUSE), Some(41));
        assert_eq!(told.is_worth_a_line("full", began + PAUSE), None);
        assert_eq!(told.is_worth_a_line("away", began + PAUSE), Some(0));
        assert_eq!(told.is_worth_a_line("full", began + PAUSE), Some(0));
    }
}
