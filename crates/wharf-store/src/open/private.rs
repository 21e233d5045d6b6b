//! The database's files are their owner's alone, whatever folder they lie in and whatever the process's mask says.

use std::fs::{File, Permissions, metadata, set_permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Makes the file where there is none, before SQLite does: its log and its index take their rights from it. Closes to others what an older
/// release or a copy left open.
pub(super) fn made(path: &Path) -> io::Result<()> {
    if let Err(error) = File::options().write(true).create_new(true).mode(0o600).open(path)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        // SQLite knows better words for it.
        return Ok(());
    }
    for end in ["", "-wal", "-shm", ".lock"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        close(&PathBuf::from(name))?;
    }
    Ok(())
}

fn close(path: &Path) -> io::Result<()> {
    let mode = match metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?.permissions().mode(),
    };
    let of_others = mode & 0o077;
    if of_others == 0 {
        return Ok(());
    }
    match set_permissions(path, Permissions::from_mode(mode & 0o700)) {
        // Another user's file, or a disk that knows no rights: whoever made it so decides, and `doctor` tells of the folder.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        done => done,
    }
}
