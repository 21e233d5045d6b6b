//! The update notice: a small signed file that tells which release is the newest and which is still safe.
//!
//! It is asked for once a day by one node, with a plain GET that carries no query and no id, and nothing of it is believed before its
//! signature was checked. A notice that is older than the one that is known is refused.

pub(crate) mod asked;
mod minisign;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wharf_api::types::update::{Standing, UpdateNotice};

use crate::egress::{self, Egress, Fetch, Sink, Stop};
use crate::services::Services;
use crate::store::{self, NoticeRow, UpdateStore};

pub use asked::{Source, Updates};
pub use minisign::{BadKey, PublicKey};

/// What the file and its signature may have.
const NOTICE_BYTES: u64 = 16 * 1024;
const SIGNATURE_BYTES: u64 = 2 * 1024;
const TIMEOUT: Duration = Duration::from_secs(10);

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// Rises with every notice.
    pub serial: i64,
    /// The newest release, `1.2.3`.
    pub newest: String,
    /// The oldest release that still works and is safe.
    pub oldest_safe: String,
    /// The oldest version of WhatsApp Web that is known to be let in.
    #[serde(default)]
    pub floor: Option<String>,
    /// A version of WhatsApp Web that is let in.
    #[serde(default)]
    pub web_version: Option<String>,
    /// One sentence for operators.
    #[serde(default)]
    pub notes: Option<String>,
}

/// Why a notice is not believed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("it cannot be fetched: {0}")]
    Fetch(#[from] egress::Error),
    #[error("its signature is wrong: {0}")]
    Signature(&'static str),
    #[error("it cannot be read")]
    Garbled,
    #[error("it is older than the one that is known")]
    Old,
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Asks, where a day has passed and no other node has asked meanwhile, and says in the log how this release stands.
pub async fn run(services: &Services) -> Result<(), store::Error> {
    let now = services.clock.now();
    let Some(source) = services.updates.source.as_ref().filter(|_| services.updates.is_due(now)) else { return Ok(()) };
    if !services.store.claim_update_check(now - asked::EVERY, now).await? {
        return Ok(());
    }
    match ask(services, source).await {
        Ok(notice) => tell(&notice),
        Err(error) => tracing::warn!(%error, "the update notice is not believed; the one before stands"),
    }
    Ok(())
}

/// Fetches the notice, and keeps it where it is genuine and no older than the one that is known.
pub async fn ask(services: &Services, source: &Source) -> Result<Notice, Refused> {
    let (notice, body) = fetch(&*services.egress, source).await?;
    let row = NoticeRow { serial: notice.serial, body, fetched_at: services.clock.now() };
    if services.store.put_update_notice(&row).await? { Ok(notice) } else { Err(Refused::Old) }
}

async fn fetch(egress: &dyn Egress, source: &Source) -> Result<(Notice, String), Refused> {
    let body = get(egress, source.url.clone(), NOTICE_BYTES).await?;
    let signature = get(egress, format!("{}.minisig", source.url), SIGNATURE_BYTES).await?;
    source.key.verify(&body, &signature).map_err(Refused::Signature)?;
    let body = String::from_utf8(body).map_err(|_| Refused::Garbled)?;
    let notice: Notice = serde_json::from_str(&body).map_err(|_| Refused::Garbled)?;
    if release(&notice.newest).is_none() || release(&notice.oldest_safe).is_none() {
        return Err(Refused::Garbled);
    }
    Ok((notice, body))
}

async fn get(egress: &dyn Egress, url: String, limit_bytes: u64) -> Result<Vec<u8>, egress::Error> {
    let mut body = Collected(Vec::new());
    egress.fetch(Fetch { url, limit_bytes, timeout: TIMEOUT, content_type: None }, &mut body).await?;
    Ok(body.0)
}

struct Collected(Vec<u8>);

#[async_trait]
impl Sink for Collected {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Stop> {
        self.0.extend_from_slice(&bytes);
        Ok(())
    }
}

/// What is known, and how this release stands by it.
pub async fn show(services: &Services) -> Result<UpdateNotice, store::Error> {
    known(&*services.store, services.updates.source.is_some()).await
}

/// What is known, for whoever has the store alone.
pub async fn known<S: UpdateStore + Sync + ?Sized>(store: &S, checks: bool) -> Result<UpdateNotice, store::Error> {
    let running = env!("CARGO_PKG_VERSION").to_owned();
    let row = store.find_update_notice().await?;
    let known = row.and_then(|row| Some((serde_json::from_str::<Notice>(&row.body).ok()?, row.fetched_at)));
    let Some((notice, fetched_at)) = known else { return Ok(UpdateNotice { checks, running, ..UpdateNotice::default() }) };
    let standing = standing(&running, &notice);
    Ok(UpdateNotice {
        checks,
        running,
        standing,
        newest: Some(notice.newest),
        oldest_safe: Some(notice.oldest_safe),
        floor: notice.floor,
        web_version: notice.web_version,
        notes: notice.notes,
        fetched_at: Some(fetched_at),
    })
}

fn tell(notice: &Notice) {
    let running = env!("CARGO_PKG_VERSION");
    let notes = notice.notes.as_deref().unwrap_or_default();
    match standing(running, notice) {
        Some(Standing::Unsafe) => {
            tracing::error!(running, newest = notice.newest, notes, "this release is not safe any more or does not work: update it");
        }
        Some(Standing::Outdated) => tracing::warn!(running, newest = notice.newest, notes, "there is a newer release"),
        Some(Standing::Current) | None => tracing::info!(running, notes, "this release is the newest"),
    }
}

fn standing(running: &str, notice: &Notice) -> Option<Standing> {
    let (running, newest, safe) = (release(running)?, release(&notice.newest)?, release(&notice.oldest_safe)?);
    Some(match running {
        old if old < safe => Standing::Unsafe,
        old if old < newest => Standing::Outdated,
        _ => Standing::Current,
    })
}

/// The numbers of a release; what follows a hyphen counts for nothing.
fn release(text: &str) -> Option<[u64; 3]> {
    let mut numbers = text.split('-').next()?.split('.').map(|part| part.parse().ok());
    let release = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(release)
}

#[cfg(test)]
mod tests {
    use wharf_api::Timestamp;

    use super::*;

    #[test]
    fn a_release_stands_by_its_numbers() {
        let notice = |newest: &str, oldest_safe: &str| Notice {
            serial: 1,
            newest: newest.to_owned(),
            oldest_safe: oldest_safe.to_owned(),
            floor: None,
            web_version: None,
            notes: None,
        };
        assert_eq!(standing("0.9.0", &notice("0.10.0", "0.9.0")), Some(Standing::Outdated), "numbers, not letters");
        assert_eq!(standing("0.8.9", &notice("0.10.0", "0.9.0")), Some(Standing::Unsafe));
        assert_eq!(standing("0.10.0", &notice("0.10.0", "0.9.0")), Some(Standing::Current));
        assert_eq!(standing("0.11.0-dev", &notice("0.10.0", "0.9.0")), Some(Standing::Current));
        for odd in ["", "1", "1.2", "1.2.3.4", "a.b.c"] {
            assert_eq!(release(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_node_asks_once_a_day() {
        let updates = Updates::default();
        let first = Timestamp::from_millis(0);
        assert!(updates.is_due(first));
        assert!(!updates.is_due((first + asked::EVERY).plus_millis(-1)));
        assert!(updates.is_due(first + asked::EVERY));
    }
}
