//! The port to where files lie: written once under an id, read often, removed once.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use wharf_api::ids::MediaId;

/// What names the installation that files belong to, beside them.
pub const MARK: &str = "wharf-installation";

/// Keeps the bytes of media. What a crash leaves half written is never seen under an id.
#[async_trait]
pub trait Files: Send + Sync + 'static {
    /// Whether a file could be begun now. Asked often: it says nothing aloud.
    async fn ready(&self) -> io::Result<()>;

    /// How many bytes are free where files are written first.
    async fn free_bytes(&self) -> io::Result<u64>;

    /// Begins a file without a name. Dropping it leaves nothing.
    async fn begin(&self) -> io::Result<Box<dyn Writing>>;

    /// The file of that id on this machine; `None` where there is none.
    async fn open(&self, id: &MediaId) -> io::Result<Option<Local>>;

    /// How many bytes the file of that id has; `None` where there is none. Nothing is read.
    async fn size(&self, id: &MediaId) -> io::Result<Option<u64>>;

    /// The bytes of that file, or of one part of it; `None` where there is no such file. Nothing else of it is moved.
    async fn read(&self, id: &MediaId, part: Option<Range<u64>>) -> io::Result<Option<Reading>>;

    /// What the file of that id shows besides its type.
    async fn facts(&self, id: &MediaId, mime_type: &str) -> io::Result<Facts>;

    /// An empty file without a name, which is gone when it is closed.
    async fn scratch(&self) -> io::Result<File>;

    /// Removes the file. One that is not there is no error.
    async fn remove(&self, id: &MediaId) -> io::Result<()>;

    /// The installation that these files belong to, if they bear a mark.
    async fn owner(&self) -> io::Result<Option<String>>;

    /// Marks the files as that installation's.
    async fn mark(&self, installation: &str) -> io::Result<()>;

    /// Some of the ids that have files and are older than an hour, after `after` in the order of ids.
    async fn list(&self, after: Option<&MediaId>, limit: usize) -> io::Result<Vec<MediaId>>;
}

/// The bytes of a file as they come.
pub type Reading = BoxStream<'static, io::Result<Bytes>>;

/// A file on this machine for as long as this lives.
pub struct Local {
    pub path: PathBuf,
    pub size: u64,
    /// Removes a copy that was fetched for this reader alone.
    pub guard: Option<Box<dyn Send + Sync>>,
}

/// A file that is being written.
#[async_trait]
pub trait Writing: Send {
    async fn write(&mut self, bytes: Bytes) -> io::Result<()>;

    /// What the bytes show besides their type. Reads bounded parts of the file.
    async fn facts(&mut self, mime_type: &str) -> io::Result<Facts>;

    /// Makes the file durable under its id.
    async fn finish(self: Box<Self>, id: &MediaId) -> io::Result<()>;
}

/// What a file shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub seconds: Option<u32>,
    /// What plays in a file of MPEG-4, where that could be seen.
    pub tracks: Option<Tracks>,
    /// A small JPEG of an image.
    pub thumbnail: Option<Vec<u8>>,
}

/// What plays in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tracks {
    pub film: bool,
    pub sound: bool,
}

/// Nowhere: for tools and tests without files.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

#[async_trait]
impl Files for NoFiles {
    async fn ready(&self) -> io::Result<()> {
        Ok(())
    }

    async fn free_bytes(&self) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn begin(&self) -> io::Result<Box<dyn Writing>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn open(&self, _id: &MediaId) -> io::Result<Option<Local>> {
        Ok(None)
    }

    async fn size(&self, _id: &MediaId) -> io::Result<Option<u64>> {
        Ok(None)
    }

    async fn read(&self, _id: &MediaId, _part: Option<Range<u64>>) -> io::Result<Option<Reading>> {
        Ok(None)
    }

    async fn facts(&self, _id: &MediaId, _mime_type: &str) -> io::Result<Facts> {
        Ok(Facts::default())
    }

    async fn scratch(&self) -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn remove(&self, _id: &MediaId) -> io::Result<()> {
        Ok(())
    }

    async fn owner(&self) -> io::Result<Option<String>> {
        Ok(None)
    }

    async fn mark(&self, _installation: &str) -> io::Result<()> {
        Ok(())
    }

    async fn list(&self, _after: Option<&MediaId>, _limit: usize) -> io::Result<Vec<MediaId>> {
        Ok(Vec::new())
    }
}
