//! One lane's connection, and how it carries a group of writes into one commit.

use std::error::Error as _;
use std::sync::Arc;

use tokio::time::Instant;
use wharf_core::event::Bell;
use wharf_core::store::Error;
use wharf_core::{Chance, Meter};

use super::Place;
use super::job::{Fate, Job, Ran};
use crate::dialect::{Connect, Dialect};
use crate::open::Config;
use crate::sql::{Conn, Rings, Tx, unavailable};

// COMMIT ends open savepoints too, so each write costs one statement to mark and none to close.
const NEXT: &str = "RELEASE SAVEPOINT job; SAVEPOINT job";
const UNDO: &str = "ROLLBACK TO SAVEPOINT job";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";

pub(super) struct Worker {
    /// `None` after a connection was lost, until the next group makes one.
    tx: Option<Tx>,
    connect: Connect,
    dialect: Dialect,
    chance: Arc<dyn Chance>,
    bell: Arc<Bell>,
    meter: Arc<Meter>,
}

impl Worker {
    pub fn new(conn: Conn, connect: Connect, config: &Config, bell: Arc<Bell>) -> Self {
        let dialect = connect.dialect();
        let (chance, meter) = (Arc::clone(&config.chance), Arc::clone(&config.meter));
        Self { tx: Some(Tx::new(conn, Arc::clone(&chance))), connect, dialect, chance, bell, meter }
    }

    pub fn group(&self) -> usize {
        self.dialect.group()
    }

    /// Runs the writes, commits them together, then answers each. Writes of many statements get a commit of their own.
    pub async fn commit(&mut self, mut jobs: Vec<(Place, Box<dyn Job>)>) {
        if self.dialect == Dialect::Postgres {
            // Stable: writes of one session keep their order.
            jobs.sort_by_key(|(place, _)| *place);
        }
        loop {
            jobs.retain(|(_, job)| !job.abandoned());
            if jobs.is_empty() {
                return;
            }
            self.commit_some(&mut jobs).await;
        }
    }

    /// Commits as many of the writes as fit and takes them off the list; all of them where the commit fails.
    async fn commit_some(&mut self, jobs: &mut Vec<(Place, Box<dyn Job>)>) {
        let began = Instant::now();
        let done = match self.dialect.commit_patience() {
            Some(patience) => tokio::time::timeout(patience, self.transact(jobs)).await.unwrap_or_else(|slow| Err(unavailable(slow))),
            None => self.transact(jobs).await,
        };
        let (writes, fate) = match done {
            Ok(writes) => {
                self.meter.writes.commit_seconds.observe_time(began.elapsed());
                self.meter.writes.commit_writes.observe(f64::from(u32::try_from(writes).unwrap_or(u32::MAX)));
                (writes, Fate::Committed)
            }
            Err(error) => {
                // Closing the connection undoes what its transaction still holds.
                self.tx = None;
                self.meter.writes.lost_commits.one();
                let cause = error.source().map(ToString::to_string);
                tracing::warn!(%error, cause, "a group of writes was not committed");
                (jobs.len(), Fate::Lost(reason(&error)))
            }
        };
        let rings = self.tx.as_mut().map(Tx::take_rings).unwrap_or_default();
        for (_, job) in jobs.drain(..writes) {
            job.answer(&fate);
        }
        self.ring(&rings);
    }

    fn ring(&self, rings: &Rings) {
        for account in &rings.accounts {
            self.bell.ring(account);
        }
        self.bell.ring_webhooks(&rings.webhooks);
    }

    pub async fn close(self) {
        if let Some(tx) = self.tx {
            // The last connection of SQLite to close moves the journal into the file.
            tx.conn.close().await;
        }
    }

    /// Commits the first of the writes, and tells how many these are: none where the first waits for its next run.
    async fn transact(&mut self, jobs: &mut [(Place, Box<dyn Job>)]) -> Result<usize, Error> {
        let dialect = self.dialect;
        let locks = locks(dialect, jobs);
        let tx = self.connected().await?;
        tx.take_statements();
        if let [(_, job)] = jobs {
            tx.conn.begin(dialect.begin(), &locks).await?;
            let ran = job.run(tx).await;
            tx.conn.control(if ran == Ran::Keep { COMMIT } else { ROLLBACK }).await?;
            return Ok(usize::from(ran != Ran::Again));
        }
        tx.conn.begin(dialect.begin_with_savepoint(), &locks).await?;
        let (last, mut statements) = (jobs.len() - 1, 0);
        for (place, (_, job)) in jobs.iter_mut().enumerate() {
            let ran = job.run(tx).await;
            statements += tx.take_statements();
            let full = place == last || statements >= dialect.statements();
            match ran {
                Ran::Keep if full => {}
                Ran::Keep => tx.conn.control(NEXT).await?,
                Ran::Undo => tx.conn.control(UNDO).await?,
                // What came before it is committed, so that nobody waits for that in a circle once more.
                Ran::Again => {
                    tx.conn.control(UNDO).await?;
                    tx.conn.control(COMMIT).await?;
                    return Ok(place);
                }
            }
            if full {
                tx.conn.control(COMMIT).await?;
                return Ok(place + 1);
            }
        }
        Ok(0)
    }

    async fn connected(&mut self) -> Result<&mut Tx, Error> {
        let tx = match self.tx.take() {
            Some(tx) => tx,
            None => Tx::new(self.connect.connect().await?, Arc::clone(&self.chance)),
        };
        Ok(self.tx.insert(tx))
    }
}

/// What the group locks before its first write, in the one order that all keep.
fn locks(dialect: Dialect, jobs: &[(Place, Box<dyn Job>)]) -> Vec<i64> {
    if dialect == Dialect::Sqlite {
        return Vec::new();
    }
    let mut locks: Vec<i64> = jobs.iter().flat_map(|(place, _)| place.locks()).collect();
    locks.sort_unstable();
    locks.dedup();
    locks
}

/// The error with its cause, for callers that each get their own copy.
fn reason(error: &Error) -> String {
    match error {
        Error::Unavailable(cause) => cause.to_string(),
        Error::Fenced | Error::Corrupt(_) | Error::Refused(_) => error.to_string(),
    }
}
