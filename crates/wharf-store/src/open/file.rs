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

    /// Whether the name is known to lead elsewhere, or nowhere. A look that fails for another reason says nothing of that: what is open is
    /// still the file that was opened.
    pub(crate) fn is_away(&self) -> bool {
        match std::fs::metadata(&self.path) {
            Ok(seen) => (seen.dev(), seen.ino()) != (self.device, self.inode),
            Err(error) => matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use wharf_core::Chance as _;
    use wharf_core::chance::SystemChance;

    use super::*;

    #[test]
    fn a_file_is_away_where_its_name_leads_elsewhere_or_nowhere_and_not_where_a_look_fails() {
        let folder = std::env::temp_dir().join(format!("wharf-opened-{}", SystemChance.uuid().simple()));
        let (there, aside) = (folder.join("there"), folder.join("aside"));
        let path = there.join("file");
        fs::create_dir_all(&there).unwrap();
        fs::write(&path, "the one").unwrap();
        let opened = OpenedFile::of(&path).unwrap();
        assert!(!opened.is_away() && opened.is_there().is_ok());
        fs::rename(&there, &aside).unwrap();
        assert!(opened.is_away() && opened.is_there().is_err(), "there is no such folder");
        // It leads to itself: no look comes to an end.
        symlink(&there, &there).unwrap();
        assert!(!opened.is_away() && opened.is_there().is_err());
        fs::remove_file(&there).unwrap();
        fs::create_dir(&there).unwrap();
        fs::write(&path, "another").unwrap();
        assert!(opened.is_away() && opened.is_there().is_err(), "another one has its name");
        fs::remove_dir_all(&there).unwrap();
        fs::rename(&aside, &there).unwrap();
        assert!(!opened.is_away() && opened.is_there().is_ok());
        fs::remove_dir_all(&folder).unwrap();
    }
}
