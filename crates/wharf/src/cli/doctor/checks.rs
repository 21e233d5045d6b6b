//! The checks. None of them leaves a file that was not there.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use wharf_api::Timestamp;
use wharf_core::chance::SystemChance;
use wharf_core::clock::SystemClock;
use wharf_core::{Chance, Clock};
use wharf_store::{Glance, OpenError};

use super::Finding::{self, Fail, Ok as Good, Warn};
use crate::config::Config;
use crate::world::World;
use crate::{identity, log, machine, partners};

/// This program was written after this time: a clock that shows an earlier one is wrong.
const NOT_BEFORE: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// How old the client library may get before somebody is told.
const LIBRARY_DAYS: i64 = 90;

pub(super) fn build() -> Finding {
    match World::Production.check_build() {
        Ok(()) => Good("a server without WhatsApp's certificate is refused".to_owned()),
        Err(error) => Fail(error.to_string()),
    }
}

pub(super) fn configuration(config: &Config) -> Finding {
    if !log::is_filter(&config.log.filter) {
        return Fail("log.filter cannot be read".to_owned());
    }
    Good("every key is known".to_owned())
}

pub(super) fn data_dir(config: &Config) -> Finding {
    let path = &config.data_dir;
    let shown = path.display();
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Warn(format!("{shown} is made at the first start")),
        Err(error) => Fail(format!("{shown}: {error}")),
        Ok(found) if !found.is_dir() => Fail(format!("{shown} is no folder")),
        Ok(_) if identity::is_open_to_others(path) => Warn(format!("{shown} can be read by other users; chmod 700 is safer")),
        Ok(_) => {
            let probe = path.join(format!(".doctor-{}", std::process::id()));
            match fs::write(&probe, []).and_then(|()| fs::remove_file(&probe)) {
                Ok(()) => Good(shown.to_string()),
                Err(error) => Fail(format!("{shown} cannot be written: {error}")),
            }
        }
    }
}

pub(super) async fn master_key(config: &Config) -> Finding {
    let path = config.master_key_path();
    // What the database says of it; one that cannot be asked has a line of its own.
    let seen = wharf_store::glance(&config.database_url()).await.ok();
    if config.master_key.is_none() && !path.exists() {
        if seen.is_some_and(|seen| seen.sealed) {
            return Fail(partners::Error::KeyIsGone(path).to_string());
        }
        return Warn(format!("{} is made at the first start; make a copy of it then", path.display()));
    }
    let chance: Arc<dyn Chance> = Arc::new(SystemChance);
    let seal = match identity::seal(config, &chance) {
        Ok(seal) => seal,
        Err(error) => return Fail(error.to_string()),
    };
    let marks = seen.map(|seen| seen.keys).unwrap_or_default();
    if let Err(unfit) = seal.follow(&marks) {
        return Fail(unfit.to_string());
    }
    if let Some(open) = identity::key_files(config).iter().find(|file| identity::is_open_to_others(file)) {
        return Fail(format!("{} can be read by other users: chmod 600", open.display()));
    }
    let place = if config.master_key.is_some() { "from the configuration".to_owned() } else { path.display().to_string() };
    let first_seals = seal.ids().next() == seal.closing_id();
    if marks.to_be.is_some() {
        Warn(format!("{place}; it is being changed: run `wharf keys rotate-master` to its end"))
    } else if !first_seals {
        Warn(
            "the one of next_master_key is in force: put it in the place of master_key on every node, and take the next one away"
                .to_owned(),
        )
    } else if seal.ids().count() > 1 {
        Good(format!("{place}; the next one seals nothing until `wharf keys rotate-master`"))
    } else {
        Good(place)
    }
}

/// Only where one is configured. A gateway starts without it, and answers then for its own sessions.
pub(super) async fn nats(config: &Config) -> Option<Finding> {
    let Some(url) = config.nats_url.as_deref() else {
        return config.nats_access.check_unused().err().map(|error| Fail(error.to_string()));
    };
    Some(match wharf_fleet::probe(url, &config.nats_access).await {
        Ok(version) => Good(format!("version {version}")),
        Err(error) => Fail(error.to_string()),
    })
}

pub(super) async fn database(config: &Config) -> Finding {
    let url = config.database_url();
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = Path::new(path.strip_prefix("//").unwrap_or(path));
        if !path.exists() {
            return Warn(format!("{} is made at the first start", path.display()));
        }
    }
    // Looking changes nothing: neither its schema nor whose it is.
    let seen = match wharf_store::glance(&url).await {
        Ok(seen) => seen,
        Err(error) => return Fail(chain(&error)),
    };
    if let Some(world) = &seen.world
        && let Err(error) = World::Production.check_database(world)
    {
        return Fail(error.to_string());
    }
    let Glance { found, own, .. } = seen;
    match found {
        0 => Warn("is empty; its tables are made at the first start".to_owned()),
        _ if found < own => Warn(format!("migrations {} to {own} are to be applied at the next start; make a backup before", found + 1)),
        _ if found > own => Fail(chain(&OpenError::Newer { found, own })),
        _ => Good(format!("opens; its schema is at migration {own}, as it must be")),
    }
}

pub(super) async fn address(config: &Config) -> Finding {
    let listen = config.listen;
    match TcpListener::bind(listen).await {
        Ok(_) if listen.ip().is_loopback() => Good(format!("{listen} is free")),
        Ok(_) => Warn(format!("{listen} is free and not on loopback: put a proxy that speaks TLS before it")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && TcpStream::connect(listen).await.is_ok() => {
            Warn(format!("{listen} is in use: by a gateway that runs already, or by another program"))
        }
        Err(error) => Fail(format!("{listen}: {error}")),
    }
}

pub(super) fn clock() -> Finding {
    let now = SystemClock.now();
    if now < NOT_BEFORE { Fail(format!("{now} lies in the past: set the clock")) } else { Good(now.to_string()) }
}

/// WhatsApp moves on every week; a library that stands still for a season has missed something.
pub(super) fn library() -> Finding {
    library_at(SystemClock.now())
}

fn library_at(now: Timestamp) -> Finding {
    let days = (now.as_secs() - wharf_wa::LIBRARY_RELEASED_SECS).max(0) / (24 * 60 * 60);
    let text = format!("whatsapp-rust {}, {days} days old", wharf_wa::LIBRARY);
    if days > LIBRARY_DAYS { Warn(format!("{text}: look for a newer Wharf")) } else { Good(text) }
}

pub(super) fn open_files() -> Finding {
    match machine::raise_open_files() {
        Ok(limit) if limit < 4096 => Warn(format!("{limit} may be open at the same time; every session needs one (ulimit -n)")),
        Ok(limit) => Good(format!("{limit} may be open at the same time")),
        Err(error) => Warn(error.desc().to_owned()),
    }
}

pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        text.push_str(": ");
        text.push_str(&next.to_string());
        source = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_old_after_ninety_days_and_not_on_the_ninetieth() {
        let day = |days: i64| Timestamp::from_millis((wharf_wa::LIBRARY_RELEASED_SECS + days * 24 * 60 * 60) * 1000);
        assert!(matches!(library_at(day(90)), Good(_)));
        assert!(matches!(library_at(day(91)), Warn(_)));
        assert!(matches!(library_at(day(-1)), Good(text) if text.contains("0 days")));
    }
}
