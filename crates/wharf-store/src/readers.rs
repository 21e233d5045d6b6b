//! Connections that only read, and see what is committed.
//!
//! Not sqlx's pool: that one pings a connection at each return, which costs more than a look-up by key, and knows no SQLite.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use wharf_api::ids::AccountId;
use wharf_core::media::gate::Gate;
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
    /// Of them, those for reads that may walk through all that an account has: half of them, and half of that for one account.
    walks: Semaphore,
    walks_of_account: Gate,
    idle: Mutex<Vec<Conn>>,
}

impl Readers {
    pub fn new(connect: Connect, count: usize) -> Self {
        Self {
            connect,
            turns: Arc::new(Semaphore::new(count)),
            walks: Semaphore::new((count / 2).max(1)),
            walks_of_account: Gate::new((count / 4).max(1)),
            idle: Mutex::new(Vec::new()),
        }
    }

    pub const fn dialect(&self) -> Dialect {
        self.connect.dialect()
    }

    /// All rows.
    pub async fn fetch(&self, sql: &Sql, args: &[Arg<'_>]) -> Result<Vec<Row>, Error> {
        tokio::time::timeout(PATIENCE, self.read(sql, args, Length::Long)).await.map_err(unavailable)?
    }

    /// Reads a list whose filter may walk through all that the account has. However many of them one account asks for, look-ups and
    /// the lists of others have turns.
    pub async fn walk(&self, account: &AccountId, sql: &Sql, args: &[Arg<'_>]) -> Result<Vec<Row>, Error> {
        let walk = async {
            let _of_account = self.walks_of_account.enter(account).await;
            let _of_all = self.walks.acquire().await.map_err(unavailable)?;
            self.read(sql, args, Length::Long).await
        };
        tokio::time::timeout(PATIENCE, walk).await.map_err(unavailable)?
    }

    /// The first row, if there is one. For a look-up that an index serves: on SQLite it runs on the thread that asks.
    pub async fn first(&self, sql: &Sql, args: &[Arg<'_>]) -> Result<Option<Row>, Error> {
        Ok(self.few(sql, args).await?.into_iter().next())
    }

    /// The rows of one short page, all of them. For one that an index serves from end to end: on SQLite it is read on the thread that asks,
    /// for handing it to another one and back takes longer.
    pub async fn few(&self, sql: &Sql, args: &[Arg<'_>]) -> Result<Vec<Row>, Error> {
        tokio::time::timeout(PATIENCE, self.read(sql, args, Length::Short)).await.map_err(unavailable)?
    }

    /// Refuses further reads and closes what is idle.
    pub async fn close(&self) {
        self.turns.close();
        self.walks.close();
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
                // Whoever asks may have given up: on SQLite his thread waited for a lock, and no time ran out meanwhile.
                Err(Error::Unavailable(_)) if !fresh => tokio::task::yield_now().await,
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
    use wharf_core::Chance as _;
    use wharf_core::chance::SystemChance;

    use super::*;

    const FOREVER: &str = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT COUNT(*) FROM c, t";

    /// A database of one table with one row, for the time of one test.
    struct Scratch(std::path::PathBuf, rusqlite::Connection);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("wharf-readers-{name}-{}.sqlite", SystemChance.uuid().simple()));
            let conn = rusqlite::Connection::open(&path).unwrap();
            conn.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n); INSERT INTO t VALUES (1)").unwrap();
            conn.busy_timeout(Duration::ZERO).unwrap();
            Self(path, conn)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{end}", self.0.display()));
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn lists_that_one_account_makes_long_leave_turns_to_look_ups_and_to_the_lists_of_others() {
        let scratch = Scratch::new("walks");
        let readers = Readers::new(Connect::sqlite_reader(&scratch.0), 4);
        let account = |n| AccountId::from_uuid(wharf_api::ids::Uuid::from_u128(n));
        let long = Sql { name: "FOREVER", sqlite: FOREVER, postgres: FOREVER };
        let short = Sql { name: "SHORT", sqlite: "SELECT n FROM t", postgres: "" };
        let (one, other) = (account(1), account(2));
        let mut lists = futures::stream::FuturesUnordered::new();
        for _ in 0..10 {
            lists.push(readers.walk(&one, &long, &[]));
        }
        while readers.turns.available_permits() == 4 {
            assert!(futures::StreamExt::next(&mut lists).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        assert_eq!(readers.walk(&other, &short, &[]).await.unwrap().len(), 1);
        assert!(readers.first(&short, &[]).await.unwrap().is_some());
        assert_eq!(readers.turns.available_permits(), 3, "one of ten is read");
    }

    #[tokio::test]
    async fn a_short_page_is_read_at_once_by_whoever_asks() {
        let scratch = Scratch::new("few");
        let readers = Readers::new(Connect::sqlite_reader(&scratch.0), 1);
        let sql = Sql { name: "FEW", sqlite: "SELECT n FROM t UNION ALL SELECT n + 1 FROM t", postgres: "" };
        let mut rows = readers.few(&sql, &[]).now_or_never().expect("nobody else is asked").unwrap();
        let numbers: Vec<i64> = rows.iter_mut().map(|row| row.int().unwrap()).collect();
        assert_eq!(numbers, [1, 2]);
    }

    #[tokio::test]
    async fn a_short_read_that_met_a_lock_leaves_its_thread_to_others_before_it_is_tried_once_more() {
        let scratch = Scratch::new("locked");
        scratch.1.execute_batch("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE").unwrap();
        let readers = Readers::new(Connect::sqlite_reader(&scratch.0), 1);
        for _ in 0..2 {
            let conn = rusqlite::Connection::open(&scratch.0).unwrap();
            conn.busy_timeout(Duration::ZERO).unwrap();
            readers.idle().push(Conn::Sqlite(Box::new(conn)));
        }
        let sql = Sql { name: "LOCKED", sqlite: "SELECT n FROM t", postgres: "" };
        let mut read = pin!(readers.few(&sql, &[]));
        assert!((&mut read).now_or_never().is_none());
        assert_eq!(readers.idle().len(), 1, "one of two was tried");
        scratch.1.execute_batch("COMMIT").unwrap();
        assert_eq!(read.await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_read_waits_no_longer_for_a_lock_than_it_may_take() {
        let scratch = Scratch::new("patience");
        let readers = Readers::new(Connect::sqlite_reader(&scratch.0), 1);
        let sql = Sql { name: "BUSY_TIMEOUT", sqlite: "PRAGMA busy_timeout", postgres: "" };
        let waits = readers.first(&sql, &[]).await.unwrap().unwrap().count().unwrap();
        assert!(waits > 0 && Duration::from_millis(waits) < PATIENCE, "{waits}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_long_read_that_nobody_waits_for_ends_and_gives_its_turn_back() {
        let scratch = Scratch::new("turn");
        let conn = &scratch.1;
        // A log cannot be emptied while somebody reads.
        let is_read = || {
            conn.execute_batch("UPDATE t SET n = n + 1").unwrap();
            conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0)).unwrap()
        };
        let readers = Readers::new(Connect::sqlite_reader(&scratch.0), 1);
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
        ended.expect("the read goes on, though nobody waits for it");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_long_read_that_is_left_in_whichever_moment_it_begins_ends_too() {
        let scratch = Scratch::new("begins");
        let readers = Readers::new(Connect::sqlite_reader(&scratch.0), 1);
        let sql = Sql { name: "FOREVER", sqlite: FOREVER, postgres: FOREVER };
        for round in 0..600 {
            {
                let mut read = pin!(readers.fetch(&sql, &[]));
                assert!((&mut read).now_or_never().is_none());
                // Its thread opens the file, prepares and begins meanwhile.
                for _ in 0..round % 60 * 20 {
                    std::hint::spin_loop();
                }
            }
            let ended = async {
                while readers.turns.available_permits() == 0 {
                    tokio::task::yield_now().await;
                }
            };
            let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
            ended.unwrap_or_else(|_| panic!("the read of round {round} goes on, though nobody waits for it"));
        }
    }
}
