//! Files in a folder: written beside, made durable, then named.

use std::fs::{self, File};
use std::io::{self, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use tempfile::TempPath;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio_util::io::ReaderStream;
use wharf_api::ids::MediaId;
use wharf_core::media::files::{Facts, Files, Local, MARK, Reading, Writing};

use super::inspect;

/// Files that are being written. Emptied at the start: what lies there then belongs to nobody.
const UNNAMED: &str = "incoming";
/// A folder for each 24 bits of the clock that an id begins with, which is four and a half hours: folders stay small,
/// and files are listed in the order of their ids.
const SHARD: std::ops::Range<usize> = MediaId::PREFIX.len()..MediaId::PREFIX.len() + 6;
/// Younger files may be on their way to their rows.
const YOUNG: Duration = Duration::from_hours(1);

/// How much is read at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// After how many bytes of one file the disk is asked again whether it has room.
const ASKED_BYTES: u64 = 8 * 1024 * 1024;
/// How often a file is given its name while removals take its folder away.
const NAMINGS: usize = 16;

/// A folder of media.
pub struct LocalFiles {
    root: PathBuf,
    /// No file is begun or goes on while the disk has less room, in bytes: the database may lie on it too.
    floor: u64,
    /// Whether no file could be begun the last time. The log is told when that changes.
    away: AtomicBool,
}

impl LocalFiles {
    /// Opens the folder, or makes it. One process at a time. No file is begun while its disk has less than `floor` bytes left.
    pub fn open(root: PathBuf, floor: u64) -> io::Result<Self> {
        let unnamed = root.join(UNNAMED);
        match fs::remove_dir_all(&unnamed) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&unnamed)?,
        }
        Ok(Self { root, floor, away: AtomicBool::new(false) })
    }

    /// The folder as another process uses it: for reading alone. Nothing is made or emptied.
    pub const fn beside(root: PathBuf) -> Self {
        Self { root, floor: 0, away: AtomicBool::new(false) }
    }

    /// A file without a name, which goes when nobody gives it one.
    pub(super) async fn writing(&self) -> io::Result<LocalWriting> {
        let (root, unnamed) = (self.root.clone(), self.root.join(UNNAMED));
        let floor = self.floor;
        let begin = move || Ok(tempfile::Builder::new().prefix("in-").tempfile_in(unnamed)?.into_parts());
        let (file, path) = self.begin_with(begin).await?;
        Ok(LocalWriting { root, floor, unasked: 0, file: tokio::fs::File::from_std(file), path })
    }

    /// Begins a file where one can be begun, and says once in the log when none can, and when one can again.
    async fn begin_with<T: Send + 'static>(&self, begin: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
        let (unnamed, floor) = (self.root.join(UNNAMED), self.floor);
        let begun = blocking(move || ready(&unnamed, floor).and_then(|()| begin())).await;
        match &begun {
            Err(error) if !self.away.swap(true, Ordering::Relaxed) => {
                tracing::error!(folder = %self.root.display(), %error, "no file can be taken in; texts go on, received files wait");
            }
            Ok(_) if self.away.swap(false, Ordering::Relaxed) => {
                tracing::info!(folder = %self.root.display(), "files are taken in again");
            }
            _ => {}
        }
        begun
    }

    fn path(&self, id: &MediaId) -> PathBuf {
        self.root.join(&id.as_str()[SHARD]).join(id.as_str())
    }
}

#[async_trait]
impl Files for LocalFiles {
    async fn ready(&self) -> io::Result<()> {
        let (unnamed, floor) = (self.root.join(UNNAMED), self.floor);
        blocking(move || ready(&unnamed, floor)).await
    }

    async fn free_bytes(&self) -> io::Result<u64> {
        let root = self.root.clone();
        blocking(move || fs4::available_space(root)).await
    }

    async fn begin(&self) -> io::Result<Box<dyn Writing>> {
        Ok(Box::new(self.writing().await?))
    }

    async fn open(&self, id: &MediaId) -> io::Result<Option<Local>> {
        let size = self.size(id).await?;
        Ok(size.map(|size| Local { path: self.path(id), size, guard: None }))
    }

    async fn size(&self, id: &MediaId) -> io::Result<Option<u64>> {
        match tokio::fs::metadata(self.path(id)).await {
            Ok(found) => Ok(Some(found.len())),
            // A folder that is away says nothing of its files.
            Err(error) if error.kind() == io::ErrorKind::NotFound && tokio::fs::try_exists(&self.root).await? => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read(&self, id: &MediaId, part: Option<Range<u64>>) -> io::Result<Option<Reading>> {
        let mut file = match tokio::fs::File::open(self.path(id)).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound && tokio::fs::try_exists(&self.root).await? => return Ok(None),
            Err(error) => return Err(error),
        };
        let part = part.unwrap_or(0..u64::MAX);
        file.seek(SeekFrom::Start(part.start)).await?;
        Ok(Some(ReaderStream::with_capacity(file.take(part.end - part.start), CHUNK_BYTES).boxed()))
    }

    async fn facts(&self, id: &MediaId, mime_type: &str) -> io::Result<Facts> {
        inspect::facts(self.path(id), mime_type).await
    }

    async fn scratch(&self) -> io::Result<File> {
        let unnamed = self.root.join(UNNAMED);
        self.begin_with(move || tempfile::tempfile_in(unnamed)).await
    }

    async fn remove(&self, id: &MediaId) -> io::Result<()> {
        let path = self.path(id);
        blocking(move || {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            // Only an empty folder goes.
            let _ = path.parent().map(fs::remove_dir);
            Ok(())
        })
        .await
    }

    async fn owner(&self) -> io::Result<Option<String>> {
        match tokio::fs::read_to_string(self.root.join(MARK)).await {
            Ok(owner) => Ok(Some(owner.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn mark(&self, installation: &str) -> io::Result<()> {
        let (mark, unnamed, line) = (self.root.join(MARK), self.root.join(UNNAMED), format!("{installation}\n"));
        self.begin_with(move || {
            let mut file = tempfile::NamedTempFile::new_in(unnamed)?;
            io::Write::write_all(&mut file, line.as_bytes())?;
            file.as_file().sync_all()?;
            match file.persist_noclobber(mark) {
                // Somebody was faster: who reads sees whose it is.
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                marked => marked.map(drop).map_err(|error| error.error),
            }
        })
        .await
    }

    async fn list(&self, after: Option<&MediaId>, limit: usize) -> io::Result<Vec<MediaId>> {
        let (root, after) = (self.root.clone(), after.cloned());
        blocking(move || list(&root, after.as_ref(), limit)).await
    }
}

/// Makes sure that a file can be begun. The folder of all files is never made anew here: where it is away, a disk may be, and what were
/// written in its place would be hidden when it comes back.
fn ready(unnamed: &Path, floor: u64) -> io::Result<()> {
    match fs::create_dir(unnamed) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // A disk that turned read-only still shows its folders, and one that is full for us alone its room.
    tempfile::tempfile_in(unnamed)?.write_all(&[0])?;
    has_room(unnamed, floor)
}

fn has_room(folder: &Path, floor: u64) -> io::Result<()> {
    if fs4::available_space(folder)? < floor { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
}

fn list(root: &Path, after: Option<&MediaId>, limit: usize) -> io::Result<Vec<MediaId>> {
    let from = after.map(|id| &id.as_str()[SHARD]);
    let mut shards: Vec<String> = names(root)?.into_iter().filter(|name| name.len() == SHARD.len()).collect();
    shards.retain(|name| from.is_none_or(|from| name.as_str() >= from));
    shards.sort();
    let mut found = Vec::new();
    for shard in shards {
        let folder = root.join(shard);
        let mut ids: Vec<MediaId> = names(&folder)?.iter().filter_map(|name| MediaId::parse(name)).collect();
        ids.retain(|id| after.is_none_or(|after| id > after) && is_old(&folder.join(id.as_str())));
        ids.sort();
        found.extend(ids);
        if found.len() >= limit {
            found.truncate(limit);
            break;
        }
    }
    Ok(found)
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

fn is_old(path: &Path) -> bool {
    fs::metadata(path).and_then(|found| found.modified()).is_ok_and(|at| at.elapsed().is_ok_and(|age| age >= YOUNG))
}

pub(super) struct LocalWriting {
    root: PathBuf,
    floor: u64,
    /// What was written since the disk was asked for room.
    unasked: u64,
    file: tokio::fs::File,
    /// Removes the file unless it got its name.
    path: TempPath,
}

impl LocalWriting {
    /// Everything that was written, as a file that goes with its path.
    pub(super) async fn into_path(mut self) -> io::Result<TempPath> {
        self.file.flush().await?;
        Ok(self.path)
    }
}

#[async_trait]
impl Writing for LocalWriting {
    async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        self.unasked += bytes.len() as u64;
        if self.unasked >= ASKED_BYTES {
            self.unasked = 0;
            let (folder, floor) = (self.root.join(UNNAMED), self.floor);
            blocking(move || has_room(&folder, floor)).await?;
        }
        self.file.write_all(&bytes).await
    }

    async fn facts(&mut self, mime_type: &str) -> io::Result<Facts> {
        self.file.flush().await?;
        inspect::facts(self.path.to_path_buf(), mime_type).await
    }

    async fn finish(mut self: Box<Self>, id: &MediaId) -> io::Result<()> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        let Self { root, path, .. } = *self;
        let (folder, name) = (root.join(&id.as_str()[SHARD]), id.as_str().to_owned());
        blocking(move || {
            persist(path, &root, &folder, &name)?;
            File::open(&folder)?.sync_all()
        })
        .await
    }
}

/// Gives the file its name. A removal next to it takes the folder away while it is empty: then it is made again.
fn persist(mut path: TempPath, root: &Path, folder: &Path, name: &str) -> io::Result<()> {
    for naming in 1.. {
        if !folder.exists() {
            fs::create_dir(folder).or_else(|error| if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })?;
            File::open(root)?.sync_all()?;
        }
        match path.persist(folder.join(name)) {
            Err(failed) if failed.error.kind() == io::ErrorKind::NotFound && naming < NAMINGS => path = failed.path,
            named => return named.map_err(|failed| failed.error),
        }
    }
    unreachable!("the last naming returns")
}

pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use wharf_api::ids::Uuid;

    use super::*;

    fn id(n: u128) -> MediaId {
        MediaId::from_uuid(Uuid::from_u128(n))
    }

    async fn put(files: &LocalFiles, id: &MediaId, bytes: &'static [u8]) {
        let mut writing = files.begin().await.unwrap();
        writing.write(Bytes::from_static(bytes)).await.unwrap();
        writing.finish(id).await.unwrap();
    }

    #[tokio::test]
    async fn a_file_is_there_when_it_is_finished_and_gone_when_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let files = LocalFiles::open(folder.path().join("media"), 0).unwrap();
        let one = id(7 << 100);
        assert!(files.open(&one).await.unwrap().is_none());
        put(&files, &one, b"hello").await;
        let local = files.open(&one).await.unwrap().unwrap();
        assert_eq!((local.size, fs::read(&local.path).unwrap().as_slice()), (5, b"hello".as_slice()));
        files.remove(&one).await.unwrap();
        files.remove(&one).await.unwrap();
        assert!(files.open(&one).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn no_file_is_begun_on_a_disk_that_is_nearly_full() {
        let folder = tempfile::tempdir().unwrap();
        let files = LocalFiles::open(folder.path().join("media"), u64::MAX).unwrap();
        assert_eq!(files.begin().await.err().map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
        assert_eq!(files.scratch().await.err().map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
    }

    #[tokio::test]
    async fn a_file_stops_growing_when_the_disk_is_nearly_full() {
        let folder = tempfile::tempdir().unwrap();
        let files = LocalFiles::open(folder.path().join("media"), 0).unwrap();
        let mut writing = files.writing().await.unwrap();
        let chunk = Bytes::from(vec![7; 1024 * 1024]);
        for _ in 0..9 {
            writing.write(chunk.clone()).await.unwrap();
        }
        // The disk fills up.
        writing.floor = u64::MAX;
        let mut written = 0;
        let error = loop {
            match writing.write(chunk.clone()).await {
                Ok(()) => written += chunk.len() as u64,
                Err(error) => break error,
            }
            assert!(written < ASKED_BYTES);
        };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        drop(writing);
        assert!(names(&folder.path().join("media").join(UNNAMED)).unwrap().is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_file_is_named_while_the_others_of_its_folder_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let files = std::sync::Arc::new(LocalFiles::open(folder.path().join("media"), 0).unwrap());
        let lanes = (0..8).map(|lane| {
            let files = std::sync::Arc::clone(&files);
            tokio::spawn(async move {
                for n in 0..200 {
                    let id = id(lane * 1000 + n);
                    put(&files, &id, b"x").await;
                    files.remove(&id).await.unwrap();
                }
            })
        });
        for lane in lanes.collect::<Vec<_>>() {
            lane.await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("media");
        let files = LocalFiles::open(root.clone(), 0).unwrap();
        let mut writing = files.begin().await.unwrap();
        writing.write(Bytes::from_static(b"half")).await.unwrap();
        assert_eq!(names(&root.join(UNNAMED)).unwrap().len(), 1);
        drop(writing);
        assert!(names(&root.join(UNNAMED)).unwrap().is_empty());
        // What a killed process left.
        fs::write(root.join(UNNAMED).join("in-old"), b"half").unwrap();
        LocalFiles::open(root.clone(), 0).unwrap();
        assert!(names(&root.join(UNNAMED)).unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_first_mark_stays() {
        let folder = tempfile::tempdir().unwrap();
        let files = LocalFiles::open(folder.path().join("media"), 0).unwrap();
        assert_eq!(files.owner().await.unwrap(), None);
        for name in ["one", "two"] {
            files.mark(name).await.unwrap();
            assert_eq!(files.owner().await.unwrap().as_deref(), Some("one"));
        }
    }

    #[tokio::test]
    async fn a_folder_that_is_away_is_no_file_that_is_gone_and_is_not_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("media");
        let files = LocalFiles::open(root.clone(), 0).unwrap();
        assert_eq!(files.size(&id(1)).await.unwrap(), None);
        fs::remove_dir_all(&root).unwrap();
        let kind = |error: Option<io::Error>| error.map(|error| error.kind());
        assert_eq!(kind(files.size(&id(1)).await.err()), Some(io::ErrorKind::NotFound));
        assert_eq!(kind(files.read(&id(1), None).await.err()), Some(io::ErrorKind::NotFound));
        assert_eq!(kind(files.begin().await.err()), Some(io::ErrorKind::NotFound));
        assert!(!root.exists());
        fs::create_dir(&root).unwrap();
        put(&files, &id(1), b"back").await;
    }

    #[tokio::test]
    async fn old_files_are_listed_in_the_order_of_their_ids() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("media");
        let files = LocalFiles::open(root.clone(), 0).unwrap();
        let ids = [id(9 << 110), id(1), id(2), id(5 << 105), id(3 << 108)];
        let long_ago = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for id in &ids {
            put(&files, id, b"x").await;
            File::options().write(true).open(files.path(id)).unwrap().set_modified(long_ago).unwrap();
        }
        put(&files, &id(3), b"young").await;
        let mut sorted = ids.to_vec();
        sorted.sort();
        assert_eq!(files.list(None, 10).await.unwrap(), sorted);
        assert_eq!(files.list(None, 2).await.unwrap(), sorted[..2]);
        assert_eq!(files.list(Some(&sorted[1]), 2).await.unwrap(), sorted[2..4]);
        assert!(files.list(sorted.last(), 2).await.unwrap().is_empty());
    }
}
