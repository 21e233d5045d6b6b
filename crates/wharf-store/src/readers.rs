//! Connections that only read, and see what is committed.
//!
//! Not sqlx's pool: that one pings a connection at each return, which costs more than a look-up by key.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use wharf_core::store::Error;

use crate::dialect::Connect;
use crate::sql::{Arg, Conn, Row, Sql, unavailable};

/// How long a read may take, with its wait for a connection.
const PATIENCE: Duration = Duration::from_millis(2_500);
/// How long of that it waits for a connection.
const TURN: Duration = Duration::from_secs(2);

pub(crate) struct Readers {
    connect: Connect,
    turns: Semaphore,
    idle: Mutex<Vec<Conn>>,
}

impl Readers {
    pub fn new(connect: Connect, count: usize) -> Self {
        Self { connect, turns: Semaphore::new(count), idle: Mutex::new(Vec::new()) }
    }

    pub async fn fetch(&self, sql: &Sql, args: &[Arg<'_>]) -> Result<Vec<Row>, Error> {
        tokio::time::timeout(PATIENCE, self.read(sql, args)).await.map_err(unavailable)?
    }

    /// The first row, if there is one.
    pub async fn first(&self, sql: &Sql, args: &[Arg<'_>]) -> Result<Option<Row>, Error> {
        Ok(self.fetch(sql, args).await?.into_iter().next())
    }

    /// Refuses further reads and closes what is idle.
    pub async fn close(&self) {
        self.turns.close();
        let idle = std::mem::take(&mut *self.idle());
        for conn in idle {
            conn.close().await;
        }
    }

    /// A connection that was idle may have died with a restart of the server: the next one is tried, a fresh one at last.
    async fn read(&self, sql: &Sql, args: &[Arg<'_>]) -> Result<Vec<Row>, Error> {
        let turn = tokio::time::timeout(TURN, self.turns.acquire()).await.map_err(unavailable)?;
        let _turn = turn.map_err(unavailable)?;
        loop {
            let idle = self.idle().pop();
            let fresh = idle.is_none();
            let mut conn = match idle {
                Some(conn) => conn,
                None => self.connect.connect().await?,
            };
            // A read that is dropped on its way drops the connection with it.
            match conn.fetch(sql, args).await {
                Err(Error::Unavailable(_)) if !fresh => {}
                Err(error @ Error::Unavailable(_)) => return Err(error),
                result => {
                    if !self.turns.is_closed() {
                        self.idle().push(conn);
                    }
                    return result;
                }
            }
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Conn>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
