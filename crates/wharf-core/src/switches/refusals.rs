//! What WhatsApp refused lately, by feature: one session's trouble tells of that session, several sessions' of the feature.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wharf_api::Timestamp;
use wharf_api::ids::SessionId;
use wharf_api::types::switches::Feature;

/// So many refusals …
const REFUSALS: usize = 5;
/// … in so many sessions …
const SESSIONS: usize = 3;
/// … within so long make a feature degraded.
const WINDOW: Duration = Duration::from_mins(10);
/// How many refusals of one feature are remembered at the most.
const KEPT: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct RecentRefusals(Mutex<HashMap<Feature, VecDeque<(Timestamp, SessionId)>>>);

impl RecentRefusals {
    fn lock(&self) -> MutexGuard<'_, HashMap<Feature, VecDeque<(Timestamp, SessionId)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes one more; `true` where there are enough to speak of the feature.
    pub fn note(&self, feature: Feature, session: &SessionId, now: Timestamp) -> bool {
        let mut lately = self.lock();
        let lately = lately.entry(feature).or_default();
        lately.push_back((now, session.clone()));
        while lately.len() > KEPT || lately.front().is_some_and(|(at, _)| now > *at + WINDOW) {
            lately.pop_front();
        }
        let sessions: HashSet<_> = lately.iter().map(|(_, session)| session).collect();
        lately.len() >= REFUSALS && sessions.len() >= SESSIONS
    }

    pub fn forget(&self, feature: Feature) {
        self.lock().remove(&feature);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(number: u8) -> SessionId {
        SessionId::parse(&format!("ses_{number:032x}")).unwrap()
    }

    /// Whether the last of these refusals, in the sessions and at the minutes, makes the feature degraded.
    fn degrades(refusals: &[(u8, i64)]) -> bool {
        let kept = RecentRefusals::default();
        refusals.iter().map(|(number, minute)| kept.note(Feature::Edits, &session(*number), Timestamp::from_millis(minute * 60_000))).last()
            == Some(true)
    }

    #[test]
    fn five_refusals_in_three_sessions_within_ten_minutes_speak_of_the_feature() {
        assert!(degrades(&[(1, 0), (2, 1), (3, 2), (1, 9), (1, 10)]));
        assert!(!degrades(&[(1, 0), (2, 1), (3, 2), (1, 9)]), "four");
        assert!(!degrades(&[(1, 0), (2, 1), (2, 2), (1, 9), (1, 10)]), "two sessions");
        assert!(!degrades(&[(1, 0), (2, 1), (3, 2), (1, 9), (1, 11)]), "the first is too old");
    }

    #[test]
    fn features_are_counted_apart_and_forgotten_alone() {
        let kept = RecentRefusals::default();
        let now = Timestamp::from_millis(0);
        for number in 0..4 {
            kept.note(Feature::Edits, &session(number), now);
            kept.note(Feature::Polls, &session(number), now);
        }
        kept.forget(Feature::Polls);
        assert!(!kept.note(Feature::Polls, &session(4), now));
        assert!(kept.note(Feature::Edits, &session(4), now));
    }
}
