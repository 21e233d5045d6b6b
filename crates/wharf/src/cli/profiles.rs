//! The addresses and keys of gateways that `wharf login` keeps, in a file that only its user reads.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use etcetera::BaseStrategy as _;
use serde::{Deserialize, Serialize};

/// The profile that is meant where none is named.
pub(super) const USUAL: &str = "default";

/// A gateway and a key for it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    pub url: String,
    pub key: String,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfilesFile {
    #[serde(default)]
    pub profiles: BTreeMap<String, Profile>,
}

/// The profile of that name.
pub(super) fn find(name: &str) -> anyhow::Result<Option<Profile>> {
    // Somebody without a home has no profiles.
    let Ok(path) = path() else { return Ok(None) };
    Ok(read(&path)?.profiles.remove(name))
}

pub(super) fn path() -> anyhow::Result<PathBuf> {
    let folders = etcetera::choose_base_strategy().context("no home is known, and so no place for profiles")?;
    Ok(folders.config_dir().join("wharf").join("profiles.toml"))
}

pub(super) fn read(path: &Path) -> anyhow::Result<ProfilesFile> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(ProfilesFile::default()),
        read => read.with_context(|| format!("{} cannot be read", path.display()))?,
    };
    // The parser's own picture of the place shows the line, and a line holds a key.
    toml::from_str(&text).map_err(|error| anyhow::anyhow!("{}: {}", path.display(), error.message()))
}

/// All of it or nothing, and nobody else reads it at any moment.
pub(super) fn write(path: &Path, all: &ProfilesFile) -> anyhow::Result<()> {
    let unwritten = || format!("{} cannot be written", path.display());
    let folder = path.parent().context("the file has a folder")?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(unwritten)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(unwritten)?;
    file.write_all(toml::to_string(all)?.as_bytes()).with_context(unwritten)?;
    file.as_file().sync_all().with_context(unwritten)?;
    file.persist(path).with_context(unwritten)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_nobody_else_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wharf").join("profiles.toml");
        assert!(read(&path).unwrap().profiles.is_empty());
        let mut all = ProfilesFile::default();
        all.profiles.insert("work-1".to_owned(), Profile { url: "https://b".to_owned(), key: "k\"ey".to_owned() });
        write(&path, &all).unwrap();
        assert_eq!(read(&path).unwrap().profiles["work-1"].key, "k\"ey");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_without_its_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profiles.toml");
        std::fs::write(&path, "[profiles.a]\nurl = \"x\"\nkey = \"secret").unwrap();
        let error = read(&path).err().unwrap().to_string();
        assert!(error.contains("profiles.toml") && !error.contains("secret"), "{error}");
    }
}
