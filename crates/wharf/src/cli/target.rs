//! Which gateway a command asks, and with which key: what the line says, else the environment, else the profile that `wharf login` made.

use clap::Args;
use url::Url;

use super::plain::plain;
use super::profiles::{self, Profile};
use super::unmet::Usage;

/// Where a gateway is that nobody named.
pub(super) const USUAL: &str = "http://127.0.0.1:8080";
const HEADING: &str = "Which gateway";

#[derive(Args, Clone, Default)]
#[command(next_help_heading = HEADING)]
pub(super) struct Target {
    /// Where the gateway is; else `WHARF_URL`, else the profile's, else `http://127.0.0.1:8080`
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The API key; else `WHARF_API_KEY`, else the profile's
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    /// Asks the gateway of this profile, whatever the environment says; see `wharf login`
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

/// A gateway, and the key for it where there is one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub url: String,
    pub key: Option<String>,
}

impl Target {
    pub(super) fn place(&self) -> anyhow::Result<Place> {
        self.place_with(|name| std::env::var(name).ok(), profiles::find)
    }

    /// The gateway and the key, for a command that cannot do without one.
    pub(super) fn with_key(&self) -> anyhow::Result<(String, String)> {
        let place = self.place()?;
        let key = place.key.ok_or_else(no_key)?;
        Ok((place.url, key))
    }

    /// An address and a key that belong to a profile stay together: the key goes nowhere else.
    fn place_with(
        &self,
        env: impl Fn(&str) -> Option<String>,
        profile: impl Fn(&str) -> anyhow::Result<Option<Profile>>,
    ) -> anyhow::Result<Place> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        if let Some(name) = &self.profile {
            let known =
                profile(name)?.ok_or_else(|| Usage(format!("there is no profile {name}: `wharf login --profile {name}` makes it")))?;
            let same = self.url.as_ref().is_none_or(|url| *url == known.url);
            let url = self.url.clone().unwrap_or(known.url);
            return Ok(Place { url, key: self.api_key.clone().or(same.then_some(known.key)) });
        }
        let url = self.url.clone().or_else(|| set("WHARF_URL"));
        let key = self.api_key.clone().or_else(|| set("WHARF_API_KEY"));
        if url.is_none() && key.is_none() {
            let name = set("WHARF_PROFILE");
            match (profile(name.as_deref().unwrap_or(profiles::USUAL))?, name) {
                (Some(known), _) => return Ok(Place { url: known.url, key: Some(known.key) }),
                (None, Some(name)) => return Err(Usage(format!("WHARF_PROFILE: there is no profile {name}")).into()),
                (None, None) => {}
            }
        }
        Ok(Place { url: url.unwrap_or_else(|| USUAL.to_owned()), key })
    }
}

/// The address of a gateway, as a program takes it.
pub(super) fn address(text: &str) -> Result<Url, Usage> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| Usage(format!("{} is no address of a gateway: one such as {USUAL} is expected", plain(text))))
}

/// Refuses a key that no header carries. It is not told: it is a secret.
pub(super) fn check_key(key: &str) -> Result<(), Usage> {
    if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Usage("the API key is none: visible ASCII without blanks and line ends is expected".to_owned()))
}

pub(super) fn no_key() -> Usage {
    Usage("no API key is known: `wharf login` keeps one, --api-key or WHARF_API_KEY gives one".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: [Option<&str>; 3], env: &[(&str, &str)]) -> anyhow::Result<Place> {
        let [url, api_key, profile] = line.map(|word| word.map(str::to_owned));
        let set = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let known = |name: &str| {
            let one = |url: &str, key: &str| Some(Profile { url: url.to_owned(), key: key.to_owned() });
            anyhow::Ok(match name {
                "default" => one("https://a", "key-a"),
                "work" => one("https://b", "key-b"),
                _ => None,
            })
        };
        Target { url, api_key, profile }.place_with(set, known)
    }

    fn is(place: anyhow::Result<Place>, url: &str, key: Option<&str>) {
        assert_eq!(place.unwrap(), Place { url: url.to_owned(), key: key.map(str::to_owned) });
    }

    #[test]
    fn the_line_stands_over_the_environment_and_that_over_the_profile() {
        let env = [("WHARF_URL", "https://e"), ("WHARF_API_KEY", "key-e")];
        is(place([None; 3], &[]), "https://a", Some("key-a"));
        is(place([None; 3], &env), "https://e", Some("key-e"));
        is(place([Some("https://l"), Some("key-l"), None], &env), "https://l", Some("key-l"));
        is(place([None, None, Some("work")], &env), "https://b", Some("key-b"));
        is(place([None; 3], &[("WHARF_PROFILE", "work")]), "https://b", Some("key-b"));
        is(place([None; 3], &[("WHARF_API_KEY", "key-e")]), USUAL, Some("key-e"));
        assert!(place([None, None, Some("none")], &[]).is_err() && place([None; 3], &[("WHARF_PROFILE", "none")]).is_err());
    }

    #[test]
    fn what_is_no_address_of_the_web_cannot_be_meant() {
        for text in ["here", "", "127.0.0.1:8080", "ftp://here", "mailto:me@here", "http://"] {
            assert!(address(text).is_err(), "{text}");
        }
        assert_eq!(address("https://here/below").unwrap().path(), "/below");
    }

    #[test]
    fn a_key_that_no_header_carries_is_refused_and_not_told() {
        for key in ["", " ", "wharf live", "wharf_live_\n", "wharf_live_ü", "\u{0}"] {
            let told = check_key(key).unwrap_err().to_string();
            assert!(key.trim().is_empty() || !told.contains(key), "{told}");
        }
        assert!(check_key("wharf_live_0aZ-_").is_ok());
    }

    #[test]
    fn the_key_of_a_profile_is_sent_to_its_address_alone() {
        is(place([Some("https://l"), None, None], &[]), "https://l", None);
        is(place([None; 3], &[("WHARF_URL", "https://e")]), "https://e", None);
        is(place([Some("https://l"), None, Some("work")], &[]), "https://l", None);
        is(place([Some("https://b"), None, Some("work")], &[]), "https://b", Some("key-b"));
    }
}
