//! `wharf restore`: puts a backup into an empty database and its data folder. No session goes on where the backup stood: their phone
//! partners have seen later keys, so all begin their keys anew, and keep their links.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use indicatif::ProgressBar;
use wharf_core::Chance;
use wharf_core::chance::SystemChance;
use wharf_core::seal;
use wharf_core::store::OwnerStore as _;
use wharf_store::backup;

use super::backup::{MEDIA_LIST, Manifest, Media, Part, each_file};
use super::progress::{self, Steps};
use crate::config::Config;
use crate::{identity, partners};

#[derive(Args)]
pub struct Restore {
    /// The folder that `wharf backup` made.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl Restore {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let (folder, url) = (&self.folder, config.database_url());
        let manifest = Manifest::read(folder)?;
        identity::make_data_dir(&config.data_dir)?;
        partners::check_folder(&config.data_dir, manifest.installation.as_deref())?;
        let missing = missing_keys(&config, &manifest.master_keys)?;
        backup::check(&url, &manifest.database).await?;
        for part in &manifest.parts {
            same(folder, &part.path, &part.sha256)?;
        }
        if let Media::Copied { bytes, .. } = manifest.media {
            let bar = progress::bar(Some(bytes), "Looking at files")?;
            if !check_media(folder, &manifest.parts, &bar)? {
                eprintln!(
                    "media: the backup has no sums of its files, for Wharf {} wrote none; they are put back as they are",
                    manifest.wharf
                );
            }
            bar.finish_and_clear();
            let bar = progress::bar(Some(bytes), "Putting files back")?;
            let files = put_back(&folder.join("media"), &config.data_dir.join("media"), &bar).context("media cannot be put back")?;
            bar.finish_and_clear();
            eprintln!("media: {files} files");
        }
        let steps = Steps::begin("Putting the database back")?;
        backup::restore(&url, folder, &manifest.database, &|line| steps.say(line.to_owned())).await?;
        drop(steps);

        let chance: Arc<dyn Chance> = Arc::new(SystemChance);
        let store = wharf_store::open(wharf_store::Config::new(url, Arc::clone(&chance))).await?;
        let marked = async {
            partners::check_database(&config.data_dir, &*store, &*chance).await?;
            anyhow::Ok(store.mark_stale().await?)
        };
        let marked = marked.await;
        store.close().await;
        println!("The backup of {} is put back.", manifest.created_at);
        println!("{} sessions begin their keys anew when the gateway starts. Their links stay; nobody scans.", marked?);
        println!(
            "What went out or came in since then is not in it, and WhatsApp does not bring it again. Never start the old gateway beside it."
        );
        if let Media::Bucket { bucket, .. } = &manifest.media {
            println!("Media lie in the bucket {bucket}: the configuration has to name it, or a copy of it.");
        }
        if config.master_key.is_none() && !config.master_key_path().exists() {
            println!("Put the master key back before the gateway starts: {} is not there.", config.master_key_path().display());
        }
        if !missing.is_empty() {
            println!("The backup may be sealed with these master keys: {}.", missing.join(", "));
        }
        Ok(())
    }
}

/// The ids of the keys that the backup needs and the configuration does not have. Refuses where it has keys, and none of them.
fn missing_keys(config: &Config, needed: &[String]) -> anyhow::Result<Vec<String>> {
    let next = identity::next_master_key(config)?;
    let first = if config.master_key.is_none() && !config.master_key_path().exists() {
        None
    } else {
        Some(identity::master_key(config, &SystemChance)?)
    };
    let own: Vec<_> = first.iter().chain(&next).map(seal::id).collect();
    let missing: Vec<_> = needed.iter().filter(|id| !own.contains(id)).cloned().collect();
    if !own.is_empty() && !needed.is_empty() && missing.len() == needed.len() {
        bail!(
            "the backup needs the master key {}, and the configuration has {}: put that one back first",
            needed.join(", "),
            own.join(", ")
        );
    }
    Ok(missing)
}

/// Refuses a file of the backup that has another SHA-256; tells its size.
fn same(folder: &Path, path: &Path, sha256: &str) -> anyhow::Result<u64> {
    let found = Part::of(folder, path.to_owned())?;
    if found.sha256 != sha256 {
        bail!("{} is not what it was when the backup was made", folder.join(path).display());
    }
    Ok(found.bytes)
}

/// Refuses a backup of which a media file is gone or is not what it was; `false` where nothing says what they were.
fn check_media(folder: &Path, parts: &[Part], bar: &ProgressBar) -> anyhow::Result<bool> {
    if !parts.iter().any(|part| part.path == Path::new(MEDIA_LIST)) {
        return Ok(false);
    }
    for line in BufReader::new(File::open(folder.join(MEDIA_LIST))?).lines() {
        let line = line?;
        let (sha256, path) = line.split_once("  ").with_context(|| format!("{MEDIA_LIST} cannot be read"))?;
        bar.inc(same(folder, Path::new(path), sha256)?);
    }
    Ok(true)
}

/// Copies files to where they lay; tells how many.
fn put_back(from: &Path, to: &Path, bar: &ProgressBar) -> std::io::Result<u64> {
    let mut files = 0;
    each_file(from, |shard, name| {
        let folder = to.join(shard);
        fs::create_dir_all(&folder)?;
        bar.inc(fs::copy(from.join(shard).join(name), folder.join(name))?);
        files += 1;
        Ok(())
    })?;
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::super::backup::copied;
    use super::*;

    #[test]
    fn a_media_file_that_was_changed_or_is_gone_is_found_by_the_list() {
        let folder = std::env::temp_dir().join(format!("wharf-restore-{}", SystemChance.uuid().simple()));
        let (data, backup) = (folder.join("data"), folder.join("backup"));
        fs::create_dir_all(data.join("media/ab")).unwrap();
        fs::create_dir_all(&backup).unwrap();
        for name in ["one", "two"] {
            fs::write(data.join("media/ab").join(name), name).unwrap();
        }
        assert_eq!(copied(&data, &backup).unwrap(), Media::Copied { files: 2, bytes: 6 });
        let parts = [Part::of(&backup, MEDIA_LIST.into()).unwrap()];
        let looked = |parts: &[Part]| check_media(&backup, parts, &ProgressBar::hidden());
        assert!(looked(&parts).unwrap());
        let file = backup.join("media/ab/two");
        fs::write(&file, "twp").unwrap();
        let refused = looked(&parts).unwrap_err().to_string();
        assert!(refused.contains("media/ab/two is not what it was"), "{refused}");
        fs::remove_file(&file).unwrap();
        let refused = looked(&parts).unwrap_err().to_string();
        assert!(refused.contains("media/ab/two"), "{refused}");
        assert!(!looked(&[]).unwrap(), "an earlier release wrote no list");
        fs::remove_dir_all(&folder).unwrap();
    }
}
