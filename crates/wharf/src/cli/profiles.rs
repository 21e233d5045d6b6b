//! `wharf login` and `wharf logout`: addresses and keys of gateways, in a file that only its user reads.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use etcetera::BaseStrategy as _;
use serde::{Deserialize, Serialize};
use wharf_api::{ErrorCode, ops};

use super::ended::Usage;
use super::operations::{self, Refused};
use super::target::{Place, USUAL as USUAL_URL};

/// The profile that is meant where none is named.
pub(super) const USUAL: &str = "default";
/// More than a key has, so that what is no key is told as such.
const KEY_BYTES: u64 = 4096;

/// A gateway and a key for it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    pub url: String,
    pub key: String,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Profiles {
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

#[derive(Args)]
pub(super) struct Login {
    /// Where the gateway is
    #[arg(long, value_name = "URL", env = "WHARF_URL", default_value = USUAL_URL)]
    url: String,
    /// The API key; it is asked for where it is not given, or read from the standard input: a line of the shell is kept and seen by others
    #[arg(long, value_name = "KEY", visible_alias = "api-key")]
    key: Option<String>,
    /// What the pair is called
    #[arg(long, value_name = "NAME", default_value = USUAL, value_parser = name)]
    profile: String,
}

#[derive(Args)]
pub(super) struct Logout {
    /// Which pair is forgotten
    #[arg(long, value_name = "NAME", default_value = USUAL, conflicts_with = "all")]
    profile: String,
    /// Forgets all of them
    #[arg(long)]
    all: bool,
}

impl Login {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let key = match self.key {
            Some(key) => key,
            None => asked_for()?,
        };
        let key = key.trim().to_owned();
        if key.is_empty() {
            return Err(Usage("no key was given".to_owned()).into());
        }
        let whose = checked(&self.url, &key).await?;
        let path = path()?;
        let mut all = read(&path)?;
        all.profiles.insert(self.profile.clone(), Profile { url: self.url.clone(), key });
        write(&path, &all)?;
        println!("{whose} at {}: kept as the profile {} in {}", self.url, self.profile, path.display());
        Ok(())
    }
}

impl Logout {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let path = path()?;
        let mut all = read(&path)?;
        if self.all {
            all.profiles.clear();
        } else if all.profiles.remove(&self.profile).is_none() {
            bail!("there is no profile {} in {}", self.profile, path.display());
        }
        if !all.profiles.is_empty() {
            return write(&path, &all);
        }
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} cannot be removed", path.display()))
            }
            _ => Ok(()),
        }
    }
}

/// The profile of that name.
pub(super) fn find(name: &str) -> anyhow::Result<Option<Profile>> {
    // Somebody without a home has no profiles.
    let Ok(path) = path() else { return Ok(None) };
    Ok(read(&path)?.profiles.remove(name))
}

fn path() -> anyhow::Result<PathBuf> {
    let folders = etcetera::choose_base_strategy().context("no home is known, and so no place for profiles")?;
    Ok(folders.config_dir().join("wharf").join("profiles.toml"))
}

/// Whose key it is, as the gateway says. A key that may not look at its account is a good one all the same.
async fn checked(url: &str, key: &str) -> anyhow::Result<String> {
    let place = Place { url: url.to_owned(), key: Some(key.to_owned()) };
    match operations::asked(&place, &ops::get_account).await {
        Ok(answer) => {
            let word = |name: &str| operations::plain(answer["data"][name].as_str().unwrap_or("?"));
            Ok(format!("The account «{}» (plan {})", word("name"), word("plan")))
        }
        Err(error) => match error.downcast_ref::<Refused>() {
            Some(refused) if refused.is(ErrorCode::InsufficientPermissions) => {
                Ok("A good key, which may not look at its account,".to_owned())
            }
            _ => Err(error),
        },
    }
}

/// The key from whoever sits there, unseen, or from a pipe.
fn asked_for() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        eprint!("API key: ");
        return console::Term::stderr().read_secure_line().context("the key cannot be read");
    }
    let mut text = String::new();
    std::io::stdin().take(KEY_BYTES).read_to_string(&mut text).context("the key cannot be read")?;
    Ok(text)
}

fn read(path: &Path) -> anyhow::Result<Profiles> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Profiles::default()),
        read => read.with_context(|| format!("{} cannot be read", path.display()))?,
    };
    // The parser's own picture of the place shows the line, and a line holds a key.
    toml::from_str(&text).map_err(|error| anyhow::anyhow!("{}: {}", path.display(), error.message()))
}

/// All of it or nothing, and nobody else reads it at any moment.
fn write(path: &Path, all: &Profiles) -> anyhow::Result<()> {
    let unwritten = || format!("{} cannot be written", path.display());
    let folder = path.parent().context("the file has a folder")?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(unwritten)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(unwritten)?;
    file.write_all(toml::to_string(all)?.as_bytes()).with_context(unwritten)?;
    file.as_file().sync_all().with_context(unwritten)?;
    file.persist(path).with_context(unwritten)?;
    Ok(())
}

/// A name that is a key of the file as it stands.
fn name(text: &str) -> Result<String, String> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if !text.is_empty() && text.len() <= 64 && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err("1 to 64 letters, digits, - and _ are expected".to_owned())
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
        let mut all = Profiles::default();
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
