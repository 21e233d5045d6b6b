//! Where the two databases differ: how to connect, how to begin, how long to wait.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use wharf_core::store::Error;

use crate::sql::{Conn, classify, classify_sqlite, keep_statements, unavailable};

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

    /// After how many statements a commit takes no further writes, and how many one write may have: each costs PostgreSQL a way there and
    /// back, and all share the patience below. At five milliseconds each it is the time of a commit.
    pub const fn statements(self) -> usize {
        match self {
            Self::Sqlite => usize::MAX,
            Self::Postgres => 400,
        }
    }

    /// How long a commit with all its writes may take before its connection is given up. A file cannot be away.
    pub const fn commit_patience(self) -> Option<Duration> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(Duration::from_millis(2_250)),
        }
    }

    /// After how long a commit takes no further writes.
    pub const fn group_patience(self) -> Option<Duration> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(Duration::from_millis(750)),
        }
    }

    /// How long after the begin of a commit that others share a write may still run. Then the others go on without it.
    pub const fn company_patience(self) -> Option<Duration> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(Duration::from_millis(1_250)),
        }
    }

    /// How long a caller waits for its turn and its answer.
    pub const fn caller_patience(self) -> Duration {
        match self {
            Self::Sqlite => Duration::from_secs(10),
            // The caller's own caller is to hear within three seconds that the database is away.
            Self::Postgres => Duration::from_millis(2_500),
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
    Sqlite {
        path: PathBuf,
        pragmas: &'static str,
    },
    /// With what is said first.
    Postgres(Box<PgConnectOptions>, Arc<str>),
}

const CONNECT_PATIENCE: Duration = Duration::from_secs(2);
/// How long SQLite waits for a lock.
const BUSY_PATIENCE: Duration = Duration::from_secs(5);
/// Above the number of statements that there are, so that none is prepared twice.
const STATEMENTS: usize = 400;

// FULL: anything less rolls Signal state back after a power cut, and the next message reuses a key.
// Every checkpoint costs two more syncs in the middle of somebody's commit: they come 16 MiB apart.
// The pages that a text touches fit into 2 MiB; what does not is in the system's cache, and a larger cache of our own costs each commit.
const SQLITE_WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; \
    PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -2048;";
// A short read waits on the thread of whoever asks, where nothing else runs meanwhile: no longer for a lock than a read may take.
const SQLITE_READER: &str = "PRAGMA busy_timeout = 2000; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA query_only = ON;";

// Said over the connection, and not with its start: poolers take no options there, or throw them away.
// A lock is waited for as long as `Wait::USUAL`: a lane waits no longer, for all its writes wait with it. And a frozen process must not hold
// an owner's row against the one that takes over. Each statement of a write sees what was committed before it, whatever the server's
// default is: otherwise a group would see what there was before it had its places, and not what those have written whom it waited for.
const POSTGRES_WRITER: &str = "SET synchronous_commit = on; SET statement_timeout = 2000; SET lock_timeout = 250; \
    SET idle_in_transaction_session_timeout = 5000; SET default_transaction_isolation = 'read committed'";
// A statement whose client has gone ends soon, and with it what it holds: connections are let go in the middle of statements. A server
// before 14 does not know the word, and one that cannot tell whether its client is there refuses it.
const POSTGRES_AWAY: &str = "SELECT set_config('client_connection_check_interval', '250', false) \
    WHERE current_setting('server_version_num')::INT >= 140000";
// Lists are read in the order of an index, page by page. Where the server takes a session or an account for a small one, gathering all that
// it has and sorting it looks cheaper; it does that by bitmaps alone, and no statement has another use for them.
const POSTGRES_READER: &str = "SET default_transaction_read_only = on; SET statement_timeout = 2000; SET lock_timeout = 1500; \
    SET enable_bitmapscan = off";

impl Connect {
    pub fn sqlite_writer(path: &Path) -> Self {
        Self::Sqlite { path: path.to_owned(), pragmas: SQLITE_WRITER }
    }

    pub fn sqlite_reader(path: &Path) -> Self {
        Self::Sqlite { path: path.to_owned(), pragmas: SQLITE_READER }
    }

    /// `prepared` are statements that are said over each connection: what they make, lanes ask by.
    pub fn postgres_writer(url: &str, prepared: &[String]) -> Result<Self, sqlx::Error> {
        let settings = format!("{POSTGRES_WRITER}; {}", prepared.join("; "));
        Ok(Self::Postgres(Box::new(postgres(url)?), settings.into()))
    }

    pub fn postgres_reader(url: &str) -> Result<Self, sqlx::Error> {
        Ok(Self::Postgres(Box::new(postgres(url)?), POSTGRES_READER.into()))
    }

    /// For migrations, which may take their time.
    pub fn postgres_patient(url: &str) -> Result<Self, sqlx::Error> {
        Ok(Self::Postgres(Box::new(postgres(url)?), "".into()))
    }

    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::Postgres(..) => Dialect::Postgres,
        }
    }

    pub async fn connect(&self) -> Result<Conn, Error> {
        match self {
            Self::Sqlite { path, pragmas } => sqlite(path, pragmas).map(|conn| Conn::Sqlite(Box::new(conn))).map_err(classify_sqlite),
            Self::Postgres(options, settings) => {
                let connecting = async {
                    let mut conn = sqlx::PgConnection::connect_with(options).await?;
                    if !settings.is_empty() {
                        sqlx::raw_sql(sqlx::AssertSqlSafe(Arc::clone(settings))).execute(&mut conn).await?;
                        match sqlx::raw_sql(POSTGRES_AWAY).execute(&mut conn).await {
                            Ok(_) | Err(sqlx::Error::Database(_)) => {}
                            Err(error) => return Err(error),
                        }
                    }
                    Ok(conn)
                };
                let conn = tokio::time::timeout(CONNECT_PATIENCE, connecting).await.map_err(unavailable)?.map_err(classify)?;
                Ok(Conn::Postgres(Box::new(conn)))
            }
        }
    }
}

/// Opens the file; makes it where it is missing.
fn sqlite(path: &Path, pragmas: &str) -> rusqlite::Result<rusqlite::Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = rusqlite::Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_PATIENCE)?;
    // Otherwise a statement whose LIMIT is an argument is prepared anew at each run, for a plan that may fit the number better.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.execute_batch(pragmas)?;
    keep_statements(&conn);
    Ok(conn)
}

fn postgres(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?.application_name("wharf").statement_cache_capacity(STATEMENTS);
    // No number with a point is kept here, and a pooler may not know the word.
    Ok(options.extra_float_digits(None).disable_statement_logging())
}
