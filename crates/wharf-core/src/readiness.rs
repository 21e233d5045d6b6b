//! Whether this node can work, as its own looks find it: not by asking, but by what was really written, and by what is needed besides.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::store;

/// A node that has written nothing for so long is not ready, whatever it could read.
const SILENCE: Duration = Duration::from_secs(10);
/// A node whose last try failed is not ready once it has written nothing for so long.
const FAILED: Duration = Duration::from_secs(4);

/// A write that hangs for so long is as good as one that failed.
const HANGS: Duration = Duration::from_secs(3);

/// For how long a look serves the calls that come after it began.
const SHARED: Duration = Duration::from_secs(1);

/// What a node needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Its tables can be written and are whole.
    Tables,
    /// The database is the one that it began with.
    Same,
    /// A socket or a file could be opened. Without any, no file is taken in either: the cause is told first.
    Descriptors,
    /// A file could be taken in.
    Files,
    /// It knows the master key with which the database says to seal.
    Seal,
    /// The file of the master key is the one that the node began with: without it there is no next start.
    Key,
}

/// Whether what this node reads and writes is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fitness {
    Fit,
    /// It is known not to be.
    Unfit,
    /// Nothing was heard for so long that anything may have been changed.
    Unheard,
}

/// What the last looks found.
#[derive(Debug)]
pub struct Readiness {
    state: Mutex<ReadinessState>,
}

#[derive(Debug)]
struct ReadinessState {
    written: Instant,
    /// Since when the write that is under way is.
    writing: Option<Instant>,
    failed: bool,
    /// Until when no change is missed; `None` where nobody heeds any.
    heeded_until: Option<Instant>,
    /// When the last look of an unheard node began, and whether it found it fit.
    looked: Option<(Instant, bool)>,
    faults: BTreeMap<Part, &'static str>,
}

impl ReadinessState {
    fn is_unfit(&self) -> bool {
        [Part::Same, Part::Seal].iter().any(|part| self.faults.contains_key(part))
    }
}

impl Default for Readiness {
    /// A node begins with a write.
    fn default() -> Self {
        let (written, faults) = (Instant::now(), BTreeMap::new());
        Self { state: Mutex::new(ReadinessState { written, writing: None, failed: false, heeded_until: None, looked: None, faults }) }
    }
}

impl Readiness {
    fn state(&self) -> std::sync::MutexGuard<'_, ReadinessState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The node's regular write begins.
    pub fn writes(&self) {
        self.state().writing = Some(Instant::now());
    }

    /// The node's regular write has ended like that.
    pub fn wrote(&self, outcome: &Result<(), store::Error>) {
        self.wrote_at(outcome.is_ok(), Instant::now());
    }

    fn wrote_at(&self, done: bool, now: Instant) {
        let mut state = self.state();
        (state.failed, state.writing) = (!done, None);
        if done {
            state.written = now;
        }
    }

    /// What a look at a part has found; `None` where it is well. Tells whether that is news.
    pub fn found(&self, part: Part, fault: Option<&'static str>) -> bool {
        let mut state = self.state();
        let before = match fault {
            Some(fault) => state.faults.insert(part, fault),
            None => state.faults.remove(&part),
        };
        before != fault
    }

    /// This node was found fit, and is asked before anything is changed that could make it unfit, until then.
    pub fn heeded(&self, until: Instant) {
        let mut state = self.state();
        (state.heeded_until, state.looked) = (Some(until), None);
    }

    /// A look at the database, which began then, has found this node fit or not.
    pub fn looked(&self, began: Instant, fits: bool) {
        let mut state = self.state();
        if state.looked.is_none_or(|(other, _)| other < began) {
            state.looked = Some((began, fits));
        }
    }

    /// Whether a look that began a moment ago has found this node fit; `None` where there was none.
    pub fn last_look(&self) -> Option<bool> {
        self.last_look_at(Instant::now())
    }

    fn last_look_at(&self, now: Instant) -> Option<bool> {
        self.state().looked.filter(|(began, _)| now.saturating_duration_since(*began) < SHARED).map(|(_, fits)| fits)
    }

    /// Whether this node may read and write.
    pub fn fitness(&self) -> Fitness {
        self.fitness_at(Instant::now())
    }

    pub(crate) fn fitness_at(&self, now: Instant) -> Fitness {
        let state = self.state();
        if state.is_unfit() {
            Fitness::Unfit
        } else if state.heeded_until.is_none_or(|until| now < until) {
            Fitness::Fit
        } else {
            Fitness::Unheard
        }
    }

    /// Whether this node is known not to be fit, for which no clock is asked.
    pub fn is_unfit(&self) -> bool {
        self.state().is_unfit()
    }

    /// Why the database cannot be worked with.
    pub fn database(&self) -> Option<&'static str> {
        self.database_at(Instant::now())
    }

    fn database_at(&self, now: Instant) -> Option<&'static str> {
        let state = self.state();
        let silence = now.saturating_duration_since(state.written);
        let hangs = state.writing.is_some_and(|since| now.saturating_duration_since(since) > HANGS);
        let unwritten = silence > SILENCE || hangs || (state.failed && silence > FAILED);
        state.faults.get(&Part::Tables).copied().or_else(|| unwritten.then_some("the database takes no writes; the log says why"))
    }

    /// What the last look at a part found wrong.
    pub fn of(&self, part: Part) -> Option<&'static str> {
        self.state().faults.get(&part).copied()
    }

    /// Why this node cannot work.
    pub fn fault(&self) -> Option<&'static str> {
        self.database().or_else(|| self.state().faults.values().next().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_cannot_write_is_not_ready_and_is_again_with_its_next_write() {
        let node = Readiness::default();
        let began = Instant::now();
        let after = |secs| began + Duration::from_secs(secs);
        node.wrote_at(true, began);
        assert_eq!(node.database_at(after(9)), None);
        assert!(node.database_at(after(11)).is_some(), "the write hangs");
        node.wrote_at(true, after(12));
        assert_eq!(node.database_at(after(13)), None);
        node.wrote_at(false, after(15));
        assert_eq!(node.database_at(after(15)), None, "once may be chance");
        assert!(node.database_at(after(17)).is_some());
        node.wrote_at(true, after(18));
        assert_eq!(node.database_at(after(19)), None);
        node.writes();
        assert!(node.database_at(Instant::now() + HANGS * 2).is_some(), "as soon as it hangs");
        node.wrote_at(true, after(20));
        assert_eq!(node.database_at(after(21)), None);
    }

    #[test]
    fn a_node_is_unfit_where_its_key_or_its_database_is_another_one_and_for_no_other_reason() {
        let node = Readiness::default();
        assert_eq!(node.fitness(), Fitness::Fit, "nobody heeds anything");
        for harmless in [Part::Tables, Part::Descriptors, Part::Files, Part::Key] {
            node.found(harmless, Some("away"));
            assert_eq!((node.fault(), node.fitness(), node.is_unfit()), (Some("away"), Fitness::Fit, false), "{harmless:?}");
            node.found(harmless, None);
        }
        for part in [Part::Same, Part::Seal] {
            node.heeded(Instant::now() + Duration::from_hours(1));
            node.found(part, Some("another one"));
            assert_eq!((node.fault(), node.fitness(), node.is_unfit()), (Some("another one"), Fitness::Unfit, true), "{part:?}");
            node.found(part, None);
            assert_eq!(node.fitness(), Fitness::Fit, "{part:?}");
        }
        node.heeded(Instant::now());
        assert_eq!((node.fault(), node.fitness()), (None, Fitness::Unheard));
        node.heeded(Instant::now() + Duration::from_hours(1));
        assert_eq!(node.fitness(), Fitness::Fit);
    }

    #[test]
    fn a_look_serves_the_calls_of_its_second_until_something_is_heard() {
        let node = Readiness::default();
        let began = Instant::now();
        let after = |millis| began + Duration::from_millis(millis);
        assert_eq!(node.last_look_at(began), None);
        node.looked(began, true);
        assert_eq!((node.last_look_at(after(999)), node.last_look_at(after(1_000))), (Some(true), None));
        node.looked(after(1_000), false);
        node.looked(after(500), true);
        assert_eq!(node.last_look_at(after(1_500)), Some(false), "one that began before and came late is no news");
        node.heeded(began);
        assert_eq!(node.last_look_at(after(1_500)), None);
    }

    #[test]
    fn each_part_counts_and_what_was_known_is_no_news() {
        let node = Readiness::default();
        assert!(!node.found(Part::Files, None) && node.fault().is_none());
        assert!(node.found(Part::Files, Some("no room")) && !node.found(Part::Files, Some("no room")));
        assert_eq!((node.fault(), node.database()), (Some("no room"), None));
        node.found(Part::Tables, Some("damaged"));
        assert_eq!((node.fault(), node.database()), (Some("damaged"), Some("damaged")));
        node.found(Part::Tables, None);
        assert!(node.found(Part::Files, None) && node.fault().is_none());
    }
}
