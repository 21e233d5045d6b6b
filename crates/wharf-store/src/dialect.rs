//! Where the two databases differ: how to connect, how to begin, how long to wait.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use wharf_core::store::Error;

use crate::sql::{Conn, classify, unavailable};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// How a committed write survives a power cut: what the database says of itself on a writing connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durability {
    /// SQLite: the journal mode. PostgreSQL: `fsync`.
    pub journal: String,
    /// SQLite: `2` is FULL. PostgreSQL: `synchronous_commit`.
    pub synchronous: String,
}

impl Dialect {
    pub const fn begin(self) -> &'static str {
        match self {
            // The lock is taken now: a transaction that begins by reading could not upgrade.
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    pub const fn begin_with_savepoint(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE; SAVEPOINT job",
            Self::Postgres => "BEGIN; SAVEPOINT job",
        }
    }

    /// How many writes one commit carries at the most. PostgreSQL slows down beyond 64 subtransactions.
    pub const fn group(self) -> usize {
        match self {
            Self::Sqlite => 128,
            Self::Postgres => 48,
        }
    }

    /// How long a commit with all its writes may take before its connection is given up. A file cannot be away.
    pub const fn commit_patience(self) -> Option<Duration> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(Duration::from_millis(2_500)),
        }
    }

    /// How long a caller waits for its turn and its answer.
    pub const fn caller_patience(self) -> Duration {
        match self {
            Self::Sqlite => Duration::from_secs(10),
            Self::Postgres => Duration::from_secs(3),
        }
    }

    /// How a writing connection answers for durability: the two queries of [`Durability`].
    pub const fn durability(self) -> [&'static str; 2] {
        match self {
            Self::Sqlite => ["SELECT journal_mode FROM pragma_journal_mode", "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous"],
            Self::Postgres => ["SELECT current_setting('fsync')", "SELECT current_setting('synchronous_commit')"],
        }
    }
}

/// How to open a connection.
#[derive(Clone, Debug)]
pub(crate) enum Connect {
    Sqlite(SqliteConnectOptions),
    Postgres(PgConnectOptions),
}

const CONNECT_PATIENCE: Duration = Duration::from_secs(2);
/// Above the number of statements that there are, so that none is prepared twice.
const STATEMENTS: usize = 200;

impl Connect {
    pub fn sqlite_writer(path: &Path) -> Self {
        let options = sqlite(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // Anything less rolls Signal state back after a power cut, and the next message reuses a key.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("journal_size_limit", "67108864")
            // Every checkpoint costs two more syncs in the middle of somebody's commit: 16 MiB apart.
            .pragma("wal_autocheckpoint", "4000")
            .pragma("cache_size", "-16384");
        Self::Sqlite(options)
    }

    pub fn sqlite_reader(path: &Path) -> Self {
        Self::Sqlite(sqlite(path).synchronous(SqliteSynchronous::Full).pragma("query_only", "ON"))
    }

    pub fn postgres_writer(url: &str) -> Result<Self, sqlx::Error> {
        let limits = [
            ("synchronous_commit", "on"),
            ("statement_timeout", "2000"),
            ("lock_timeout", "1500"),
            // A frozen process must not hold an owner's row against the one that takes over.
            ("idle_in_transaction_session_timeout", "5000"),
        ];
        Ok(Self::Postgres(postgres(url)?.options(limits)))
    }

    pub fn postgres_reader(url: &str) -> Result<Self, sqlx::Error> {
        let limits = [("default_transaction_read_only", "on"), ("statement_timeout", "2000"), ("lock_timeout", "1500")];
        Ok(Self::Postgres(postgres(url)?.options(limits)))
    }

    /// For migrations, which may take their time.
    pub fn postgres_patient(url: &str) -> Result<Self, sqlx::Error> {
        Ok(Self::Postgres(postgres(url)?))
    }

    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub async fn connect(&self) -> Result<Conn, Error> {
        let connecting = async {
            match self {
                Self::Sqlite(options) => sqlx::SqliteConnection::connect_with(options).await.map(|conn| Conn::Sqlite(Box::new(conn))),
                Self::Postgres(options) => sqlx::PgConnection::connect_with(options).await.map(|conn| Conn::Postgres(Box::new(conn))),
            }
        };
        tokio::time::timeout(CONNECT_PATIENCE, connecting).await.map_err(unavailable)?.map_err(classify)
    }
}

fn sqlite(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(5))
        .pragma("temp_store", "MEMORY")
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging()
}

fn postgres(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    Ok(PgConnectOptions::from_str(url)?.application_name("wharf").statement_cache_capacity(STATEMENTS).disable_statement_logging())
}
