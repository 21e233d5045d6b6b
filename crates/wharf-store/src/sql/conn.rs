//! One connection of either kind.

use futures::TryStreamExt;
use sqlx::{Connection, Executor, PgConnection, Postgres, SqlSafeStr, Sqlite, SqliteConnection};
use wharf_core::store::Error;

use super::arg::{self, Arg};
use super::row::Cells;
use super::{Row, Sql, classify};

pub(crate) enum Conn {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

impl Conn {
    /// Runs a statement; tells how many rows it changed.
    pub async fn execute(&mut self, sql: &Sql, args: &[Arg<'_>]) -> Result<u64, Error> {
        let done = match self {
            Self::Sqlite(conn) => {
                let args = arg::sqlite(args).map_err(sqlx::Error::Encode).map_err(classify)?;
                sqlx::query_with::<Sqlite, _>(sql.sqlite, args).execute(&mut **conn).await.map(|done| done.rows_affected())
            }
            Self::Postgres(conn) => {
                let args = arg::postgres(args).map_err(sqlx::Error::Encode).map_err(classify)?;
                sqlx::query_with::<Postgres, _>(sql.postgres, args).execute(&mut **conn).await.map(|done| done.rows_affected())
            }
        };
        done.map_err(classify)
    }

    /// Runs a statement and reads all of its rows.
    pub async fn fetch(&mut self, sql: &Sql, args: &[Arg<'_>]) -> Result<Vec<Row>, Error> {
        let rows = match self {
            Self::Sqlite(conn) => {
                let args = arg::sqlite(args).map_err(sqlx::Error::Encode).map_err(classify)?;
                let rows = sqlx::query_with::<Sqlite, _>(sql.sqlite, args).fetch(&mut **conn);
                rows.map_ok(|row| Row::new(Cells::Sqlite(row))).try_collect().await
            }
            Self::Postgres(conn) => {
                let args = arg::postgres(args).map_err(sqlx::Error::Encode).map_err(classify)?;
                let rows = sqlx::query_with::<Postgres, _>(sql.postgres, args).fetch(&mut **conn);
                rows.map_ok(|row| Row::new(Cells::Postgres(row))).try_collect().await
            }
        };
        rows.map_err(classify)
    }

    /// Runs statements that begin, mark or end a transaction. On PostgreSQL several go in one round trip only by the
    /// simple protocol; SQLite keeps them prepared.
    pub async fn control(&mut self, text: &'static str) -> Result<(), Error> {
        match self {
            Self::Sqlite(conn) => sqlx::query::<Sqlite>(text).execute(&mut **conn).await.map(drop),
            Self::Postgres(conn) => sqlx::raw_sql(text).execute(&mut **conn).await.map(drop),
        }
        .map_err(classify)
    }

    /// Reads the single text that a setting's query gives.
    pub async fn setting(&mut self, query: &'static str) -> Result<String, Error> {
        let sql = Sql { name: "setting", sqlite: query, postgres: query };
        let row = self.fetch(&sql, &[]).await?.pop();
        row.ok_or_else(|| super::corrupt(format!("{query} gave no row")))?.text()
    }

    /// Has the database parse the statement without running it.
    pub async fn prepare(&mut self, sql: &Sql) -> Result<(), Error> {
        match self {
            Self::Sqlite(conn) => conn.prepare(sql.sqlite.into_sql_str()).await.map(drop),
            Self::Postgres(conn) => conn.prepare(sql.postgres.into_sql_str()).await.map(drop),
        }
        .map_err(|error| super::corrupt(format!("{}: {error}", sql.name)))
    }

    pub async fn close(self) {
        let closed = match self {
            Self::Sqlite(conn) => conn.close().await,
            Self::Postgres(conn) => conn.close().await,
        };
        if let Err(error) = closed {
            tracing::debug!(%error, "a database connection did not close in order");
        }
    }
}
