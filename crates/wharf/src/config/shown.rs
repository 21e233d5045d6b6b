//! What is in force, and from where. Defaults are read of the commented file that is handed out, which shows each of them.

use std::path::{Path, PathBuf};

use super::{Config, Error, file};

/// The commented file that is handed out.
const EXAMPLE: &str = include_str!("../../../../wharf.example.toml");

/// One setting in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// As the file has it, its section before a dot.
    pub key: String,
    /// Of a secret `***`; empty where there is none.
    pub value: String,
    pub origin: Origin,
    /// The variable that sets it.
    pub variable: &'static str,
}

/// Where a value is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File(PathBuf),
    Environment,
}

pub(super) fn all(file: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> Result<Vec<Shown>, Error> {
    let config = Config::load(file, &env)?;
    let written = match file {
        Some(path) => flat(&table(path, &file::text(path)?)?),
        None => Vec::new(),
    };
    let variables = file::keys();
    let mut defaults = flat(&table(Path::new("wharf.example.toml"), &uncommented())?);
    defaults.sort_by(|(one, _), (other, _)| (one.contains('.'), one).cmp(&(other.contains('.'), other)));
    let shown = |(key, usual): (String, String)| {
        let variable = variables.iter().find(|(_, known)| *known == key).map_or("", |(variable, _)| *variable);
        let in_file = written.iter().find(|(known, _)| *known == key).map(|(_, value)| value.clone());
        let (value, origin) = match (env(variable).filter(|value| !value.is_empty()), in_file, file) {
            (Some(value), ..) => (value, Origin::Environment),
            (None, Some(value), Some(path)) => (value, Origin::File(path.to_owned())),
            _ => (made(&key, &config).unwrap_or(usual), Origin::Default),
        };
        Shown { value: hidden(&key, &value), key, origin, variable }
    };
    Ok(defaults.into_iter().map(shown).collect())
}

/// Defaults that are made of other settings.
fn made(key: &str, config: &Config) -> Option<String> {
    match key {
        "database_url" => Some(config.database_url()),
        "master_key_file" if config.master_key.is_some() => Some(String::new()),
        "master_key_file" => Some(config.master_key_path().display().to_string()),
        _ => None,
    }
}

/// The example with each of its settings in force.
fn uncommented() -> String {
    let setting = |line: &'static str| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line);
    EXAMPLE.lines().map(setting).collect::<Vec<_>>().join("\n")
}

fn table(path: &Path, text: &str) -> Result<toml::Table, Error> {
    // The parser's own words may show the line, and a line may hold the master key.
    text.parse().map_err(|error: toml::de::Error| Error::Malformed { path: path.to_owned(), line: 1, message: error.message().to_owned() })
}

/// Every value by its whole name.
fn flat(table: &toml::Table) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (name, value) in table {
        match value {
            toml::Value::Table(section) => all.extend(flat(section).into_iter().map(|(inner, value)| (format!("{name}.{inner}"), value))),
            toml::Value::String(text) => all.push((name.clone(), text.clone())),
            other => all.push((name.clone(), other.to_string())),
        }
    }
    all
}

/// The value without what opens something.
fn hidden(key: &str, value: &str) -> String {
    let name = key.rsplit('.').next().unwrap_or(key);
    let secret = ["key", "secret", "password", "token"].iter().any(|word| name.split('_').next_back() == Some(*word));
    if secret && name != "public_key" && !value.is_empty() {
        return "***".to_owned();
    }
    // What collectors want to know a sender by stands in these.
    if key == "otlp.headers" && value != "[]" {
        return "***".to_owned();
    }
    without_password(value)
}

/// An address without name and password, and without what its query calls one. What cannot be told apart is left out too.
fn without_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
    let place = place.rsplit_once('@').map_or_else(|| place.to_owned(), |(_, host)| format!("***@{host}"));
    let Some(query) = query else { return format!("{scheme}://{place}") };
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if ["pass", "secret", "token", "key"].iter().any(|word| name.contains(word)) => format!("{name}=***"),
        _ => pair.to_owned(),
    };
    format!("{scheme}://{place}?{}", query.split('&').map(pair).collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(file: Option<&Path>, env: &[(&str, &str)]) -> impl Fn(&str) -> (String, Origin) + use<> {
        let all = all(file, |name| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())).unwrap();
        move |key: &str| {
            let one = all.iter().find(|one| one.key == key).unwrap_or_else(|| panic!("{key} is not shown"));
            (one.value.clone(), one.origin.clone())
        }
    }

    #[test]
    fn each_setting_is_shown_with_its_value_and_where_that_is_from() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wharf.toml");
        std::fs::write(&path, "listen = \"127.0.0.1:1\"\ndata_dir = \"x\"\n[limits]\nconnections = 7\n").unwrap();
        let shown = shown(Some(&path), &[("WHARF_LISTEN", "127.0.0.1:2"), ("WHARF_LOG", "")]);
        assert_eq!(shown("listen"), ("127.0.0.1:2".to_owned(), Origin::Environment));
        assert_eq!(shown("limits.connections"), ("7".to_owned(), Origin::File(path.clone())));
        assert_eq!(shown("log.filter"), ("info".to_owned(), Origin::Default));
        assert_eq!(shown("database_url"), ("sqlite://x/wharf.sqlite".to_owned(), Origin::Default));
    }

    #[test]
    fn every_setting_has_its_variable_and_every_variable_its_setting() {
        let all = all(None, |_| None).unwrap();
        let nameless: Vec<_> = all.iter().filter(|one| one.variable.is_empty()).map(|one| &one.key).collect();
        assert!(nameless.is_empty(), "{nameless:?}");
        let unseen: Vec<_> = file::keys().into_iter().filter(|(variable, _)| !all.iter().any(|one| one.variable == *variable)).collect();
        assert_eq!(unseen, []);
    }

    #[test]
    fn what_opens_something_is_never_shown() {
        let shown = shown(
            None,
            &[
                ("WHARF_MASTER_KEY", "hush"),
                ("WHARF_DATABASE_URL", "postgres://me:hush/h@ush@db/wharf?sslmode=require&sslpassword=hush"),
                ("WHARF_NATS_URL", "nats://a:hu,sh@one:4222"),
                ("WHARF_WHATSAPP_PROXY", "socks5://me:hush@10.0.0.1:1080"),
                ("WHARF_MEDIA_SECRET_KEY", "hush"),
                ("WHARF_OTLP_ENDPOINT", "https://collector.example/tenants/1"),
                ("WHARF_OTLP_HEADERS", "authorization=Bearer hush,x-team=hush"),
            ],
        );
        for (key, value) in [
            ("master_key", "***"),
            ("database_url", "postgres://***@db/wharf?sslmode=require&sslpassword=***"),
            ("nats_url", "nats://***@one:4222"),
            ("whatsapp.proxy", "socks5://***@10.0.0.1:1080"),
            ("media.secret_key", "***"),
            ("master_key_file", ""),
            ("otlp.endpoint", "https://collector.example/tenants/1"),
            ("otlp.headers", "***"),
        ] {
            assert_eq!(shown(key).0, value, "{key}");
        }
    }
}
