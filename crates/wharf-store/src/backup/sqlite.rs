//! SQLite's file, copied by SQLite: readers and writers go on, and the copy is one moment's.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::OpenFlags;

use super::{BackupError, SQLITE_FILE, Snapshot, file_error};
use crate::migrations::NEWEST;
use crate::owner::MARK_STALE;
use crate::sql::{classify_sqlite, unavailable};

/// What SQLite reads beside a file before it reads the file.
const JOURNALS: [&str; 2] = ["-wal", "-journal"];

pub(super) async fn back_up(file: &Path, folder: &Path) -> Result<Snapshot, BackupError> {
    if !file.exists() {
        return Err(BackupError::Nothing(file.display().to_string()));
    }
    let (from, to) = (file.to_owned(), folder.join(SQLITE_FILE));
    aside(move || {
        let name = to.to_str().ok_or_else(|| BackupError::Damaged("the folder's name is no UTF-8".to_owned()))?;
        open(&from)?.execute("VACUUM INTO ?1", [name]).map_err(failed)?;
        own(&to)?;
        let copy = open(&to)?;
        let said: String = copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
        if said != "ok" {
            return Err(BackupError::Damaged(said));
        }
        let migration = copy.query_row(NEWEST.sqlite, [], |row| row.get(0)).map_err(failed)?;
        Ok(Snapshot::Sqlite { migration })
    })
    .await
}

/// What is in the place of a file that is to come, or would be taken for its journal.
pub(super) fn left(file: &Path) -> Option<PathBuf> {
    let is_journal = |path: &PathBuf| fs::metadata(path).is_ok_and(|found| found.len() > 0);
    let mut journals = JOURNALS.iter().map(|end| beside(file, end));
    if file.exists() { Some(file.to_owned()) } else { journals.find(is_journal) }
}

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}

pub(super) async fn restore(file: &Path, folder: &Path) -> Result<(), BackupError> {
    let (from, to) = (folder.join(SQLITE_FILE), file.to_owned());
    aside(move || {
        let unfinished = to.with_extension("restoring");
        // A run that was cut off may have left its own.
        for journal in JOURNALS.iter().map(|end| beside(&unfinished, end)).filter(|journal| journal.exists()) {
            fs::remove_file(&journal).map_err(file_error(&journal))?;
        }
        fs::copy(&from, &unfinished).map_err(file_error(&from))?;
        mark_stale(&unfinished)?;
        own(&unfinished)?;
        fs::rename(&unfinished, &to).map_err(file_error(&to))?;
        let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned);
        File::open(&parent).and_then(|folder| folder.sync_all()).map_err(file_error(&parent))
    })
    .await
}

/// Has all sessions begin their keys anew. A copy of a release that knew no such mark is marked once it is brought up to date.
fn mark_stale(path: &Path) -> Result<(), BackupError> {
    let conn = open(path)?;
    let known = "SELECT COUNT(*) FROM pragma_table_info('session_owner') WHERE name = 'stale'";
    let is_known: bool = conn.query_row(known, [], |row| row.get(0)).map_err(failed)?;
    if is_known {
        conn.execute_batch(MARK_STALE.sqlite).map_err(failed)?;
    }
    conn.close().map_err(|(_, error)| failed(error))
}

/// Makes it its owner's alone, and durable.
fn own(path: &Path) -> Result<(), BackupError> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(file_error(path))?;
    File::open(path).and_then(|file| file.sync_all()).map_err(file_error(path))
}

/// A connection that makes no file.
fn open(path: &Path) -> Result<rusqlite::Connection, BackupError> {
    let conn = rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    conn.map_err(failed)
}

fn failed(error: rusqlite::Error) -> BackupError {
    classify_sqlite(error).into()
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, BackupError> + Send + 'static) -> Result<T, BackupError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| BackupError::from(unavailable(error)))?
}
