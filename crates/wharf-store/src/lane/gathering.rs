//! How a lane gathers company for a write that has come.
//!
//! A lane that begins with the first letter commits one or two at a time, though those whose writes it has just answered are about to bring
//! their next ones, and wait for the lane's own core. So it gives up its turn for as long as that brings letters. Whoever has a core to
//! himself, or nobody beside him, waits for nothing: a turn that nobody wants comes back at once.

use crate::dialect::Dialect;

/// How often it gives up its turn before one commit.
const TURNS: usize = 3;
/// How many writes of this group and the one before are company. One caller alone has two at the most: an outcome and its receipt.
const COMPANY: usize = 3;

pub(super) struct Gathering {
    dialect: Dialect,
    /// How many writes the group before had: their callers may have more.
    before: usize,
}

impl Gathering {
    pub const fn new(dialect: Dialect) -> Self {
        Self { dialect, before: 0 }
    }

    /// Notes how many writes a group has.
    pub const fn note(&mut self, writes: usize) {
        self.before = writes;
    }

    /// Lets others go first, after one letter was taken, while more of them come: `waiting` tells how many wait behind it.
    pub async fn gather(&self, room: usize, waiting: impl Fn() -> usize) {
        if self.before + 1 + waiting() < COMPANY {
            return;
        }
        for _ in 0..TURNS {
            let there = waiting();
            if there + 1 >= room {
                return;
            }
            self.let_others_go().await;
            if waiting() == there {
                return;
            }
        }
    }

    async fn let_others_go(&self) {
        match self.dialect {
            // It has a thread of its own.
            Dialect::Sqlite => std::thread::yield_now(),
            Dialect::Postgres => tokio::task::yield_now().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::FutureExt;

    use super::*;

    /// How often `gather` looked, where each look finds as many letters as `came` says of it.
    fn looks(gathering: &Gathering, came: impl Fn(usize) -> usize) -> usize {
        let looks = Cell::new(0);
        let waiting = || came(looks.replace(looks.get() + 1));
        gathering.gather(8, waiting).now_or_never().expect("a thread's own turn is no wait");
        looks.get()
    }

    #[test]
    fn a_lone_letter_is_not_held_up() {
        let mut gathering = Gathering::new(Dialect::Sqlite);
        assert_eq!(looks(&gathering, |_| 0), 1);
        gathering.note(1);
        assert_eq!(looks(&gathering, |_| 0), 1);
    }

    #[test]
    fn others_go_first_only_while_that_brings_letters() {
        let mut gathering = Gathering::new(Dialect::Sqlite);
        gathering.note(4);
        assert_eq!(looks(&gathering, |_| 0), 3, "one turn was given up for nothing");
        assert_eq!(looks(&gathering, |look| usize::from(look >= 2)), 5, "a second one after the first brought a letter");
        assert_eq!(looks(&gathering, |look| look), 1 + 2 * TURNS, "and no more than so many");
    }

    #[test]
    fn a_group_that_is_full_waits_for_nobody() {
        let gathering = Gathering::new(Dialect::Sqlite);
        assert_eq!(looks(&gathering, |_| 7), 2);
    }
}
