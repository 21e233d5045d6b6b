//! One connection of either kind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::Duration;

use futures::TryStreamExt;
use sqlx::{Connection, Executor, PgConnection, Postgres, SqlSafeStr};
use wharf_core::store::Error;

use super::arg::{self, Arg};
use super::row::Cells;
use crate::lane::Wait;

use super::{Row, Sql, classify, classify_sqlite, sqlite};

pub(crate) enum Conn {
    Sqlite(Box<rusqlite::Connection>),
    Postgres(Box<PgConnection>),
}

impl Conn {
    /// Runs a statement; tells how many rows it changed.
    pub async fn execute(&mut self, sql: &Sql, args: &[Arg<'_>]) -> Result<u64, Error> {
        match self {
            Self::Sqlite(conn) => sqlite::execute(conn, sql.sqlite, args).map_err(classify_sqlite),
            Self::Postgres(conn) => {
                let args = arg::postgres(args).map_err(sqlx::Error::Encode).map_err(classify)?;
                let done = sqlx::query_with::<Postgres, _>(sql.postgres, args).execute(&mut **conn).await;
                done.map(|done| done.rows_affected()).map_err(classify)
            }
        }
    }

    /// Runs a statement and reads all of its rows.
    pub async fn fetch(&mut self, sql: &Sql, args: &[Arg<'_>]) -> Result<Vec<Row>, Error> {
        match self {
            Self::Sqlite(conn) => sqlite_rows(sqlite::fetch(conn, sql.sqlite, args)),
            Self::Postgres(conn) => {
                let args = arg::postgres(args).map_err(sqlx::Error::Encode).map_err(classify)?;
                let rows = sqlx::query_with::<Postgres, _>(sql.postgres, args).fetch(&mut **conn);
                rows.map_ok(|row| Row::new(Cells::Postgres(row))).try_collect().await.map_err(classify)
            }
        }
    }

    /// The number of the row that SQLite inserted last.
    pub fn last_number(&self) -> Option<i64> {
        match self {
            Self::Sqlite(conn) => Some(conn.last_insert_rowid()),
            Self::Postgres(_) => None,
        }
    }

    /// Runs a read that may be long: it does not hold up the thread that asks. Dropping the future drops the connection, and
    /// ends the read, which keeps `turn` so long: PostgreSQL has a time limit of its own, SQLite is interrupted.
    pub async fn fetch_aside<Turn: Send + Sync + 'static>(
        self,
        sql: &Sql,
        args: &[Arg<'_>],
        turn: &Arc<Turn>,
    ) -> (Option<Self>, Result<Vec<Row>, Error>) {
        match self {
            Self::Sqlite(conn) => {
                let (text, args, turn) = (sql.sqlite, sqlite::owned(args), Arc::clone(turn));
                let (interrupt, left) = (conn.get_interrupt_handle(), Arc::new(AtomicBool::new(false)));
                let is_left = Arc::clone(&left);
                let read = tokio::task::spawn_blocking(move || {
                    let rows = sqlite::fetch_unless_left(&conn, text, &args, &is_left);
                    drop(turn);
                    (conn, rows)
                });
                let mut read = Reading { read, interrupt, left };
                match (&mut read.read).await {
                    Ok((conn, rows)) => (Some(Self::Sqlite(conn)), sqlite_rows(rows)),
                    Err(error) => (None, Err(super::unavailable(error))),
                }
            }
            mut conn @ Self::Postgres(_) => {
                let rows = conn.fetch(sql, args).await;
                (Some(conn), rows)
            }
        }
    }

    /// Runs statements that begin, mark or end a transaction. On PostgreSQL several go in one round trip only by the
    /// simple protocol; SQLite keeps them prepared.
    pub async fn control(&mut self, text: &'static str) -> Result<(), Error> {
        match self {
            Self::Sqlite(conn) => sqlite::control(conn, text).map_err(classify_sqlite),
            Self::Postgres(conn) => sqlx::raw_sql(text).execute(&mut **conn).await.map(drop).map_err(classify),
        }
    }

    /// Begins a transaction that first takes these locks, in this order, and has them to its end; and then asks questions, all in one way
    /// there and back. Gives their answers, or what was wrong with one of them: the locks were to be had then, and nothing else can be done
    /// in the transaction.
    pub async fn begin(
        &mut self,
        begin: &'static str,
        locks: &[i64],
        wait: Wait,
        questions: &[String],
    ) -> Result<Result<Vec<Row>, Error>, Error> {
        match self {
            Self::Postgres(conn) if !locks.is_empty() => {
                let take: Vec<_> = locks.iter().map(|lock| format!("pg_advisory_xact_lock({lock})")).collect();
                let mut take = format!("BEGIN; SELECT {}", take.join(", "));
                if wait != Wait::USUAL {
                    let limit = |limit: Duration| format!("SET LOCAL lock_timeout = {}", limit.as_millis());
                    take = format!("{take}; {}", limit(wait.rows)).replacen("BEGIN", &format!("BEGIN; {}", limit(wait.places)), 1);
                }
                // Before the first savepoint: going back to that would give them up.
                let mut text = begin.replacen("BEGIN", &take, 1);
                for question in questions {
                    text.push_str("; ");
                    text.push_str(question);
                }
                let mut rows = sqlx::raw_sql(sqlx::AssertSqlSafe(text)).fetch(&mut **conn);
                // The row of the locks comes before those of the questions.
                rows.try_next().await.map_err(classify)?;
                let answers: Result<Vec<Row>, sqlx::Error> = rows.map_ok(|row| Row::new(Cells::Postgres(row))).try_collect().await;
                Ok(answers.map_err(classify))
            }
            _ => self.control(begin).await.map(|()| Ok(Vec::new())),
        }
    }

    /// Reads the single text that a setting's query gives.
    pub async fn setting(&mut self, query: &'static str) -> Result<String, Error> {
        let sql = Sql { name: "setting", sqlite: query, postgres: query };
        let row = self.fetch(&sql, &[]).await?.pop();
        row.ok_or_else(|| super::corrupt(format!("{query} gave no row")))?.text()
    }

    /// Has the database parse the statement without running it.
    pub async fn prepare(&mut self, sql: &Sql) -> Result<(), Error> {
        let failed = |error: &dyn std::fmt::Display| super::corrupt(format!("{}: {error}", sql.name));
        match self {
            Self::Sqlite(conn) => conn.prepare(sql.sqlite).map(drop).map_err(|error| failed(&error)),
            Self::Postgres(conn) => conn.prepare(sql.postgres.into_sql_str()).await.map(drop).map_err(|error| failed(&error)),
        }
    }

    pub async fn close(self) {
        let closed = match self {
            Self::Sqlite(conn) => conn.close().map_err(|(_, error)| error.to_string()),
            Self::Postgres(conn) => conn.close().await.map_err(|error| error.to_string()),
        };
        if let Err(error) = closed {
            tracing::debug!(error, "a database connection did not close in order");
        }
    }
}

/// A read on another thread that ends when nobody waits for it.
struct Reading<T> {
    read: tokio::task::JoinHandle<T>,
    interrupt: rusqlite::InterruptHandle,
    left: Arc<AtomicBool>,
}

impl<T> Drop for Reading<T> {
    fn drop(&mut self) {
        if !self.read.is_finished() {
            // One that waits for a thread never begins, one that has a thread looks before it begins, one that runs is interrupted.
            self.read.abort();
            self.left.store(true, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            self.interrupt.interrupt();
        }
    }
}

fn sqlite_rows(rows: rusqlite::Result<Vec<Vec<rusqlite::types::Value>>>) -> Result<Vec<Row>, Error> {
    Ok(rows.map_err(classify_sqlite)?.into_iter().map(|cells| Row::new(Cells::Sqlite(cells))).collect())
}
