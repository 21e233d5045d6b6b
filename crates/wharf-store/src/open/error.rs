//! Why a database cannot be opened.

use std::path::PathBuf;

use wharf_core::store::Error;

use crate::dialect::Durability;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the database URL must begin with sqlite: or postgres://")]
    Url,
    #[error("the database URL cannot be read")]
    Postgres(#[source] sqlx::Error),
    /// Another process runs on the file. Two would break each other's sessions.
    #[error("the database {} is in use by another process", .0.display())]
    InUse(PathBuf),
    #[error("the database folder or its lock file cannot be used: {}", .path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the database cannot be reached")]
    Connect(#[source] Error),
    #[error("the schema cannot be brought up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    #[error(
        "the database was made by a newer Wharf (migration {found}; this release knows {own}): run that release, or put the backup from \
         before the update back"
    )]
    Newer { found: i64, own: i64 },
    /// It cannot hold what people write.
    #[error(
        "the database has the encoding {0}, and must have UTF8: make another with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding(String),
    /// Its language has other letters than a to z.
    #[error(
        "the database orders letters by the rules of a language that has others between them (Danish, Norwegian, Welsh): make another with \
         CREATE DATABASE … LOCALE 'C' TEMPLATE template0"
    )]
    Order,
    #[error("the role of the database URL lacks rights: {0}")]
    Rights(String),
    /// What is written next would clash with what is there: a copy of the rows without their sequences.
    #[error(
        "the sequence of {table} is behind its rows; mend it with: SELECT setval(pg_get_serial_sequence('{table}', 'number'), {newest})"
    )]
    Sequence { table: &'static str, newest: i64 },
    /// Two connections to it are one: what is prepared, locked or set over one is not there a moment later.
    #[error(
        "a pooler stands before PostgreSQL and shares out its connections: Wharf needs its session mode (pgbouncer: pool_mode = session), or \
         the server itself"
    )]
    Pooler,
    #[error("the disk of {} is full", .0.display())]
    DiskFull(PathBuf),
    #[error("{} cannot be written: who runs this needs the right to, on a disk that takes it", .0.display())]
    ReadOnly(PathBuf),
    /// Only what this program wrote is looked through.
    #[error("the schema is at migration {found}, and this program at {own}: look with the program that runs on it")]
    Schema { found: i64, own: i64 },
    /// Only the gateway's start and `wharf migrate` change a schema.
    #[error("the database is at migration {found}, and this release needs {own}: run `wharf migrate`, or let the gateway start on it")]
    Behind { found: i64, own: i64 },
    /// The file's system cannot do what durability needs.
    #[error("the database would not survive a power cut: journal {}, synchronous {}", .0.journal, .0.synchronous)]
    NotDurable(Durability),
}
