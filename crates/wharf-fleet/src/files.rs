//! Files that go from one node to another: the one that has a file hands it out in pieces, as often as the other asks.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::{Client, Request, Subscriber};
use bytes::Bytes;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

/// A piece; a NATS server takes 1 MB in one message, where nobody says otherwise.
const PIECE: usize = 512 * 1024;
/// How long a piece is waited for.
const LIMIT: Duration = Duration::from_secs(10);
/// In front of a piece, and alone where the file is there no more.
const HERE: u8 = b'+';
const GONE: u8 = b'-';

/// A file that another node hands out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Away {
    pub(crate) node: String,
    pub(crate) file: u64,
    pub(crate) size: u64,
}

/// The files that this node hands out at this moment, and the folder where it puts those of others.
pub(crate) struct Shelf {
    folder: PathBuf,
    files: Mutex<HashMap<u64, Arc<File>>>,
    next: AtomicU64,
}

/// A file is handed out as long as this lives.
pub(crate) struct Lent {
    shelf: Arc<Shelf>,
    pub(crate) file: u64,
    pub(crate) size: u64,
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.shelf.files().remove(&self.file);
    }
}

impl Shelf {
    /// What a process left that ended in the middle goes.
    pub(crate) fn clear(folder: &Path) -> io::Result<Self> {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => std::fs::create_dir_all(folder)?,
        }
        Ok(Self { folder: folder.to_owned(), files: Mutex::default(), next: AtomicU64::default() })
    }

    fn files(&self) -> MutexGuard<'_, HashMap<u64, Arc<File>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lend(self: &Arc<Self>, path: &Path) -> io::Result<Lent> {
        let opened = File::open(path)?;
        let size = opened.metadata()?.len();
        let file = self.next.fetch_add(1, Ordering::Relaxed);
        self.files().insert(file, Arc::new(opened));
        Ok(Lent { shelf: Arc::clone(self), file, size })
    }

    /// Brings a file of another node here.
    pub(crate) async fn fetch(&self, nats: &Client, away: &Away) -> io::Result<NamedTempFile> {
        let here = NamedTempFile::new_in(&self.folder)?;
        let writing = Arc::new(here.reopen()?);
        let mut at = 0;
        while at < away.size {
            let piece = ask(nats, away, at).await?;
            let (file, next) = (Arc::clone(&writing), at + piece.len() as u64);
            off_the_runtime(move || file.write_all_at(&piece, at)).await?;
            at = next;
        }
        Ok(here)
    }
}

async fn ask(nats: &Client, away: &Away, at: u64) -> io::Result<Bytes> {
    let request = Request::new().payload(at.to_string().into()).timeout(Some(LIMIT));
    let message = nats.send_request(subject(&away.node, &away.file.to_string()), request).await.map_err(io::Error::other)?;
    match message.payload.first() {
        // A file that was longer a moment ago would never come to its end.
        Some(&HERE) if message.payload.len() > 1 => Ok(message.payload.slice(1..)),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// Where a node hears who wants a piece of a file.
pub(crate) fn subject(node: &str, file: &str) -> String {
    format!("wharf.1.file.{node}.{file}")
}

/// Answers with the pieces that are asked for.
pub(crate) async fn hand_out(mut wanted: Subscriber, nats: Client, shelf: Arc<Shelf>) {
    while let Some(message) = wanted.next().await {
        let Some(reply) = message.reply else { continue };
        let file = message.subject.rsplit('.').next().and_then(|file| file.parse::<u64>().ok());
        let at = std::str::from_utf8(&message.payload).ok().and_then(|at| at.parse::<u64>().ok());
        let opened = file.and_then(|file| shelf.files().get(&file).cloned());
        let nats = nats.clone();
        tokio::spawn(async move {
            let read = match (opened, at) {
                (Some(file), Some(at)) => off_the_runtime(move || piece(&file, at)).await,
                _ => Err(io::ErrorKind::NotFound.into()),
            };
            let payload = read.unwrap_or_else(|_| vec![GONE]);
            if let Err(error) = nats.publish(reply, payload.into()).await {
                tracing::debug!(%error, "a piece of a file did not go out");
            }
        });
    }
}

fn piece(file: &File, at: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![HERE; PIECE + 1];
    let read = file.read_at(&mut bytes[1..], at)?;
    bytes.truncate(read + 1);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_handed_out_in_pieces_while_it_is_lent() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Arc::new(Shelf::clear(&folder.path().join("fleet")).unwrap());
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..PIECE + 3).map(|at| u8::try_from(at % 251).unwrap()).collect();
        std::fs::write(&path, &bytes).unwrap();
        let lent = shelf.lend(&path).unwrap();
        assert_eq!(lent.size, bytes.len() as u64);
        let file = shelf.files().get(&lent.file).cloned().unwrap();
        let (first, rest) = (piece(&file, 0).unwrap(), piece(&file, PIECE as u64).unwrap());
        assert_eq!((first[0], &first[1..]), (HERE, &bytes[..PIECE]));
        assert_eq!((rest[0], &rest[1..]), (HERE, &bytes[PIECE..]));
        drop(lent);
        assert!(shelf.files().is_empty());
    }

    #[test]
    fn what_an_earlier_process_left_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("fleet");
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("left"), b"half a file").unwrap();
        Shelf::clear(&own).unwrap();
        assert_eq!(std::fs::read_dir(&own).unwrap().count(), 0);
    }
}
