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
use wharf_core::seal::{Seal, payload, place};
use wharf_core::store::{MediaRow, WebhookRow};
use wharf_core::{Clock as _, webhook};
use wharf_store::{Class, Inspection, Opener, Report};

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
    let opener = opener(config)?;
    // What is sealed cannot be judged without the key.
    let reads_back = |session: &str, wa_id: &str, stored: &[u8]| match &opener {
        None if payload::is_sealed(stored) => true,
        None => wharf_wa::reads_back(stored),
        Some(Keyed(seal)) => payload::open(seal, session, wa_id, stored.to_vec()).is_ok_and(|plain| wharf_wa::reads_back(&plain)),
    };
    inspection.look(now, reads_back, &mut report).await?;
    if let Some(opener) = &opener {
        inspection.sealed(opener, &mut report).await?;
    }
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
    let mut findings = vec![("database", Good(database.to_owned())), ("deep", told(&report))];
    if opener.is_none() {
        findings.push(("sealed", Warn("the master key is not there: whether it opens what is sealed was not looked at".to_owned())));
    }
    for (class, what, found) in report.kinds() {
        let text =
            format!("{} {what}: {}{}", found.count, found.ids.join(", "), if found.count > found.ids.len() as u64 { ", …" } else { "" });
        findings.push((class.as_str(), if class == Class::Stale { Warn(text) } else { Fail(text) }));
    }
    Ok(findings)
}

/// The master key, where there is one: none is made here.
fn opener(config: &Config) -> anyhow::Result<Option<Keyed>> {
    if config.master_key.is_none() && !config.master_key_path().exists() {
        return Ok(None);
    }
    Ok(Some(Keyed(Seal::new(&identity::master_key(config, &SystemChance)?, Arc::new(SystemChance)))))
}

struct Keyed(Seal);

impl Opener for Keyed {
    fn opens(&self, session: &str, space: &str, key: &str, sealed: &[u8]) -> bool {
        self.0.open(&place::vault(session, space, key), sealed).is_ok()
    }

    fn opens_webhook(&self, row: &WebhookRow) -> bool {
        webhook::opens(&self.0, row)
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
