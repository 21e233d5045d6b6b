//! The file that was opened, for as long as it is worked with.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use wharf_core::store::Error;

use crate::sql::refused;

/// The file that was opened, whatever bears its name now.
pub(crate) struct OpenedFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl OpenedFile {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let seen = std::fs::metadata(path)?;
        Ok(Self { path: path.to_owned(), device: seen.dev(), inode: seen.ino() })
    }

    pub(crate) fn is_there(&self) -> Result<(), Error> {
        let seen = std::fs::metadata(&self.path).map_err(|error| refused(format!("{}: {error}", self.path.display())))?;
        if (seen.dev(), seen.ino()) == (self.device, self.inode) {
            Ok(())
        } else {
            Err(refused(format!("{} is not the file that was opened: what is written goes into one without a name", self.path.display())))
        }
    }
}
