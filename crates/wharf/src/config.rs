//! What an operator decides, read once at the start: a TOML file, then the environment over it.
//!
//! There is no setting for WhatsApp's address on purpose: a release program talks to WhatsApp or to nobody.

mod file;
mod otlp;
mod shown;
mod strangers;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;
use wharf_api::ids::SessionId;
use wharf_api::types::whatsapp as version;
use wharf_core::egress::Reach;
use wharf_core::proxy::{self, Proxy};
use wharf_core::update;
use wharf_core::webhook::Schedule;
use wharf_fleet::Access;
use wharf_wa::{Trust, TrustError};

use crate::app::stop::STOP;
use crate::http;
use crate::http::cors::Origins;
use crate::http::origin::Proxies;
use crate::media::bucket;

pub use shown::{Origin, Shown};

/// The file that is read where none is named.
pub const DEFAULT_FILE: &str = "wharf.toml";

const MB: u64 = 1024 * 1024;

/// Why a configuration cannot be used. Says which key of which file or variable is at fault; shows no value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {error}", path.display())]
    Unreadable { path: PathBuf, error: std::io::Error },
    #[error("{}, line {line}: {message}", path.display())]
    Malformed { path: PathBuf, line: usize, message: String },
    #[error("{name}: {reason}")]
    Invalid { name: String, reason: String },
}

#[derive(Clone)]
pub struct Config {
    pub listen: SocketAddr,
    /// Where this node keeps what is its own: its id, its master key and, where no other is named, its database.
    pub data_dir: PathBuf,
    /// `sqlite://…` or `postgres://…`; `None` is an SQLite file in `data_dir`.
    pub database_url: Option<String>,
    /// `nats://…` or `tls://…`, where several nodes talk to each other; `None` is a node alone.
    pub nats_url: Option<String>,
    /// What is shown to that server, and whom it must be.
    pub nats_access: Access,
    /// How many sessions a minute a node gives away that has far more than its part.
    pub moves_per_minute: u64,
    /// 32 bytes in Base64; `None` is the file.
    pub master_key: Option<String>,
    /// `None` is `master.key` in `data_dir`, which is made where it is missing.
    pub master_key_file: Option<PathBuf>,
    /// The key that is to be in force once the master key has been changed: 32 bytes in Base64; `None` is the file.
    pub next_master_key: Option<String>,
    /// Its file, which has to be there; `None` is no next key.
    pub next_master_key_file: Option<PathBuf>,
    /// What the phone shows under «Linked devices».
    pub device_name: String,
    /// Whether what others post as their status comes in too.
    pub receive_statuses: bool,
    /// What sessions without a proxy of their own go through to WhatsApp.
    pub proxy: Option<Proxy>,
    /// Certificates (PEM) that are believed on the way to WhatsApp besides the usual ones.
    pub extra_root: Option<PathBuf>,
    /// Whether sessions show themselves as online all the time. Their phones get no push notices then.
    pub announce_online: bool,
    /// Whether sessions keep the pace of their plans. No setting turns it off: a plan without limits does. The sandbox does not keep it.
    pub pace: bool,
    pub log: Log,
    /// How far media URLs and webhooks may lead. The sandbox never leaves loopback, whatever stands here.
    pub reach: Reach,
    /// When deliveries to webhooks are tried again.
    pub schedule: Schedule,
    /// Files are refused while the disk under the data folder has less room, in bytes.
    pub media_floor_bytes: u64,
    /// How long a clock that leapt ahead is doubted before anything is destroyed by it.
    pub clock_doubt: Duration,
    /// Where media lie; `None` is a folder in `data_dir`.
    pub bucket: Option<bucket::Settings>,
    pub limits: http::Limits,
    /// The version of WhatsApp Web that is claimed, by the last of its numbers; `None` keeps it current.
    pub whatsapp_version: Option<u32>,
    /// Where the newest version is told, instead of on WhatsApp's page.
    pub whatsapp_version_url: Option<Url>,
    /// Two sessions of the operator that write to each other all the time.
    pub canary: Option<[SessionId; 2]>,
    /// Whom to ask once a day for the newest release; nobody where there is none.
    pub updates: Option<update::Source>,
    /// Where spans of requests, sends and deliveries go; nowhere where no collector is named.
    pub otlp: Option<crate::traces::settings::Settings>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A filter as `tracing_subscriber` reads it, such as `info` or `warn,wharf=debug`.
    pub filter: String,
    pub format: Format,
    /// Whether the lines of the client library are let through, which name phone numbers.
    pub library: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

impl Config {
    /// Whose certificates are believed on every way out.
    pub fn trust(&self) -> Result<Trust, TrustError> {
        self.extra_root.as_deref().map_or_else(|| Ok(Trust::default()), Trust::with_roots_of)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data_dir: PathBuf::from("wharf-data"),
            database_url: None,
            nats_url: None,
            nats_access: Access::default(),
            moves_per_minute: 60,
            master_key: None,
            master_key_file: None,
            next_master_key: None,
            next_master_key_file: None,
            device_name: "Wharf".to_owned(),
            receive_statuses: false,
            announce_online: false,
            pace: true,
            proxy: None,
            extra_root: None,
            log: Log { filter: "info".to_owned(), format: Format::Text, library: false },
            reach: Reach::Public,
            schedule: Schedule::default(),
            media_floor_bytes: 256 * MB,
            clock_doubt: Duration::from_hours(1),
            bucket: None,
            limits: http::Limits::default(),
            whatsapp_version: None,
            whatsapp_version_url: None,
            canary: None,
            updates: None,
            otlp: None,
        }
    }
}

impl Config {
    /// Reads `file` (or [`DEFAULT_FILE`] where that exists) and the variables that `env` knows.
    pub fn load(file: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let mut settings = file_in_force(file).map_or_else(|| Ok(file::Settings::default()), file::read)?;
        settings.overlay(env)?;
        Self::from_settings(settings)
    }

    /// What the environment alone asks for: for the sandbox, which reads no file.
    pub fn from_env(env: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let mut settings = file::Settings::default();
        settings.overlay(env)?;
        Self::from_settings(settings)
    }

    /// Each setting in force, with where it is from. Secrets are hidden.
    pub fn shown(file: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> Result<Vec<Shown>, Error> {
        shown::all(file_in_force(file), env)
    }

    /// A sentence for each variable of this process that begins as ours do and that nobody reads.
    pub fn strange_variables() -> Vec<String> {
        let set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        strangers::among(set).into_iter().map(|(name, nearest)| format!("{name} is no setting; did you mean {nearest}?")).collect()
    }

    /// The database's address, the default one included.
    pub fn database_url(&self) -> String {
        self.database_url.clone().unwrap_or_else(|| format!("sqlite://{}", self.data_dir.join("wharf.sqlite").display()))
    }

    /// Where the master key is kept; nothing is there while `master_key` is set.
    pub fn master_key_path(&self) -> PathBuf {
        self.master_key_file.clone().unwrap_or_else(|| self.data_dir.join("master.key"))
    }

    fn from_settings(settings: file::Settings) -> Result<Self, Error> {
        stored(&settings)?;
        let default = Self::default();
        let invalid = |name: &str, reason: &str| Error::Invalid { name: name.to_owned(), reason: reason.to_owned() };
        let listen = match settings.listen {
            None => default.listen,
            Some(text) => text.parse().map_err(|_| invalid("listen", "an address with a port is expected, such as 127.0.0.1:8080"))?,
        };
        let format = match settings.log.format.as_deref() {
            None | Some("text") => Format::Text,
            Some("json") => Format::Json,
            Some(_) => return Err(invalid("log.format", "text or json is expected")),
        };
        let reach = match settings.egress.reach.as_deref() {
            None | Some("public") => Reach::Public,
            Some("private") => Reach::Private,
            Some(_) => return Err(invalid("egress.reach", "public or private is expected")),
        };
        let canary = canary(&settings.whatsapp)?;
        let media_floor_bytes = settings.media.free_space_floor_mb.map_or(default.media_floor_bytes, |mb| mb.saturating_mul(MB));
        let bucket = bucket(settings.media)?;
        let seconds = |name: &str, value: Option<u64>, default: Duration| match value {
            None => Ok(default),
            Some(0) => Err(invalid(name, "at least one second is expected")),
            Some(seconds) => Ok(Duration::from_secs(seconds)),
        };
        let limits = settings.limits;
        let concurrent_requests =
            one_or_more("limits.concurrent_requests", limits.concurrent_requests, default.limits.concurrent_requests)?;
        let connections = one_or_more("limits.connections", limits.connections, default.limits.connections)?;
        let failed_keys_per_minute =
            one_or_more("limits.failed_keys_per_minute", limits.failed_keys_per_minute, default.limits.failed_keys_per_minute)?;
        let trusted_proxies = Proxies::parse(words(settings.server.trusted_proxies.as_ref()))
            .map_err(|error| invalid("server.trusted_proxies", &error.to_string()))?;
        let allowed_origins = Origins::parse(words(settings.server.allowed_origins.as_ref()))
            .map_err(|error| invalid("server.allowed_origins", &error.to_string()))?;
        let (whatsapp_version, whatsapp_version_url) = whatsapp(&settings.whatsapp)?;
        let at_most = |name: &str, time, most, why: &str| if time > most { Err(invalid(name, why)) } else { Ok(()) };
        let drain_timeout = seconds("limits.drain_timeout_secs", limits.drain_timeout_secs, default.limits.drain_timeout)?;
        at_most("limits.drain_timeout_secs", drain_timeout, STOP, "at most 25 seconds are expected: a stop never takes longer")?;
        let idle_timeout = seconds("limits.idle_timeout_secs", limits.idle_timeout_secs, default.limits.idle_timeout)?;
        at_most("limits.idle_timeout_secs", idle_timeout, LONGEST_IDLE, "at most 3600 seconds are expected: each is an open socket")?;
        Ok(Self {
            whatsapp_version,
            whatsapp_version_url,
            listen,
            data_dir: settings.data_dir.unwrap_or(default.data_dir),
            database_url: settings.database_url,
            nats_url: settings.nats_url.filter(|url| !url.is_empty()),
            nats_access: Access {
                credentials: named(settings.nats_credentials_file),
                roots: named(settings.nats_ca_file),
                certificate: named(settings.nats_certificate_file),
                key: named(settings.nats_key_file),
            },
            moves_per_minute: settings.moves_per_minute.unwrap_or(default.moves_per_minute),
            master_key: settings.master_key,
            master_key_file: settings.master_key_file,
            next_master_key: settings.next_master_key.filter(|key| !key.is_empty()),
            next_master_key_file: settings.next_master_key_file.filter(|path| !path.as_os_str().is_empty()),
            device_name: settings.device_name.unwrap_or(default.device_name),
            receive_statuses: settings.receive_statuses.unwrap_or(default.receive_statuses),
            announce_online: settings.announce_online.unwrap_or(default.announce_online),
            pace: default.pace,
            proxy: way_out(settings.whatsapp.proxy)?,
            extra_root: named(settings.whatsapp.extra_root),
            log: Log {
                filter: settings.log.filter.unwrap_or(default.log.filter),
                format,
                library: settings.log.library.unwrap_or(default.log.library),
            },
            reach,
            schedule: schedule(&settings.webhooks, default.schedule)?,
            media_floor_bytes,
            clock_doubt: limits.clock_doubt_secs.map_or(default.clock_doubt, Duration::from_secs),
            bucket,
            canary,
            updates: updates(settings.updates)?,
            otlp: otlp::read(settings.otlp)?,
            limits: http::Limits {
                concurrent_requests,
                connections,
                failed_keys_per_minute,
                request_timeout: seconds("limits.request_timeout_secs", limits.request_timeout_secs, default.limits.request_timeout)?,
                header_timeout: seconds("limits.header_timeout_secs", limits.header_timeout_secs, default.limits.header_timeout)?,
                idle_timeout,
                stall_timeout: default.limits.stall_timeout,
                heartbeat: default.limits.heartbeat,
                file_timeout: default.limits.file_timeout,
                drain_timeout,
                trusted_proxies,
                allowed_origins,
                secure_cookies: settings.server.secure_cookies.unwrap_or(default.limits.secure_cookies),
            },
        })
    }
}

/// A file that is named. An empty name is none.
fn named(path: Option<PathBuf>) -> Option<PathBuf> {
    path.filter(|path| !path.as_os_str().is_empty())
}

fn way_out(proxy: Option<String>) -> Result<Option<Proxy>, Error> {
    let parsed = proxy.filter(|text| !text.is_empty()).map(|text| text.parse()).transpose();
    parsed.map_err(|error: proxy::Error| Error::Invalid { name: "whatsapp.proxy".to_owned(), reason: error.to_string() })
}

/// What a list has in it that may be left out.
fn words(texts: Option<&file::Texts>) -> impl Iterator<Item = &str> {
    texts.into_iter().flat_map(|file::Texts(texts)| texts.iter().map(String::as_str))
}

/// The file that is read: the one that is named, or the usual one where that exists.
fn file_in_force(named: Option<&Path>) -> Option<&Path> {
    named.or_else(|| Path::new(DEFAULT_FILE).exists().then(|| Path::new(DEFAULT_FILE)))
}

/// What is set, where it is not nothing at all.
fn one_or_more<T: Default + PartialEq>(name: &str, set: Option<T>, default: T) -> Result<T, Error> {
    let set = set.unwrap_or(default);
    if set == T::default() { Err(Error::Invalid { name: name.to_owned(), reason: "at least one is expected".to_owned() }) } else { Ok(set) }
}

const LONGEST_IDLE: Duration = Duration::from_hours(1);

/// Ten years: longer than anybody waits, and far from any number that overflows.
const LONGEST_SECS: f64 = 315_360_000.0;

fn schedule(settings: &file::Webhooks, default: Schedule) -> Result<Schedule, Error> {
    let pause = |name: &str, secs: f64| match secs {
        secs if (0.001..=LONGEST_SECS).contains(&secs) => Ok(Duration::from_secs_f64(secs)),
        _ => Err(Error::Invalid { name: name.to_owned(), reason: "a time of 0.001 seconds to ten years is expected".to_owned() }),
    };
    let pauses = settings
        .retry_pauses_secs
        .as_ref()
        .map(|file::Seconds(pauses)| pauses.iter().map(|secs| pause("webhooks.retry_pauses_secs", *secs)).collect::<Result<Vec<_>, _>>());
    let one = |name: &str, secs: Option<f64>, default: Duration| secs.map_or(Ok(default), |secs| pause(name, secs));
    Ok(Schedule {
        pauses: pauses.unwrap_or(Ok(default.pauses))?,
        overload_pause: one("webhooks.overload_pause_secs", settings.overload_pause_secs, default.overload_pause)?,
        give_up: one("webhooks.give_up_hours", settings.give_up_hours.map(|hours| hours * 3_600.0), default.give_up)?,
    })
}

/// The version, where one is set, and the address that tells it.
fn whatsapp(settings: &file::Whatsapp) -> Result<(Option<u32>, Option<Url>), Error> {
    let invalid = |name: &str, reason: &str| Error::Invalid { name: name.to_owned(), reason: reason.to_owned() };
    let version = match settings.version.as_deref() {
        None | Some("auto") => None,
        Some(text) => Some(
            version::parse(text).ok_or_else(|| invalid("whatsapp.version", "auto or a version such as 2.3000.1045649367 is expected"))?,
        ),
    };
    let url = match settings.version_url.as_deref() {
        None | Some("") => None,
        Some(text) => {
            let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
            Some(url.ok_or_else(|| invalid("whatsapp.version_url", "an address that begins with https:// or http:// is expected"))?)
        }
    };
    Ok((version, url))
}

/// The two sessions that write to each other.
fn canary(settings: &file::Whatsapp) -> Result<Option<[SessionId; 2]>, Error> {
    let reason = "two ids of sessions are expected".to_owned();
    let invalid = Error::Invalid { name: "whatsapp.canary".to_owned(), reason };
    match settings.canary.as_ref().map(|file::Texts(texts)| texts.as_slice()) {
        None | Some([]) => Ok(None),
        Some([first, second]) => match (SessionId::parse(first), SessionId::parse(second)) {
            (Some(first), Some(second)) => Ok(Some([first, second])),
            _ => Err(invalid),
        },
        Some(_) => Err(invalid),
    }
}

/// Whom to ask for the newest release. There is no public address yet, so that nobody is asked who is not named.
fn updates(updates: file::Updates) -> Result<Option<update::Source>, Error> {
    let invalid = |name: &str, reason: &str| Error::Invalid { name: format!("updates.{name}"), reason: reason.to_owned() };
    let file::Updates { check, url, public_key } = updates;
    let wanted = check.unwrap_or(true);
    let Some(url) = url.filter(|url| !url.is_empty() && wanted) else { return Ok(None) };
    let key =
        public_key.filter(|key| !key.is_empty()).ok_or_else(|| invalid("public_key", "a notice without a signature is not believed"))?;
    let key = update::PublicKey::parse(&key).map_err(|error| invalid("public_key", &error.to_string()))?;
    if url.contains('?') {
        return Err(invalid("url", "an address without a query is expected: the question carries nothing"));
    }
    Ok(Some(update::Source { url, key }))
}

/// Refuses what cannot be meant of the database and the key that seals what is in it.
fn stored(settings: &file::Settings) -> Result<(), Error> {
    let invalid = |name: &str, reason: &str| Err(Error::Invalid { name: name.to_owned(), reason: reason.to_owned() });
    if settings.master_key.is_some() && settings.master_key_file.is_some() {
        return invalid("master_key", "the key or its file is expected, not both");
    }
    let next_file = settings.next_master_key_file.as_ref().is_some_and(|path| !path.as_os_str().is_empty());
    if next_file && settings.next_master_key.as_ref().is_some_and(|key| !key.is_empty()) {
        return invalid("next_master_key", "the key or its file is expected, not both");
    }
    let url = settings.database_url.as_deref().unwrap_or_default();
    if url.starts_with("sqlite:") && url.contains('?') {
        return invalid("database_url", "a path is expected after sqlite: and nothing behind it; ? has no meaning there");
    }
    let server = url.split_once("://").filter(|(scheme, _)| scheme.starts_with("postgres"));
    if server.is_some_and(|(_, rest)| rest.split(['/', '?']).next().unwrap_or_default().matches('@').count() > 1) {
        return invalid("database_url", "an @ within the user or the password must be written as %40");
    }
    Ok(())
}

/// All of it or nothing.
fn bucket(media: file::Media) -> Result<Option<bucket::Settings>, Error> {
    let file::Media { bucket, free_space_floor_mb: _, endpoint, region, access_key, secret_key } = media;
    let Some(bucket) = bucket.filter(|name| !name.is_empty()) else { return Ok(None) };
    let missing = |name: &str| Error::Invalid { name: format!("media.{name}"), reason: "a bucket needs it".to_owned() };
    let endpoint = endpoint.ok_or_else(|| missing("endpoint"))?;
    if !Url::parse(&endpoint).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host()) {
        let reason = "an address that begins with https:// or http:// is expected".to_owned();
        return Err(Error::Invalid { name: "media.endpoint".to_owned(), reason });
    }
    Ok(Some(bucket::Settings {
        bucket,
        endpoint,
        region: region.unwrap_or_else(|| "us-east-1".to_owned()),
        access_key: access_key.ok_or_else(|| missing("access_key"))?,
        secret_key: secret_key.ok_or_else(|| missing("secret_key"))?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commented file that is handed out.
    const EXAMPLE: &str = include_str!("../../../wharf.example.toml");

    fn load(text: &str, env: &[(&str, &str)]) -> Result<Config, Error> {
        let mut settings = file::parse(Path::new("wharf.toml"), text)?;
        settings.overlay(|name| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))?;
        Config::from_settings(settings)
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_can() {
        for (name, value, words) in [
            ("WHARF_RECEIVE_STATUSES", "yes", "true or false is expected"),
            ("WHARF_CONCURRENT_REQUESTS", "many", "a whole number is expected"),
            ("WHARF_DRAIN_TIMEOUT_SECS", "26", "at most 25 seconds"),
            ("WHARF_IDLE_TIMEOUT_SECS", "3601", "at most 3600 seconds"),
            ("WHARF_IDLE_TIMEOUT_SECS", "0", "at least one second"),
            ("WHARF_DATABASE_URL", "sqlite://x.db?mode=rwc", "? has no meaning there"),
            ("WHARF_DATABASE_URL", "postgres://me:p@ss@db/wharf", "%40"),
            ("WHARF_DATABASE_URL", "", "WHARF_DATABASE_URL: it is set and empty"),
            ("WHARF_MASTER_KEY", "", "WHARF_MASTER_KEY: it is set and empty"),
            ("WHARF_MASTER_KEY", " \n", "WHARF_MASTER_KEY: it is set and empty"),
            ("WHARF_MASTER_KEY_FILE", "", "WHARF_MASTER_KEY_FILE: it is set and empty"),
            ("WHARF_NEXT_MASTER_KEY", "", "WHARF_NEXT_MASTER_KEY: it is set and empty"),
            ("WHARF_NEXT_MASTER_KEY_FILE", " ", "WHARF_NEXT_MASTER_KEY_FILE: it is set and empty"),
        ] {
            let refused = load("", &[(name, value)]).err().unwrap().to_string();
            assert!(refused.contains(words), "{name}={value}: {refused}");
        }
        for (name, value) in [
            ("WHARF_RECEIVE_STATUSES", "true"),
            ("WHARF_DRAIN_TIMEOUT_SECS", "25"),
            ("WHARF_IDLE_TIMEOUT_SECS", "3600"),
            ("WHARF_DATABASE_URL", "sqlite://x.db"),
            ("WHARF_LISTEN", ""),
            ("WHARF_DATABASE_URL", "postgres://me:p%40ss@db/wharf?application_name=a@b"),
        ] {
            load("", &[(name, value)]).unwrap_or_else(|error| panic!("{name}={value}: {error}"));
        }
        let both = [("WHARF_MASTER_KEY", "x"), ("WHARF_MASTER_KEY_FILE", "/secrets/key")];
        assert!(load("", &both).err().unwrap().to_string().contains("not both"));
        let both = [("WHARF_NEXT_MASTER_KEY", "x"), ("WHARF_NEXT_MASTER_KEY_FILE", "/secrets/key")];
        assert!(load("", &both).err().unwrap().to_string().contains("next_master_key: the key or its file"));
        let bucket = |endpoint| {
            load(
                "",
                &[
                    ("WHARF_MEDIA_BUCKET", "b"),
                    ("WHARF_MEDIA_ACCESS_KEY", "k"),
                    ("WHARF_MEDIA_SECRET_KEY", "s"),
                    ("WHARF_MEDIA_ENDPOINT", endpoint),
                ],
            )
        };
        assert!(bucket("minio:9000").err().unwrap().to_string().contains("https:// or http://"));
        assert!(bucket("localhost").is_err() && bucket("http://minio:9000").is_ok());
    }

    #[test]
    fn the_environment_stands_over_the_file_and_the_file_over_the_defaults() {
        let config = load("listen = \"127.0.0.1:1\"\n[limits]\nconcurrent_requests = 7", &[("WHARF_LISTEN", "[::1]:2")]).unwrap();
        assert_eq!(config.listen.to_string(), "[::1]:2");
        assert_eq!(config.limits.concurrent_requests, 7);
        assert_eq!(config.database_url(), "sqlite://wharf-data/wharf.sqlite");
    }

    #[test]
    fn an_unknown_key_is_refused_by_its_name_and_line() {
        let error = load("\nlisten = \"127.0.0.1:1\"\nwhatsapp_url = \"ws://127.0.0.1\"", &[]).err().unwrap().to_string();
        assert!(error.contains("line 3") && error.contains("whatsapp_url"), "{error}");
        let error = load("[limits]\nconcurent_requests = 1", &[]).err().unwrap().to_string();
        assert!(error.contains("concurent_requests"), "{error}");
    }

    #[test]
    fn a_bad_value_is_named_and_not_shown() {
        for (text, env, name) in [
            ("listen = \"nowhere\"", vec![], "listen"),
            ("[log]\nformat = \"xml\"", vec![], "log.format"),
            ("", vec![("WHARF_REQUEST_TIMEOUT_SECS", "soon")], "WHARF_REQUEST_TIMEOUT_SECS"),
            ("[limits]\nconcurrent_requests = 0", vec![], "limits.concurrent_requests"),
            ("[limits]\nconnections = 0", vec![], "limits.connections"),
            ("[webhooks]\nretry_pauses_secs = [5, 0]", vec![], "webhooks.retry_pauses_secs"),
            ("[server]\ntrusted_proxies = [\"10.0.0.1\", \"nowhere\"]", vec![], "server.trusted_proxies"),
            ("[whatsapp]\nproxy = \"nowhere:1080\"", vec![], "whatsapp.proxy"),
            ("", vec![("WHARF_WHATSAPP_PROXY", "ftp://soon:nowhere@host")], "whatsapp.proxy"),
            ("", vec![("WHARF_LOG_LIBRARY", "soon")], "WHARF_LOG_LIBRARY"),
            ("", vec![("WHARF_TRUSTED_PROXIES", "10.0.0.1,soon")], "server.trusted_proxies"),
            ("[server]\nallowed_origins = [\"https://nowhere/\"]", vec![], "server.allowed_origins"),
            ("", vec![("WHARF_ALLOWED_ORIGINS", "https://shop.example,soon")], "server.allowed_origins"),
            ("[whatsapp]\nversion = \"nowhere\"", vec![], "whatsapp.version"),
            ("", vec![("WHARF_WHATSAPP_VERSION", "2.3000.soon")], "whatsapp.version"),
            ("[whatsapp]\nversion_url = \"ftp://nowhere\"", vec![], "whatsapp.version_url"),
            ("", vec![("WHARF_WEBHOOK_RETRY_PAUSES_SECS", "5,soon")], "WHARF_WEBHOOK_RETRY_PAUSES_SECS"),
        ] {
            let error = load(text, &env).err().unwrap().to_string();
            assert!(error.contains(name) && !error.contains("nowhere") && !error.contains("soon"), "{error}");
        }
    }

    #[test]
    fn nobody_is_asked_for_updates_who_is_not_named_with_a_key() {
        let key = "RWQJCQkJCQkJCQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let asks = |text: &str| load(text, &[]).map(|config| config.updates.map(|source| source.url));
        let named = format!("[updates]\nurl = \"https://x/n.json\"\npublic_key = \"{key}\"");
        assert_eq!(asks("").unwrap(), None);
        assert_eq!(asks(&named).unwrap().as_deref(), Some("https://x/n.json"));
        assert_eq!(asks(&format!("{named}\ncheck = false")).unwrap(), None);
        for (text, name) in [
            ("[updates]\nurl = \"https://x/n.json\"".to_owned(), "updates.public_key"),
            ("[updates]\nurl = \"https://x/n.json\"\npublic_key = \"x\"".to_owned(), "updates.public_key"),
            (named.replace("n.json", "n.json?id=1"), "updates.url"),
            ("[whatsapp]\ncanary = [\"ses_1\"]".to_owned(), "whatsapp.canary"),
        ] {
            let error = asks(&text).err().unwrap().to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn proxies_are_named_in_the_file_or_the_environment() {
        let proxies = Proxies::parse(["10.0.0.0/8", "fd00::1"]).unwrap();
        let file = "[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"fd00::1\"]";
        assert_eq!(load(file, &[]).unwrap().limits.trusted_proxies, proxies);
        assert_eq!(load("", &[("WHARF_TRUSTED_PROXIES", "10.0.0.0/8, fd00::1")]).unwrap().limits.trusted_proxies, proxies);
        assert_eq!(load("", &[]).unwrap().limits.trusted_proxies, Proxies::default());
    }

    #[test]
    fn origins_are_named_in_the_file_or_the_environment() {
        let origins = Origins::parse(["https://shop.example", "http://localhost:5173"]).unwrap();
        let file = "[server]\nallowed_origins = [\"https://shop.example\", \"http://localhost:5173\"]";
        assert_eq!(load(file, &[]).unwrap().limits.allowed_origins, origins);
        let env = [("WHARF_ALLOWED_ORIGINS", "https://shop.example, http://localhost:5173")];
        assert_eq!(load("", &env).unwrap().limits.allowed_origins, origins);
        assert_eq!(load("", &[]).unwrap().limits.allowed_origins, Origins::default());
    }

    #[test]
    fn a_version_of_whatsapp_is_kept_current_unless_one_is_set() {
        assert_eq!(load("[whatsapp]\nversion = \"auto\"", &[]).unwrap().whatsapp_version, None);
        assert_eq!(load("[whatsapp]\nversion = \"2.3000.7\"", &[]).unwrap().whatsapp_version, Some(7));
        assert_eq!(load("", &[("WHARF_WHATSAPP_VERSION", "2.3000.8")]).unwrap().whatsapp_version, Some(8));
    }

    #[test]
    fn the_way_to_whatsapp_is_set_in_the_file_or_the_environment() {
        let file = "[whatsapp]\nproxy = \"socks5://10.0.0.1:1080\"\nextra_root = \"ca.pem\"";
        let config = load(file, &[("WHARF_WHATSAPP_PROXY", "http://me:secret@10.0.0.2:3128")]).unwrap();
        assert_eq!(config.proxy.unwrap().to_string(), "http://***@10.0.0.2:3128");
        assert_eq!(config.extra_root.as_deref(), Some(Path::new("ca.pem")));
        let config = load("", &[("WHARF_LOG_LIBRARY", "true")]).unwrap();
        assert!(config.log.library && config.proxy.is_none() && config.extra_root.is_none());
        assert!(!load("", &[]).unwrap().log.library);
    }

    #[test]
    fn the_files_of_nats_are_named_in_the_file_or_the_environment_and_an_empty_name_is_none() {
        let config = load("nats_credentials_file = \"a.creds\"\nnats_ca_file = \"\"", &[("WHARF_NATS_KEY_FILE", "k.pem")]).unwrap();
        let (credentials, key) = (Some(PathBuf::from("a.creds")), Some(PathBuf::from("k.pem")));
        assert_eq!(config.nats_access, Access { credentials, key, ..Access::default() });
    }

    #[test]
    fn the_example_holds_every_key_with_its_default() {
        let uncommented: String = EXAMPLE
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(setting) if setting.contains(" = ") => setting,
                _ => line,
            })
            .collect::<Vec<_>>()
            .join("\n");
        assert!(load(EXAMPLE, &[]).is_ok());
        let mut shown = file::parse(Path::new("wharf.example.toml"), &uncommented).unwrap();
        assert_eq!(shown.unset(), Vec::<&str>::new(), "keys that the example does not show");
        // One of the two is enough.
        shown.master_key = None;
        let config = Config::from_settings(shown).unwrap();
        let default = Config::default();
        assert_eq!((config.listen, config.data_dir, config.log), (default.listen, default.data_dir, default.log));
        assert_eq!(config.schedule, default.schedule);
        assert_eq!(format!("{:?}", config.limits), format!("{:?}", default.limits));
    }
}
