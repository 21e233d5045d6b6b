//! Up to which number the log is whole: nothing with a smaller one can still appear.
//!
//! SQLite has one writer, and its numbers appear in order. On PostgreSQL a number is drawn before its transaction commits, and
//! transactions overtake each other: a reader that has passed number 10 would miss a 9 that commits later. Whoever is about to write
//! events takes a lock that all share, before its numbers are drawn, and holds it until after the commit. So: read the last number
//! drawn, then take note of who holds the lock; once all of these have let go, every number up to that one is there or never will be.
//! The lock is Wharf's own: the table's would be held by everybody's open transaction on it, for as long as that stays open.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;
use wharf_core::store::Error;

use crate::dialect::Dialect;
use crate::readers::Readers;
use crate::sql::{Row, Sql, corrupt};

/// A sequence that was never used says 1.
const DRAWN: Sql =
    Sql { name: "DRAWN", sqlite: "SELECT 0", postgres: "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM events_number_seq" };
/// The lock's two numbers, and how a statement of PostgreSQL that returns cells takes it.
macro_rules! writing {
    () => {
        ", pg_advisory_xact_lock_shared(1463898694, 1)"
    };
}
pub(crate) use writing;

/// The transactions that may have drawn a number and have not ended.
const WRITING: Sql = Sql {
    name: "WRITING",
    sqlite: "SELECT '' WHERE 0",
    postgres: "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'advisory' AND classid = 1463898694 AND objid = 1 \
        AND objsubid = 2 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
};
pub(crate) const ALL: &[Sql] = &[DRAWN, WRITING];

/// How many moments are kept in mind. Where one is left out, a later one takes its place.
const MOMENTS: usize = 64;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Horizon {
    /// The log is whole up to here.
    pub number: i64,
    /// Larger numbers were drawn: it is worth looking again soon.
    pub behind: bool,
}

/// A number that was drawn, and who may have drawn it or a smaller one and has not ended since.
struct Draw {
    drawn: i64,
    writing: HashSet<String>,
}

#[derive(Default)]
struct Seen {
    whole: i64,
    moments: VecDeque<Draw>,
    /// The last look and what it told.
    last: (u64, Horizon),
}

impl Seen {
    /// Takes one more moment in and tells how far the log is whole.
    fn look(&mut self, drawn: i64, writing: &HashSet<String>) -> Horizon {
        if drawn > self.whole && self.moments.len() < MOMENTS {
            self.moments.push_back(Draw { drawn, writing: writing.clone() });
        }
        for moment in &mut self.moments {
            moment.writing.retain(|transaction| writing.contains(transaction));
        }
        while self.moments.front().is_some_and(|moment| moment.writing.is_empty()) {
            self.whole = self.moments.pop_front().map_or(self.whole, |moment| moment.drawn.max(self.whole));
        }
        Horizon { number: self.whole, behind: drawn > self.whole }
    }
}

pub(crate) struct Watch {
    dialect: Dialect,
    begun: AtomicU64,
    seen: Mutex<Seen>,
}

impl Watch {
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, begun: AtomicU64::new(0), seen: Mutex::default() }
    }

    pub async fn now(&self, readers: &Readers) -> Result<Horizon, Error> {
        if self.dialect == Dialect::Sqlite {
            return Ok(Horizon { number: i64::MAX, behind: false });
        }
        let asked = self.begun.load(Ordering::SeqCst);
        let mut seen = self.seen.lock().await;
        // Somebody else looked while we waited for our turn, and began after we asked: good enough for us too.
        if seen.last.0 > asked {
            return Ok(seen.last.1);
        }
        let look = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let drawn = readers.first(&DRAWN, &[]).await?.ok_or_else(|| corrupt("a sequence without a row"))?.int()?;
        let horizon = if drawn <= seen.whole {
            Horizon { number: seen.whole, behind: false }
        } else {
            let writing: Result<_, Error> = readers.fetch(&WRITING, &[]).await?.iter_mut().map(Row::text).collect();
            seen.look(drawn, &writing?)
        };
        seen.last = (look, horizon);
        Ok(horizon)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(names: &[&str]) -> HashSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_number_counts_once_everybody_who_was_writing_when_it_was_drawn_has_ended() {
        let mut seen = Seen::default();
        assert_eq!(seen.look(5, &who(&[])), Horizon { number: 5, behind: false });
        // One of these may hold 6 while the other has committed 7.
        assert_eq!(seen.look(7, &who(&["a", "b"])), Horizon { number: 5, behind: true });
        assert_eq!(seen.look(9, &who(&["a", "c"])), Horizon { number: 5, behind: true });
        assert_eq!(seen.look(9, &who(&["c"])), Horizon { number: 7, behind: true });
        assert_eq!(seen.look(9, &who(&["d"])), Horizon { number: 9, behind: false });
    }

    #[test]
    fn a_transaction_that_runs_for_long_holds_the_log_and_costs_no_memory() {
        let mut seen = Seen::default();
        for number in 1..10_000 {
            assert_eq!(seen.look(number, &who(&["slow"])).number, 0);
        }
        assert!(seen.moments.len() <= MOMENTS);
        assert!(seen.look(10_000, &who(&[])).number >= 64);
        assert_eq!(seen.look(10_000, &who(&[])).number, 10_000);
    }
}
