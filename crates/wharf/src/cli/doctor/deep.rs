//! The deep look: every stored row and every stored file. Reads, and changes nothing; it looks beside a gateway that runs.

use std::sync::Arc;

use anyhow::Context as _;
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};
use wharf_api::Timestamp;
use wharf_api::types::media::MediaStatus;
use wharf_core::chance::SystemChance;
use wharf_core::clock::SystemClock;
use wharf_core::media::Files;
use wharf_core::media::intake::hex;
use wharf_core::seal::{Seal, payload};
use wharf_core::store::MediaRow;
use wharf_core::{Chance, Clock as _};
use wharf_store::{Class, Inspection, Report, SealedBy};

use super::Finding::{self, Fail, Ok as Good, Warn};
use super::checks::chain;
use crate::config::Config;
use crate::identity;
use crate::media::LocalFiles;
use crate::media::bucket::BucketFiles;
use crate::world::World;

pub(super) async fn look(config: &Config, world: &World) -> Vec<(&'static str, Finding)> {
    match whole(config, world).await {
        Ok(findings) => findings,
        Err(error) => vec![("database", Fail(chain(error.as_ref())))],
    }
}

async fn whole(config: &Config, world: &World) -> anyhow::Result<Vec<(&'static str, Finding)>> {
    let inspection = wharf_store::inspect(&config.database_url()).await?;
    let found = inspection.world().await?;
    world.check_database(&found)?;
    let now = SystemClock.now();
    let database = if inspection.is_served(now).await? {
        "opens, and a gateway runs on it"
    } else {
        "opens; no gateway runs on it, so that whether somebody owns the linked sessions is not looked at"
    };
    let mut report = Report::default();
    let seal = seal(config).await?;
    // What is sealed cannot be judged without the key.
    let reads_back = |session: &str, wa_id: &str, stored: &[u8]| match &seal {
        None if payload::is_sealed(stored) => true,
        None => wharf_wa::reads_back(stored),
        Some(seal) => payload::open(seal, session, wa_id, stored.to_vec()).is_ok_and(|plain| wharf_wa::reads_back(&plain)),
    };
    inspection.look(now, reads_back, &mut report).await?;
    let sealed = match &seal {
        Some(seal) => sealed(seal, &inspection.sealed_by(seal, &mut report).await?),
        None => Warn("the master key is not there: whether it opens what is sealed was not looked at".to_owned()),
    };
    let folder = LocalFiles::beside(config.data_dir.join("media"));
    let files: Arc<dyn Files> = match &config.bucket {
        Some(bucket) => {
            world.check_bucket(&bucket.endpoint)?;
            Arc::new(BucketFiles::open(bucket, &config.trust().context("whatsapp.extra_root")?, folder)?)
        }
        None => Arc::new(folder),
    };
    stored(&inspection, &*files, now, &mut report).await?;
    inspection.close().await;
    let mut findings = vec![("database", Good(database.to_owned())), ("deep", told(&report)), ("sealed", sealed)];
    for (class, what, found) in report.kinds() {
        let text =
            format!("{} {what}: {}{}", found.count, found.ids.join(", "), if found.count > found.ids.len() as u64 { ", …" } else { "" });
        findings.push((class.as_str(), if class == Class::Stale { Warn(text) } else { Fail(text) }));
    }
    Ok(findings)
}

/// The master keys, where there is one: none is made here.
async fn seal(config: &Config) -> anyhow::Result<Option<Seal>> {
    if config.master_key.is_none() && !config.master_key_path().exists() {
        return Ok(None);
    }
    let chance: Arc<dyn Chance> = Arc::new(SystemChance);
    let seal = identity::seal(config, &chance)?;
    // Where it is another key, nothing opens, and all of it is told.
    let _ = seal.follow(&wharf_store::glance(&config.database_url()).await?.keys);
    Ok(Some(seal))
}

/// How many values each key has sealed.
fn sealed(seal: &Seal, by: &SealedBy) -> Finding {
    let mut words = Vec::new();
    for (id, count) in &by.keys {
        let role = if seal.closing_id() == Some(id.as_str()) { "which seals" } else { "which does not seal any more" };
        words.push(format!("{count} by the key {id}, {role}"));
    }
    if by.plain > 0 {
        words.push(format!("{} payloads by none, as an earlier release left them", by.plain));
    }
    words.extend(by.unreadable.iter().map(|(kind, count)| format!("{count} ({}) that no key opens", kind.as_str())));
    let text = if words.is_empty() { "nothing is sealed".to_owned() } else { words.join("; ") };
    let others = by.keys.keys().any(|id| seal.closing_id() != Some(id.as_str()));
    match (by.unreadable.is_empty(), others) {
        (false, _) => Warn(text),
        (true, true) => Warn(format!("{text}: `wharf keys rotate-master` seals all with one")),
        (true, false) => Good(text),
    }
}

fn told(report: &Report) -> Finding {
    if report.is_bad() {
        Fail(report.summary())
    } else if report.count(Class::Stale) > 0 {
        Warn(report.summary())
    } else {
        Good(report.summary())
    }
}

/// Holds every stored file against its row.
async fn stored(inspection: &Inspection, files: &dyn Files, now: Timestamp, report: &mut Report) -> anyhow::Result<()> {
    let mut after = String::new();
    loop {
        let (rows, last) = inspection.media(&after, report).await?;
        let Some(last) = last else { return Ok(()) };
        after = last;
        // What is over is being swept away.
        for row in rows.iter().filter(|row| row.state == MediaStatus::Stored && row.expires_at > now) {
            let Some((class, what)) = held(files, row).await? else { continue };
            if inspection.is_media(&row.id).await? {
                report.note(class, what, row.id.as_str());
            }
        }
    }
}

async fn held(files: &dyn Files, row: &MediaRow) -> anyhow::Result<Option<(Class, &'static str)>> {
    let Some(mut reading) = files.read(&row.id, None).await? else { return Ok(Some((Class::Lost, "files that are not in the store"))) };
    let (mut size, mut hash) = (0_u64, Sha256::new());
    while let Some(bytes) = reading.next().await {
        let bytes = bytes?;
        size += bytes.len() as u64;
        if size > row.size {
            break;
        }
        hash.update(&bytes);
    }
    if size != row.size {
        return Ok(Some((Class::Wrong, "files of another size than their row says")));
    }
    let hash = hex(&hash.finalize());
    let is_other = row.sha256.as_ref().is_some_and(|told| *told != hash);
    Ok(is_other.then_some((Class::Wrong, "files whose bytes are not those that were stored")))
}
