//! A copy of the whole database as it stood at one moment, while others write, and the way back into an empty one.

mod postgres;
mod sqlite;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wharf_core::store::Error;

use crate::migrations;
use crate::open::error::OpenError;

/// SQLite's copy in the folder of a backup.
pub const SQLITE_FILE: &str = "wharf.sqlite";

/// What a copy is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Snapshot {
    /// One file.
    Sqlite { migration: i64 },
    /// A file for each table, and how far its numbers had come.
    Postgresql { migration: i64, tables: Vec<Table> },
}

/// A table's rows in a file of the copy, in PostgreSQL's own text format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub name: String,
    pub columns: Vec<String>,
    pub rows: u64,
    /// The last number that was given, where its rows are numbered: no number is given twice.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_number: Option<i64>,
}

impl Snapshot {
    pub fn migration(&self) -> i64 {
        match self {
            Self::Sqlite { migration } | Self::Postgresql { migration, .. } => *migration,
        }
    }

    /// Where the copy's files lie in its folder.
    pub fn files(&self) -> Vec<PathBuf> {
        match self {
            Self::Sqlite { .. } => vec![SQLITE_FILE.into()],
            Self::Postgresql { tables, .. } => tables.iter().map(|table| postgres::place(&table.name)).collect(),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] Error),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("there is no database at {0}")]
    Nothing(String),
    #[error("{0} is not empty: a backup is put into an empty database, and into no other")]
    NotEmpty(String),
    #[error("the backup is of {found}, and the configuration names {own}: a backup goes back into what it was made of")]
    Kind { found: &'static str, own: &'static str },
    #[error("the backup is at migration {found}, and this release at {own}: put it back with the release that made it, then update")]
    Migration { found: i64, own: i64 },
    #[error("the copy cannot be read: {0}")]
    Damaged(String),
}

pub(crate) fn file_error(path: &Path) -> impl FnOnce(io::Error) -> BackupError + '_ {
    |source| BackupError::File { path: path.to_owned(), source }
}

/// SQLite's file, where the address is one's.
fn file(url: &str) -> Option<&Path> {
    let path = url.strip_prefix("sqlite:")?;
    Some(Path::new(path.strip_prefix("//").unwrap_or(path)))
}

/// Copies the database into the folder. A gateway may run on it: nobody waits for the copy. `told` hears what is done.
pub async fn back_up(url: &str, folder: &Path, told: &(dyn Fn(&str) + Sync)) -> Result<Snapshot, BackupError> {
    match file(url) {
        Some(file) => sqlite::back_up(file, folder).await,
        None => postgres::back_up(url, folder, told).await,
    }
}

/// Refuses a copy that does not fit the database, before anything is written.
pub async fn check(url: &str, copy: &Snapshot) -> Result<(), BackupError> {
    let own = migrations::newest();
    match (file(url), copy) {
        (Some(file), Snapshot::Sqlite { migration: found }) => {
            if *found > own {
                return Err(BackupError::Migration { found: *found, own });
            }
            match sqlite::left(file) {
                Some(left) => Err(BackupError::NotEmpty(left.display().to_string())),
                None => Ok(()),
            }
        }
        (None, Snapshot::Postgresql { migration: found, .. }) => {
            if *found != own {
                return Err(BackupError::Migration { found: *found, own });
            }
            postgres::check_empty(url).await
        }
        (Some(_), Snapshot::Postgresql { .. }) => Err(BackupError::Kind { found: "PostgreSQL", own: "SQLite" }),
        (None, Snapshot::Sqlite { .. }) => Err(BackupError::Kind { found: "SQLite", own: "PostgreSQL" }),
    }
}

/// Puts a copy that was checked into the empty database, whole or not at all. Its sessions are marked in the same step: none can go on with
/// keys that were used after the copy was made.
pub async fn restore(url: &str, folder: &Path, copy: &Snapshot, told: &(dyn Fn(&str) + Sync)) -> Result<(), BackupError> {
    match (file(url), copy) {
        (Some(file), _) => sqlite::restore(file, folder).await,
        (None, Snapshot::Postgresql { tables, .. }) => postgres::restore(url, folder, tables, told).await,
        (None, Snapshot::Sqlite { .. }) => Err(BackupError::Kind { found: "SQLite", own: "PostgreSQL" }),
    }
}
