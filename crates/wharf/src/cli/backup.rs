//! `wharf backup`: copies what a gateway keeps into a folder, while it runs. The master key is left out: whoever has both opens every link.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wharf_api::Timestamp;
use wharf_core::Clock as _;
use wharf_core::clock::SystemClock;
use wharf_core::media::intake::hex;
use wharf_store::backup::{self, Snapshot};

use super::progress::{self, Steps};
use crate::config::Config;

/// Written last: a folder without it is no backup.
const MANIFEST: &str = "backup.json";
/// The form of the folder that this release writes and reads.
const FORMAT: u32 = 1;
/// The SHA-256 of each media file, as `sha256sum` writes and reads it.
pub(super) const MEDIA_LIST: &str = "media.sha256";
/// Files that are not whole yet; they have no name.
const UNNAMED: &str = "incoming";
/// After how many files the copy says how far it is.
const TOLD_EACH: u64 = 1_000;
const CHUNK_BYTES: usize = 256 * 1024;

#[derive(Args)]
pub struct Backup {
    /// The folder that the backup is put into; it must not be there yet.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Leaves the files out (received media and uploads): back their folder up in another way.
    #[arg(long)]
    without_media: bool,
}

/// What a backup says of itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub(super) format: u32,
    /// The release that made it.
    pub(super) wharf: String,
    pub(super) created_at: Timestamp,
    /// The installation that it was made of.
    pub(super) installation: Option<String>,
    pub(super) world: Option<String>,
    /// The ids of the master keys that sealed what is in it: two where the key was being changed. None where nobody wrote them down.
    #[serde(default)]
    pub(super) master_keys: Vec<String>,
    pub(super) database: Snapshot,
    pub(super) media: Media,
    /// The files of the database, and the list of the media. Earlier releases wrote no such list.
    pub(super) parts: Vec<Part>,
}

/// Where the files are.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Media {
    /// In the backup.
    Copied {
        files: u64,
        bytes: u64,
    },
    /// In this bucket, which is backed up by itself.
    Bucket {
        endpoint: String,
        bucket: String,
    },
    LeftOut,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl Part {
    pub(super) fn of(folder: &Path, path: PathBuf) -> anyhow::Result<Self> {
        let whole = folder.join(&path);
        let mut file = File::open(&whole).with_context(|| whole.display().to_string())?;
        let (mut sum, mut bytes, mut part) = (Sha256::new(), 0, vec![0; CHUNK_BYTES]);
        loop {
            let length = file.read(&mut part)?;
            if length == 0 {
                return Ok(Self { path, bytes, sha256: hex(&sum.finalize()) });
            }
            sum.update(&part[..length]);
            bytes += length as u64;
        }
    }
}

impl Manifest {
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(MANIFEST);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                bail!("{} is no backup, or one that was cut off: it has no {MANIFEST}", folder.display())
            }
            read => read.with_context(|| path.display().to_string())?,
        };
        let manifest: Self = serde_json::from_slice(&text).with_context(|| format!("{} cannot be read", path.display()))?;
        if manifest.format != FORMAT {
            bail!("{} has the form {}, and this release reads {FORMAT}", folder.display(), manifest.format);
        }
        Ok(manifest)
    }

    fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let (unfinished, path) = (folder.join("backup.json.new"), folder.join(MANIFEST));
        fs::write(&unfinished, serde_json::to_vec_pretty(self)?)?;
        File::open(&unfinished)?.sync_all()?;
        fs::rename(&unfinished, &path)?;
        Ok(File::open(folder)?.sync_all()?)
    }
}

impl Backup {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let seen = wharf_store::glance(&config.database_url()).await?;
        if seen.found != seen.own {
            bail!(
                "the database is at migration {}, and this release at {}: back it up with the release that runs on it",
                seen.found,
                seen.own
            );
        }
        let folder = &self.folder;
        let made = fs::DirBuilder::new().mode(0o700).create(folder);
        made.with_context(|| format!("{}: a backup is put into a folder of its own, which is not there yet", folder.display()))?;
        let steps = Steps::begin("Copying the database")?;
        let database = backup::back_up(&config.database_url(), folder, &|line| steps.say(line.to_owned())).await?;
        drop(steps);
        let mut parts = database.files().into_iter().map(|path| Part::of(folder, path)).collect::<anyhow::Result<Vec<_>>>()?;
        // The key may have been changed meanwhile: what was in force before the copy, or after it, sealed what is in it.
        let mut master_keys = seen.key_ids;
        master_keys.extend(wharf_store::glance(&config.database_url()).await?.key_ids);
        master_keys.sort_unstable();
        master_keys.dedup();
        // After the rows: what they name was there before them.
        let media = match &config.bucket {
            _ if self.without_media => Media::LeftOut,
            Some(bucket) => Media::Bucket { endpoint: bucket.endpoint.clone(), bucket: bucket.bucket.clone() },
            None => {
                let media = copied(&config.data_dir, folder)?;
                parts.push(Part::of(folder, MEDIA_LIST.into())?);
                media
            }
        };
        let manifest = Manifest {
            format: FORMAT,
            wharf: env!("CARGO_PKG_VERSION").to_owned(),
            created_at: SystemClock.now(),
            installation: seen.installation,
            world: seen.world,
            master_keys,
            database,
            media,
            parts,
        };
        manifest.write(folder)?;
        println!("{} is a backup of {}.", folder.display(), manifest.created_at);
        match &manifest.media {
            Media::Copied { files, bytes } => println!("It holds {files} media files ({bytes} bytes)."),
            Media::Bucket { bucket, .. } => println!("Media stay in the bucket {bucket}: back that up as well."),
            Media::LeftOut => println!("Media were left out."),
        }
        println!("The master key is not in it. Keep it elsewhere: without it no link, webhook secret or payload of the backup opens.");
        match manifest.master_keys.as_slice() {
            [] => {}
            [id] => println!("Its master key is {id} (backup.json says so too)."),
            ids => println!("The master key is being changed: it needs all of these, {} (backup.json says so too).", ids.join(", ")),
        }
        Ok(())
    }
}

/// Copies the folder of media, two levels deep, and lists what lies there then; what is removed meanwhile is missing, as it would be a
/// moment later.
pub(super) fn copied(data: &Path, backup: &Path) -> anyhow::Result<Media> {
    let from = data.join("media");
    let bar = progress::bar(None, "Copying files")?;
    if !bar.is_hidden() {
        bar.set_length(size_of(&from)?);
    }
    let mut list = BufWriter::new(File::create(backup.join(MEDIA_LIST))?);
    let (mut files, mut bytes) = (0, 0);
    each_file(&from, |shard, name| {
        let place = Path::new("media").join(shard).join(name);
        fs::create_dir_all(backup.join("media").join(shard))?;
        match fs::copy(data.join(&place), backup.join(&place)) {
            Ok(length) => {
                // A name that is no line of a list is none of ours.
                if place.to_str().is_some_and(|place| !place.contains(char::is_control)) {
                    let part = Part::of(backup, place).map_err(io::Error::other)?;
                    writeln!(list, "{}  {}", part.sha256, part.path.display())?;
                }
                (files, bytes) = (files + 1, bytes + length);
                bar.inc(length);
                if files % TOLD_EACH == 0 && bar.is_hidden() {
                    eprintln!("media: {files} files, {bytes} bytes");
                }
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    })
    .with_context(|| format!("{} cannot be copied", from.display()))?;
    list.flush()?;
    Ok(Media::Copied { files, bytes })
}

/// How many bytes lie in a folder of media at the moment.
fn size_of(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    each_file(folder, |shard, name| match fs::metadata(folder.join(shard).join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        found => {
            bytes += found?.len();
            Ok(())
        }
    })?;
    Ok(bytes)
}

/// Every file of a folder of media, by the folder that it lies in and its name.
pub(super) fn each_file(root: &Path, mut take: impl FnMut(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    let shards = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    for shard in shards {
        let shard = shard?;
        if !shard.file_type()?.is_dir() || shard.file_name() == UNNAMED {
            continue;
        }
        for file in fs::read_dir(shard.path())? {
            take(Path::new(&shard.file_name()), Path::new(&file?.file_name()))?;
        }
    }
    Ok(())
}
