//! What a node keeps in its data folder: its id and its master key, each made once. And the next master key, which it never makes: every
//! node would make another one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wharf_core::Chance;
use wharf_core::seal::{self, KEY_BYTES, Seal};

use crate::config::Config;

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
    let path = config.master_key_path();
    let text = read_or_make(&path, || {
        let mut key = [0; KEY_BYTES];
        chance.fill(&mut key);
        STANDARD.encode(key)
    })?;
    decode(&text).ok_or_else(|| Error::MalformedKey { place: path.display().to_string() })
}

/// The key that is to be in force after the change of the master key, where one is named.
pub fn next_master_key(config: &Config) -> Result<Option<[u8; KEY_BYTES]>, Error> {
    if let Some(text) = &config.next_master_key {
        return decode(text).map(Some).ok_or_else(|| Error::MalformedKey { place: "next_master_key".to_owned() });
    }
    let Some(path) = &config.next_master_key_file else { return Ok(None) };
    let text = fs::read_to_string(path).map_err(|error| Error::File { path: path.clone(), error })?;
    decode(&text).map(Some).ok_or_else(|| Error::MalformedKey { place: path.display().to_string() })
}

/// All keys of the configuration, `master_key` first.
pub fn seal(config: &Config, chance: &Arc<dyn Chance>) -> Result<Seal, Error> {
    let mut keys = vec![master_key(config, &**chance)?];
    keys.extend(next_master_key(config)?);
    Ok(Seal::of(&keys, Arc::clone(chance)))
}

/// Whether other users of the machine can read it, or what lies in it.
pub fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

/// Says in the log what others can read that opens everything. Nothing is changed: whoever made it so may have had to.
pub fn tell_of_open_doors(config: &Config) {
    let folder = &config.data_dir;
    if is_open_to_others(folder) {
        tracing::warn!(folder = %folder.display(), "other users of the machine can look into the data folder; chmod 700 is safer");
    }
    for key in key_files(config).iter().filter(|key| is_open_to_others(key)) {
        tracing::warn!(file = %key.display(), "other users of the machine can read the master key, which opens every link: chmod 600");
    }
}

/// The files that the keys are read from.
pub fn key_files(config: &Config) -> Vec<PathBuf> {
    let first = config.master_key.is_none().then(|| config.master_key_path());
    let next = config.next_master_key_file.clone().filter(|_| config.next_master_key.is_none());
    first.into_iter().chain(next).collect()
}

/// The files that the master keys were read from, to be looked at again.
pub struct KeyFiles {
    paths: Vec<PathBuf>,
    /// The ids of the keys that stand in the configuration itself.
    said: Vec<String>,
    seal: Seal,
}

impl KeyFiles {
    /// `None` where all keys stand in the configuration.
    pub fn of(config: &Config, seal: &Seal) -> Option<Self> {
        let keys = [&config.master_key, &config.next_master_key].into_iter().flatten().filter_map(|text| decode(text));
        let said: Vec<String> = keys.map(|key| seal::id(&key)).collect();
        let paths = key_files(config);
        (!paths.is_empty()).then(|| Self { paths, said, seal: seal.clone() })
    }

    /// Why the next start would not find there what it needs.
    pub fn fault(&self) -> Option<String> {
        let mut found = self.said.clone();
        for path in &self.paths {
            match fs::read_to_string(path) {
                Ok(text) => found.extend(decode(&text).map(|key| seal::id(&key))),
                Err(error) => return Some(format!("{}: {error}", path.display())),
            }
        }
        if self.seal.needed().iter().all(|id| found.iter().any(|known| known == id)) {
            return None;
        }
        let paths: Vec<_> = self.paths.iter().map(|path| path.display().to_string()).collect();
        Some(format!("{} holds another key than at the start", paths.join(", ")))
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
    fn a_next_key_is_never_made_and_counts_beside_the_first() {
        let data_dir = folder("next");
        let (first, next) = (data_dir.join("master.key"), data_dir.join("next.key"));
        let chance: Arc<dyn Chance> = Arc::new(SystemChance);
        let config = Config { data_dir: data_dir.clone(), next_master_key_file: Some(next.clone()), ..Config::default() };
        assert!(matches!(seal(&config, &chance), Err(Error::File { path, .. }) if path == next));
        assert!(!next.exists());
        fs::write(&next, STANDARD.encode([2; KEY_BYTES])).unwrap();
        let both = seal(&config, &chance).unwrap();
        let ids: Vec<_> = both.ids().map(str::to_owned).collect();
        assert_eq!((ids.len(), &ids[1]), (2, &seal::id(&[2; KEY_BYTES])));
        let files = KeyFiles::of(&config, &both).unwrap();
        assert_eq!(files.fault(), None);
        // The first one seals: the other may hold anything, and has to be there.
        fs::copy(&first, &next).unwrap();
        assert_eq!(files.fault(), None);
        fs::write(&first, STANDARD.encode([3; KEY_BYTES])).unwrap();
        assert_eq!(files.fault(), None, "the key stands in the other file");
        fs::write(&next, STANDARD.encode([3; KEY_BYTES])).unwrap();
        assert!(files.fault().unwrap().contains("holds another key"));
        fs::remove_file(&next).unwrap();
        assert!(files.fault().unwrap().contains("next.key"));
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
