//! Files in a bucket that speaks S3, for gateways on more than one machine. A file is written beside first, like in a folder, and
//! brought to the bucket when it is whole; who reads it gets a copy of its own.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wharf_api::ids::MediaId;
use wharf_core::media::files::{Facts, Files, Local, Writing};

use super::inspect;
use super::local::{LocalFiles, LocalWriting};

/// What is sent at once; what is larger goes in parts of this size.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// How many parts of one file are on their way at the same time.
const PARTS: usize = 2;
/// Younger files may be on their way to their rows.
const YOUNG: Duration = Duration::from_hours(1);

/// Where the bucket is and who we are there.
#[derive(Clone)]
pub struct Settings {
    /// `https://…`; plain `http` for a server on this machine or network.
    pub endpoint: String,
    pub bucket: String,
    pub region: String,
    pub access_key: String,
    pub secret_key: String,
}

/// Without the secret: a configuration gets logged.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("endpoint", &self.endpoint).field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

/// A bucket of media, with a folder for what is not whole yet.
pub struct BucketFiles {
    scratch: LocalFiles,
    bucket: Arc<dyn ObjectStore>,
}

impl BucketFiles {
    /// Nothing is asked of the bucket yet.
    pub fn open(settings: &Settings, scratch: LocalFiles) -> io::Result<Self> {
        // Somebody may have chosen one before; that one is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bucket = AmazonS3Builder::new()
            .with_endpoint(&settings.endpoint)
            .with_allow_http(settings.endpoint.starts_with("http://"))
            .with_bucket_name(&settings.bucket)
            .with_region(&settings.region)
            .with_access_key_id(&settings.access_key)
            .with_secret_access_key(&settings.secret_key)
            // Not every server that speaks S3 knows how to delete many at once.
            .with_disable_bulk_delete(true)
            .build()
            .map_err(io::Error::other)?;
        Ok(Self { scratch, bucket: Arc::new(bucket) })
    }
}

/// Ids begin with the time: a bucket lists them in their order.
fn place(id: &MediaId) -> Path {
    Path::from_iter(["media", id.as_str()])
}

#[async_trait]
impl Files for BucketFiles {
    async fn begin(&self) -> io::Result<Box<dyn Writing>> {
        let writing = self.scratch.writing().await?;
        Ok(Box::new(BucketWriting { writing, bucket: Arc::clone(&self.bucket) }))
    }

    async fn open(&self, id: &MediaId) -> io::Result<Option<Local>> {
        let found = match self.bucket.get(&place(id)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(io::Error::other(error)),
        };
        let mut copy = self.scratch.writing().await?;
        let (mut bytes, mut size) = (found.into_stream(), 0);
        while let Some(chunk) = bytes.try_next().await.map_err(io::Error::other)? {
            size += chunk.len() as u64;
            copy.write(chunk).await?;
        }
        let path = copy.into_path().await?;
        Ok(Some(Local { path: path.to_path_buf(), size, guard: Some(Box::new(path)) }))
    }

    async fn facts(&self, id: &MediaId, mime_type: &str) -> io::Result<Facts> {
        match self.open(id).await? {
            Some(local) => inspect::facts(local.path.clone(), mime_type).await,
            None => Ok(Facts::default()),
        }
    }

    async fn scratch(&self) -> io::Result<std::fs::File> {
        self.scratch.scratch().await
    }

    async fn remove(&self, id: &MediaId) -> io::Result<()> {
        match self.bucket.delete(&place(id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    async fn list(&self, after: Option<&MediaId>, limit: usize) -> io::Result<Vec<MediaId>> {
        let (root, from) = (Path::from("media"), after.map_or_else(|| Path::from("media/"), place));
        let mut listed = self.bucket.list_with_offset(Some(&root), &from);
        let mut ids = Vec::new();
        while let Some(object) = listed.try_next().await.map_err(io::Error::other)? {
            let old = std::time::SystemTime::from(object.last_modified).elapsed().is_ok_and(|age| age >= YOUNG);
            let id = object.location.filename().and_then(MediaId::parse);
            ids.extend(id.filter(|id| old && after.is_none_or(|after| id > after)));
            if ids.len() == limit {
                break;
            }
        }
        Ok(ids)
    }
}

struct BucketWriting {
    writing: LocalWriting,
    bucket: Arc<dyn ObjectStore>,
}

#[async_trait]
impl Writing for BucketWriting {
    async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        self.writing.write(bytes).await
    }

    async fn facts(&mut self, mime_type: &str) -> io::Result<Facts> {
        self.writing.facts(mime_type).await
    }

    async fn finish(self: Box<Self>, id: &MediaId) -> io::Result<()> {
        let path = self.writing.into_path().await?;
        let mut file = tokio::fs::File::open(&path).await?;
        let mut object = BufWriter::with_capacity(self.bucket, place(id), PART_BYTES).with_max_concurrency(PARTS);
        let mut chunk = vec![0; 256 * 1024];
        loop {
            let read = file.read(&mut chunk).await?;
            if read == 0 {
                break;
            }
            object.write_all(&chunk[..read]).await?;
        }
        // The object is there whole or not at all.
        object.shutdown().await
    }
}
