//! `wharf login` and `wharf logout`: keep an address and a key of a gateway as a profile, and forget it.

use std::io::{IsTerminal as _, Read as _};

use anyhow::{Context as _, bail};
use clap::Args;
use wharf_api::{ErrorCode, ops};

use super::operations::{self, Refused};
use super::plain::plain;
use super::profiles::{Profile, USUAL, path, read, write};
use super::target::{Place, USUAL as USUAL_URL};
use super::unmet::Usage;

/// More than a key has, so that what is no key is told as such.
const KEY_BYTES: u64 = 4096;

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

/// Whose key it is, as the gateway says. A key that may not look at its account is a good one all the same.
async fn checked(url: &str, key: &str) -> anyhow::Result<String> {
    let place = Place { url: url.to_owned(), key: Some(key.to_owned()) };
    match operations::asked(&place, &ops::get_account).await {
        Ok(answer) => {
            let word = |name: &str| plain(answer["data"][name].as_str().unwrap_or("?"));
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

/// A name that is a key of the file as it stands.
fn name(text: &str) -> Result<String, String> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if !text.is_empty() && text.len() <= 64 && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err("1 to 64 letters, digits, - and _ are expected".to_owned())
}
