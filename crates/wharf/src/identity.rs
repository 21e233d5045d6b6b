//! What a node keeps in its data folder: its id and its master key, each made once.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wharf_core::Chance;

use crate::config::Config;

const KEY_BYTES: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("{place}: 32 bytes in Base64 are expected")]
    MalformedKey { place: String },
}

/// Makes the data folder, for its owner alone.
pub fn make_data_dir(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| Error::File { path: path.to_owned(), error })
}

/// This node's id, which outlives its process.
pub fn node(data_dir: &Path, chance: &dyn Chance) -> Result<String, Error> {
    let path = data_dir.join("node-id");
    let id = read_or_make(&path, || format!("node_{}", chance.uuid().simple()))?;
    Ok(id.trim().to_owned())
}

/// The key that seals the vault: the configuration's, or the file's, which is made where it is missing.
pub fn master_key(config: &Config, chance: &dyn Chance) -> Result<[u8; KEY_BYTES], Error> {
    if let Some(text) = &config.master_key {
        return decode(text).ok_or_else(|| Error::MalformedKey { place: "master_key".to_owned() });
    }
    key_of_file(&config.master_key_path(), chance)
}

/// The key of a file, which is made where it is missing.
pub fn key_of_file(path: &Path, chance: &dyn Chance) -> Result<[u8; KEY_BYTES], Error> {
    let text = read_or_make(path, || {
        let mut key = [0; KEY_BYTES];
        chance.fill(&mut key);
        STANDARD.encode(key)
    })?;
    decode(&text).ok_or_else(|| Error::MalformedKey { place: path.display().to_string() })
}

/// Whether other users of the machine can read it, or what lies in it.
pub fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

/// Says in the log what others can read that opens everything. Nothing is changed: whoever made it so may have had to.
pub fn tell_of_open_doors(config: &Config) {
    let (folder, key) = (&config.data_dir, config.master_key_path());
    if is_open_to_others(folder) {
        tracing::warn!(folder = %folder.display(), "other users of the machine can look into the data folder; chmod 700 is safer");
    }
    if config.master_key.is_none() && is_open_to_others(&key) {
        tracing::warn!(file = %key.display(), "other users of the machine can read the master key, which opens every link: chmod 600");
    }
}

/// The file that the master key was read from, to be looked at again.
pub struct KeyFile {
    path: PathBuf,
    key: [u8; KEY_BYTES],
}

impl KeyFile {
    /// `None` where the key stands in the configuration.
    pub fn of(config: &Config, key: [u8; KEY_BYTES]) -> Option<Self> {
        config.master_key.is_none().then(|| Self { path: config.master_key_path(), key })
    }

    /// Why the next start would not find the same key there.
    pub fn fault(&self) -> Option<String> {
        match fs::read_to_string(&self.path) {
            Ok(text) if decode(&text) == Some(self.key) => None,
            Ok(_) => Some(format!("{} holds another key than at the start", self.path.display())),
            Err(error) => Some(format!("{}: {error}", self.path.display())),
        }
    }
}

fn decode(text: &str) -> Option<[u8; KEY_BYTES]> {
    STANDARD.decode(text.trim()).ok()?.try_into().ok()
}

fn read_or_make(path: &Path, make: impl FnOnce() -> String) -> Result<String, Error> {
    let outcome = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => write_new(path, make() + "\n"),
        read => read,
    };
    outcome.map_err(|error| Error::File { path: path.to_owned(), error })
}

/// Writes a file that only its owner may read, whole or not at all: a cut-off key would be a lost key.
fn write_new(path: &Path, text: String) -> io::Result<String> {
    let unfinished = path.with_extension("new");
    // What a start that was cut off left behind was never used.
    let _ = fs::remove_file(&unfinished);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // A rename that replaces nothing, for FAT and some network shares have no hard links; a link where the rename is not there.
    match tempfile::TempPath::try_from_path(&unfinished)?.persist_noclobber(path) {
        Ok(()) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            fs::File::open(folder)?.sync_all()?;
            Ok(text)
        }
        // Another process was faster: its file counts.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => fs::read_to_string(path),
        Err(error) => Err(error.error),
    }
}

#[cfg(test)]
mod tests {
    use wharf_core::chance::SystemChance;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("wharf-identity-{name}-{}", SystemChance.uuid().simple()));
        make_data_dir(&path).unwrap();
        path
    }

    #[test]
    fn id_and_key_are_made_once_and_the_key_is_its_owners_alone() {
        let data_dir = folder("once");
        let config = Config { data_dir: data_dir.clone(), ..Config::default() };
        let (node_id, key) = (node(&data_dir, &SystemChance).unwrap(), master_key(&config, &SystemChance).unwrap());
        assert_eq!(node(&data_dir, &SystemChance).unwrap(), node_id);
        assert_eq!(master_key(&config, &SystemChance).unwrap(), key);
        assert_eq!(fs::metadata(data_dir.join("master.key")).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_dir_all(data_dir).unwrap();
    }

    #[test]
    fn a_file_that_is_there_already_counts_and_nothing_is_left_beside_it() {
        let data_dir = folder("second");
        let path = data_dir.join("node-id");
        assert_eq!(write_new(&path, "first\n".to_owned()).unwrap(), "first\n");
        assert_eq!(write_new(&path, "second\n".to_owned()).unwrap(), "first\n");
        let names: Vec<_> = fs::read_dir(&data_dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["node-id"]);
        fs::remove_dir_all(data_dir).unwrap();
    }

    #[test]
    fn a_key_that_is_none_is_refused_and_not_replaced() {
        let data_dir = folder("bad");
        fs::write(data_dir.join("master.key"), "short").unwrap();
        let config = Config { data_dir: data_dir.clone(), ..Config::default() };
        assert!(matches!(master_key(&config, &SystemChance), Err(Error::MalformedKey { .. })));
        assert_eq!(fs::read_to_string(data_dir.join("master.key")).unwrap(), "short");
        fs::remove_dir_all(data_dir).unwrap();
    }
}
