//! Connections that only read, and see what is committed.
//!
//! Not sqlx's pool: that one pings a connection at each return, which costs more than a look-up by key, and knows no SQLite.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use wharf_core::store::Error;

use crate::dialect::{Connect, Dialect};
use crate::sql::{Arg, Conn, Row, Sql, unavailable};

/// How long a read may take, with its wait for a connection.
const PATIENCE: Duration = Duration::from_millis(2_500);
/// How long of that it waits for a connection.
const TURN: Duration = Duration::from_secs(2);

/// How much a read may find.
#[derive(Clone, Copy)]
enum Length {
    Short,
    Long,
}

pub(crate) struct Readers {
    connect: Connect,
    turns: Arc<Semaphore>,
    idle: Mutex<Vec<Conn>>,
}

impl Readers {
    pub fn new(connect: Connect, count: usize) -> Self {
        Self { connect, turns: Arc::new(Semaphore::new(count)), idle: Mutex::new(Vec::new()) }
    }

    pub const fn dialect(&self) -> Dialect {
        self.connect.dialect()
    }

    /// All rows.
    pub async fn fetch(&self, sql: &Sql, args: &[Arg<'_>]) -> Result<Vec<Row>, Error> {
        tokio::time::timeout(PATIENCE, self.read(sql, args, Length::Long)).await.map_err(unavailable)?
    }

    /// The first row, if there is one. For a look-up that an index serves: on SQLite it runs on the thread that asks.
    pub async fn first(&self, sql: &Sql, args: &[Arg<'_>]) -> Result<Option<Row>, Error> {
        let rows = tokio::time::timeout(PATIENCE, self.read(sql, args, Length::Short)).await.map_err(unavailable)?;
        Ok(rows?.into_iter().next())
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
    async fn read(&self, sql: &Sql, args: &[Arg<'_>], length: Length) -> Result<Vec<Row>, Error> {
        let turn = tokio::time::timeout(TURN, Arc::clone(&self.turns).acquire_owned()).await.map_err(unavailable)?;
        let turn = Arc::new(turn.map_err(unavailable)?);
        loop {
            let idle = self.idle().pop();
            let fresh = idle.is_none();
            let mut conn = match idle {
                Some(conn) => conn,
                None => self.connect.connect().await?,
            };
            // A read that is dropped on its way drops the connection with it, and keeps its turn until it has ended.
            let (conn, read) = match length {
                Length::Short => {
                    let read = conn.fetch(sql, args).await;
                    (Some(conn), read)
                }
                Length::Long => conn.fetch_aside(sql, args, &turn).await,
            };
            match read {
                Err(Error::Unavailable(_)) if !fresh => {}
                Err(error @ Error::Unavailable(_)) => return Err(error),
                result => {
                    self.idle().extend(conn.filter(|_| !self.turns.is_closed()));
                    return result;
                }
            }
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Conn>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::FutureExt;

    use super::*;

    const FOREVER: &str = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT COUNT(*) FROM c, t";

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_long_read_that_nobody_waits_for_ends_and_gives_its_turn_back() {
        let path = std::env::temp_dir().join(format!("wharf-readers-{}.sqlite", std::process::id()));
        let conn = rusqlite::Connection::open(&path).unwrap();
        conn.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n); INSERT INTO t VALUES (1)").unwrap();
        conn.busy_timeout(Duration::ZERO).unwrap();
        // A log cannot be emptied while somebody reads.
        let is_read = || {
            conn.execute_batch("UPDATE t SET n = n + 1").unwrap();
            conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0)).unwrap()
        };
        let readers = Readers::new(Connect::sqlite_reader(&path), 1);
        let sql = Sql { name: "FOREVER", sqlite: FOREVER, postgres: FOREVER };
        {
            let mut read = pin!(readers.fetch(&sql, &[]));
            while !is_read() {
                assert!((&mut read).now_or_never().is_none());
                tokio::task::yield_now().await;
            }
            assert_eq!(readers.turns.available_permits(), 0);
        }
        let ended = async {
            while is_read() || readers.turns.available_permits() == 0 {
                tokio::task::yield_now().await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", path.display()));
        }
        ended.expect("the read goes on, though nobody waits for it");
    }
}
