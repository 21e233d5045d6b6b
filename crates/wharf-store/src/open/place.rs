//! What SQLite says of the place where its file lies, in words that somebody can act upon.

use std::path::{Path, PathBuf};

use sqlx::migrate::MigrateError;
use wharf_core::store::Error;

use super::error::OpenError;

/// With less than this left no file of SQLite's can grow.
const NO_ROOM: u64 = 64 * 1024;

/// The error with the name of what is full or closed to us, where that is why.
pub(super) fn named(path: &Path, error: OpenError) -> OpenError {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let full = || OpenError::DiskFull(folder.to_owned());
    let is_full = || fs4::available_space(folder).is_ok_and(|left| left < NO_ROOM);
    if let OpenError::File { source, .. } = &error
        && source.kind() == std::io::ErrorKind::StorageFull
    {
        return full();
    }
    // The lowest byte of the code: full; input or output, which a shared memory that cannot grow is too; no right, read-only, cannot open.
    match code(&error).map(|code| code & 0xff) {
        Some(13) => full(),
        Some(10) if is_full() => full(),
        Some(3 | 8 | 10 | 14) => unwritable(path).map_or(error, OpenError::ReadOnly),
        _ => error,
    }
}

fn code(error: &OpenError) -> Option<i32> {
    let (OpenError::Connect(Error::Unavailable(cause)) | OpenError::Migrate(MigrateError::Source(cause))) = error else { return None };
    let cause = match cause.downcast_ref::<Error>() {
        Some(Error::Unavailable(cause)) => cause,
        _ => cause,
    };
    cause.downcast_ref::<rusqlite::Error>()?.sqlite_error().map(|cause| cause.extended_code)
}

/// The first of the database's files that is there and closed to us.
fn unwritable(path: &Path) -> Option<PathBuf> {
    ["", "-wal", "-shm"].into_iter().find_map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        let file = PathBuf::from(name);
        (file.exists() && std::fs::File::options().write(true).open(&file).is_err()).then_some(file)
    })
}
