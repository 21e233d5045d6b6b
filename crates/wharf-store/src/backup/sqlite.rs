//! SQLite's file, copied by SQLite: readers and writers go on, and the copy is one moment's.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::OpenFlags;

use super::{BackupError, SQLITE_FILE, Snapshot, file_error};
use crate::migrations::NEWEST;
use crate::sql::{classify_sqlite, unavailable};

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

pub(super) async fn restore(file: &Path, folder: &Path) -> Result<(), BackupError> {
    let (from, to) = (folder.join(SQLITE_FILE), file.to_owned());
    aside(move || {
        let unfinished = to.with_extension("restoring");
        fs::copy(&from, &unfinished).map_err(file_error(&from))?;
        own(&unfinished)?;
        fs::rename(&unfinished, &to).map_err(file_error(&to))?;
        let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned);
        File::open(&parent).and_then(|folder| folder.sync_all()).map_err(file_error(&parent))
    })
    .await
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
