//! The settings as they are written: every one may be absent, none may be unknown.

mod variables;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Error;

pub(super) use variables::{all as variables, keys};

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    pub listen: Option<String>,
    pub data_dir: Option<PathBuf>,
    pub database_url: Option<String>,
    pub nats_url: Option<String>,
    pub nats_credentials_file: Option<PathBuf>,
    pub nats_ca_file: Option<PathBuf>,
    pub nats_certificate_file: Option<PathBuf>,
    pub nats_key_file: Option<PathBuf>,
    pub moves_per_minute: Option<u64>,
    pub master_key: Option<String>,
    pub master_key_file: Option<PathBuf>,
    pub next_master_key: Option<String>,
    pub next_master_key_file: Option<PathBuf>,
    pub device_name: Option<String>,
    pub receive_statuses: Option<bool>,
    pub announce_online: Option<bool>,
    pub server: Server,
    pub log: Log,
    pub egress: Egress,
    pub webhooks: Webhooks,
    pub whatsapp: Whatsapp,
    pub media: Media,
    pub limits: Limits,
    pub updates: Updates,
    pub otlp: Otlp,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Server {
    pub trusted_proxies: Option<Texts>,
    pub allowed_origins: Option<Texts>,
    pub secure_cookies: Option<bool>,
}

/// A list of texts; in the environment with commas between.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Texts(pub Vec<String>);

impl FromStr for Texts {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.split(',').map(|part| part.trim().to_owned()).collect()))
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Log {
    pub filter: Option<String>,
    pub format: Option<String>,
    pub library: Option<bool>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Media {
    pub free_space_floor_mb: Option<u64>,
    pub bucket: Option<String>,
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub access_key: Option<String>,
    pub secret_key: Option<String>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Egress {
    pub reach: Option<String>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Webhooks {
    pub retry_pauses_secs: Option<Seconds>,
    pub overload_pause_secs: Option<f64>,
    pub give_up_hours: Option<f64>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Whatsapp {
    pub version: Option<String>,
    pub version_url: Option<String>,
    pub proxy: Option<String>,
    pub extra_root: Option<PathBuf>,
    pub canary: Option<Texts>,
}

/// A list of seconds; in the environment with commas between.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Seconds(pub Vec<f64>);

impl FromStr for Seconds {
    type Err = std::num::ParseFloatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',').map(|part| part.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    pub concurrent_requests: Option<usize>,
    pub connections: Option<usize>,
    pub failed_keys_per_minute: Option<u64>,
    pub request_timeout_secs: Option<u64>,
    pub header_timeout_secs: Option<u64>,
    pub idle_timeout_secs: Option<u64>,
    pub drain_timeout_secs: Option<u64>,
    pub clock_doubt_secs: Option<u64>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Updates {
    pub check: Option<bool>,
    pub url: Option<String>,
    pub public_key: Option<String>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Otlp {
    pub endpoint: Option<String>,
    pub headers: Option<Texts>,
    pub service_name: Option<String>,
    pub sample_ratio: Option<f64>,
    pub timeout_secs: Option<u64>,
}

pub(super) fn read(path: &Path) -> Result<Settings, Error> {
    parse(path, &text(path)?)
}

pub(super) fn text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| Error::Unreadable { path: path.to_owned(), error })
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Settings, Error> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        // The parser's own picture of the place shows the line, and a line may hold the master key.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        Error::Malformed { path: path.to_owned(), line: before.matches('\n').count() + 1, message: error.message().to_owned() }
    })
}

/// Empty they are no «not set» but a secret that was not filled in: another key or another database would be made in silence.
const TO_SAY: [&str; 5] =
    ["WHARF_MASTER_KEY", "WHARF_MASTER_KEY_FILE", "WHARF_NEXT_MASTER_KEY", "WHARF_NEXT_MASTER_KEY_FILE", "WHARF_DATABASE_URL"];

impl Settings {
    /// Takes what the environment says over what the file said.
    pub(super) fn overlay(&mut self, env: impl Fn(&str) -> Option<String>) -> Result<(), Error> {
        if let Some(name) = TO_SAY.into_iter().find(|name| env(name).is_some_and(|value| value.trim().is_empty())) {
            let reason = "it is set and empty; give it its value, or leave it unset".to_owned();
            return Err(Error::Invalid { name: name.to_owned(), reason });
        }
        self.overlay_with(|name| env(name).filter(|value| !value.is_empty()).map(|value| (name, value)))
    }

    fn overlay_with(&mut self, env: impl Fn(&'static str) -> Option<(&'static str, String)>) -> Result<(), Error> {
        set(&mut self.listen, env("WHARF_LISTEN"))?;
        set(&mut self.data_dir, env("WHARF_DATA_DIR"))?;
        set(&mut self.database_url, env("WHARF_DATABASE_URL"))?;
        set(&mut self.nats_url, env("WHARF_NATS_URL"))?;
        set(&mut self.nats_credentials_file, env("WHARF_NATS_CREDENTIALS_FILE"))?;
        set(&mut self.nats_ca_file, env("WHARF_NATS_CA_FILE"))?;
        set(&mut self.nats_certificate_file, env("WHARF_NATS_CERTIFICATE_FILE"))?;
        set(&mut self.nats_key_file, env("WHARF_NATS_KEY_FILE"))?;
        set(&mut self.moves_per_minute, env("WHARF_MOVES_PER_MINUTE"))?;
        set(&mut self.master_key, env("WHARF_MASTER_KEY"))?;
        set(&mut self.master_key_file, env("WHARF_MASTER_KEY_FILE"))?;
        set(&mut self.next_master_key, env("WHARF_NEXT_MASTER_KEY"))?;
        set(&mut self.next_master_key_file, env("WHARF_NEXT_MASTER_KEY_FILE"))?;
        set(&mut self.device_name, env("WHARF_DEVICE_NAME"))?;
        set(&mut self.receive_statuses, env("WHARF_RECEIVE_STATUSES"))?;
        set(&mut self.announce_online, env("WHARF_ANNOUNCE_ONLINE"))?;
        set(&mut self.server.trusted_proxies, env("WHARF_TRUSTED_PROXIES"))?;
        set(&mut self.server.allowed_origins, env("WHARF_ALLOWED_ORIGINS"))?;
        set(&mut self.server.secure_cookies, env("WHARF_SECURE_COOKIES"))?;
        set(&mut self.whatsapp.proxy, env("WHARF_WHATSAPP_PROXY"))?;
        set(&mut self.whatsapp.extra_root, env("WHARF_WHATSAPP_EXTRA_ROOT"))?;
        set(&mut self.log.filter, env("WHARF_LOG"))?;
        set(&mut self.log.format, env("WHARF_LOG_FORMAT"))?;
        set(&mut self.log.library, env("WHARF_LOG_LIBRARY"))?;
        set(&mut self.egress.reach, env("WHARF_EGRESS_REACH"))?;
        set(&mut self.webhooks.retry_pauses_secs, env("WHARF_WEBHOOK_RETRY_PAUSES_SECS"))?;
        set(&mut self.webhooks.overload_pause_secs, env("WHARF_WEBHOOK_OVERLOAD_PAUSE_SECS"))?;
        set(&mut self.webhooks.give_up_hours, env("WHARF_WEBHOOK_GIVE_UP_HOURS"))?;
        set(&mut self.whatsapp.version, env("WHARF_WHATSAPP_VERSION"))?;
        set(&mut self.whatsapp.version_url, env("WHARF_WHATSAPP_VERSION_URL"))?;
        set(&mut self.media.free_space_floor_mb, env("WHARF_MEDIA_FREE_SPACE_FLOOR_MB"))?;
        set(&mut self.media.bucket, env("WHARF_MEDIA_BUCKET"))?;
        set(&mut self.media.endpoint, env("WHARF_MEDIA_ENDPOINT"))?;
        set(&mut self.media.region, env("WHARF_MEDIA_REGION"))?;
        set(&mut self.media.access_key, env("WHARF_MEDIA_ACCESS_KEY"))?;
        set(&mut self.media.secret_key, env("WHARF_MEDIA_SECRET_KEY"))?;
        set(&mut self.limits.concurrent_requests, env("WHARF_CONCURRENT_REQUESTS"))?;
        set(&mut self.limits.connections, env("WHARF_CONNECTIONS"))?;
        set(&mut self.limits.failed_keys_per_minute, env("WHARF_FAILED_KEYS_PER_MINUTE"))?;
        set(&mut self.limits.request_timeout_secs, env("WHARF_REQUEST_TIMEOUT_SECS"))?;
        set(&mut self.limits.header_timeout_secs, env("WHARF_HEADER_TIMEOUT_SECS"))?;
        set(&mut self.limits.idle_timeout_secs, env("WHARF_IDLE_TIMEOUT_SECS"))?;
        set(&mut self.whatsapp.canary, env("WHARF_WHATSAPP_CANARY"))?;
        set(&mut self.updates.check, env("WHARF_UPDATES_CHECK"))?;
        set(&mut self.updates.url, env("WHARF_UPDATES_URL"))?;
        set(&mut self.updates.public_key, env("WHARF_UPDATES_PUBLIC_KEY"))?;
        set(&mut self.otlp.endpoint, env("WHARF_OTLP_ENDPOINT"))?;
        set(&mut self.otlp.headers, env("WHARF_OTLP_HEADERS"))?;
        set(&mut self.otlp.service_name, env("WHARF_OTLP_SERVICE_NAME"))?;
        set(&mut self.otlp.sample_ratio, env("WHARF_OTLP_SAMPLE_RATIO"))?;
        set(&mut self.otlp.timeout_secs, env("WHARF_OTLP_TIMEOUT_SECS"))?;
        set(&mut self.limits.clock_doubt_secs, env("WHARF_CLOCK_DOUBT_SECS"))?;
        set(&mut self.limits.drain_timeout_secs, env("WHARF_DRAIN_TIMEOUT_SECS"))
    }

    #[cfg(test)]
    pub(super) fn unset(&self) -> Vec<&'static str> {
        let Self { listen, data_dir, database_url, nats_url, moves_per_minute, .. } = self;
        let Self { master_key, master_key_file, next_master_key, next_master_key_file, .. } = self;
        let Self { nats_credentials_file, nats_ca_file, nats_certificate_file, nats_key_file, .. } = self;
        let Self { device_name, receive_statuses, announce_online, server, log, egress, .. } = self;
        let Self { webhooks, whatsapp, updates, otlp, media, limits, .. } = self;
        let set = [
            ("listen", listen.is_some()),
            ("data_dir", data_dir.is_some()),
            ("database_url", database_url.is_some()),
            ("nats_url", nats_url.is_some()),
            ("nats_credentials_file", nats_credentials_file.is_some()),
            ("nats_ca_file", nats_ca_file.is_some()),
            ("nats_certificate_file", nats_certificate_file.is_some()),
            ("nats_key_file", nats_key_file.is_some()),
            ("moves_per_minute", moves_per_minute.is_some()),
            ("master_key", master_key.is_some()),
            ("master_key_file", master_key_file.is_some()),
            ("next_master_key", next_master_key.is_some()),
            ("next_master_key_file", next_master_key_file.is_some()),
            ("device_name", device_name.is_some()),
            ("receive_statuses", receive_statuses.is_some()),
            ("announce_online", announce_online.is_some()),
            ("server.trusted_proxies", server.trusted_proxies.is_some()),
            ("server.allowed_origins", server.allowed_origins.is_some()),
            ("server.secure_cookies", server.secure_cookies.is_some()),
            ("whatsapp.proxy", whatsapp.proxy.is_some()),
            ("whatsapp.extra_root", whatsapp.extra_root.is_some()),
            ("log.library", log.library.is_some()),
            ("log.filter", log.filter.is_some()),
            ("log.format", log.format.is_some()),
            ("media.free_space_floor_mb", media.free_space_floor_mb.is_some()),
            ("media.bucket", media.bucket.is_some()),
            ("media.endpoint", media.endpoint.is_some()),
            ("media.region", media.region.is_some()),
            ("media.access_key", media.access_key.is_some()),
            ("media.secret_key", media.secret_key.is_some()),
            ("egress.reach", egress.reach.is_some()),
            ("webhooks.retry_pauses_secs", webhooks.retry_pauses_secs.is_some()),
            ("webhooks.overload_pause_secs", webhooks.overload_pause_secs.is_some()),
            ("webhooks.give_up_hours", webhooks.give_up_hours.is_some()),
            ("whatsapp.version", whatsapp.version.is_some()),
            ("whatsapp.version_url", whatsapp.version_url.is_some()),
            ("limits.concurrent_requests", limits.concurrent_requests.is_some()),
            ("limits.connections", limits.connections.is_some()),
            ("limits.failed_keys_per_minute", limits.failed_keys_per_minute.is_some()),
            ("limits.request_timeout_secs", limits.request_timeout_secs.is_some()),
            ("limits.header_timeout_secs", limits.header_timeout_secs.is_some()),
            ("limits.idle_timeout_secs", limits.idle_timeout_secs.is_some()),
            ("whatsapp.canary", whatsapp.canary.is_some()),
            ("updates.check", updates.check.is_some()),
            ("updates.url", updates.url.is_some()),
            ("updates.public_key", updates.public_key.is_some()),
            ("otlp.endpoint", otlp.endpoint.is_some()),
            ("otlp.headers", otlp.headers.is_some()),
            ("otlp.service_name", otlp.service_name.is_some()),
            ("otlp.sample_ratio", otlp.sample_ratio.is_some()),
            ("otlp.timeout_secs", otlp.timeout_secs.is_some()),
            ("limits.drain_timeout_secs", limits.drain_timeout_secs.is_some()),
            ("limits.clock_doubt_secs", limits.clock_doubt_secs.is_some()),
        ];
        set.into_iter().filter(|(_, set)| !set).map(|(name, _)| name).collect()
    }
}

/// What a person calls such a value.
fn kind<T>() -> &'static str {
    match std::any::type_name::<T>() {
        "bool" => "true or false",
        "u64" | "usize" => "a whole number",
        "f64" => "a number",
        _ => "a list with commas",
    }
}

fn set<T: FromStr>(target: &mut Option<T>, variable: Option<(&'static str, String)>) -> Result<(), Error> {
    if let Some((name, value)) = variable {
        let reason = format!("the value cannot be read: {} is expected", kind::<T>());
        *target = Some(value.parse().map_err(|_| Error::Invalid { name: name.to_owned(), reason })?);
    }
    Ok(())
}
