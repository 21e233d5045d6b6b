//! One lane's connection, and how it carries a group of writes into one commit.

use std::sync::Arc;

use tokio::time::Instant;
use wharf_core::event::Bell;
use wharf_core::store::Error;
use wharf_core::{Chance, Meter};

use super::Place;
use super::job::{Fate, Job};
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

    /// Runs the writes, commits them together, then answers each.
    pub async fn commit(&mut self, mut jobs: Vec<(Place, Box<dyn Job>)>) {
        jobs.retain(|(_, job)| !job.abandoned());
        if jobs.is_empty() {
            return;
        }
        if self.dialect == Dialect::Postgres {
            // Stable: writes of one session keep their order.
            jobs.sort_by_key(|(place, _)| *place);
        }
        let (began, writes) = (Instant::now(), jobs.len());
        let done = match self.dialect.commit_patience() {
            Some(patience) => tokio::time::timeout(patience, self.transact(&mut jobs)).await.unwrap_or_else(|slow| Err(unavailable(slow))),
            None => self.transact(&mut jobs).await,
        };
        let fate = match done {
            Ok(()) => {
                self.meter.writes.commit_seconds.observe_time(began.elapsed());
                self.meter.writes.commit_writes.observe(f64::from(u32::try_from(writes).unwrap_or(u32::MAX)));
                Fate::Committed
            }
            Err(error) => {
                // Closing the connection undoes what its transaction still holds.
                self.tx = None;
                self.meter.writes.lost_commits.one();
                tracing::warn!(%error, "a group of writes was not committed");
                Fate::Lost(reason(&error))
            }
        };
        let rings = self.tx.as_mut().map(Tx::take_rings).unwrap_or_default();
        for (_, job) in jobs {
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

    async fn transact(&mut self, jobs: &mut [(Place, Box<dyn Job>)]) -> Result<(), Error> {
        let dialect = self.dialect;
        let tx = self.connected().await?;
        if let [(_, job)] = jobs {
            tx.conn.control(dialect.begin()).await?;
            let kept = job.run(tx).await;
            return tx.conn.control(if kept { COMMIT } else { ROLLBACK }).await;
        }
        tx.conn.control(dialect.begin_with_savepoint()).await?;
        let last = jobs.len() - 1;
        for (place, (_, job)) in jobs.iter_mut().enumerate() {
            match job.run(tx).await {
                true if place == last => {}
                true => tx.conn.control(NEXT).await?,
                false => tx.conn.control(UNDO).await?,
            }
        }
        tx.conn.control(COMMIT).await
    }

    async fn connected(&mut self) -> Result<&mut Tx, Error> {
        let tx = match self.tx.take() {
            Some(tx) => tx,
            None => Tx::new(self.connect.connect().await?, Arc::clone(&self.chance)),
        };
        Ok(self.tx.insert(tx))
    }
}

/// The error with its cause, for callers that each get their own copy.
fn reason(error: &Error) -> String {
    match error {
        Error::Unavailable(cause) => cause.to_string(),
        Error::Fenced | Error::Corrupt(_) => error.to_string(),
    }
}
