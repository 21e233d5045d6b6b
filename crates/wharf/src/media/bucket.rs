//! Files in a bucket that speaks S3, for gateways on more than one machine. A file is written beside first, like in a folder, and
//! brought to the bucket when it is whole; who reads it gets a copy of its own.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::FuturesUnordered;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3Builder;
use object_store::client::{ClientOptions, HttpClient, HttpConnector};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt as _};
use tokio::io::AsyncReadExt as _;
use tokio_util::sync::CancellationToken;
use wharf_api::ids::MediaId;
use wharf_core::media::files::{Facts, Files, Local, MARK, Reading, Writing};
use wharf_wa::Trust;

use super::inspect;
use super::local::{LocalFiles, LocalWriting};

/// What is sent at once; what is larger goes in parts of this size.
const PART_BYTES: u64 = 8 * 1024 * 1024;
/// How many parts of one file are on their way at the same time.
const PARTS: usize = 2;
/// How long a connection to the bucket may take, and one request with its answer.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
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
    pub fn open(settings: &Settings, trust: &Trust, scratch: LocalFiles) -> io::Result<Self> {
        // Somebody may have chosen one before; that one is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let in_the_clear = settings.endpoint.starts_with("http://");
        let bucket = AmazonS3Builder::new()
            .with_endpoint(&settings.endpoint)
            .with_allow_http(in_the_clear)
            .with_http_connector(Believing { trust: trust.clone(), in_the_clear })
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

/// Makes the client that asks the bucket: it believes the certificates that every way out does. All else is as the library has it.
#[derive(Debug)]
struct Believing {
    trust: Trust,
    in_the_clear: bool,
}

impl HttpConnector for Believing {
    #[expect(clippy::disallowed_methods, reason = "the bucket is the operator's own server, named in the settings")]
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("Wharf/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(self.trust.for_http())
            .http1_only()
            .https_only(!self.in_the_clear)
            .connect_timeout(CONNECT_LIMIT)
            .timeout(ANSWER_LIMIT)
            // A packed answer would not be as long as its file.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .build();
        client.map(HttpClient::new).map_err(|error| object_store::Error::Generic { store: "S3", source: error.into() })
    }
}

/// Ids begin with the time: a bucket lists them in their order.
fn place(id: &MediaId) -> Path {
    Path::from_iter(["media", id.as_str()])
}

#[async_trait]
impl Files for BucketFiles {
    async fn ready(&self) -> io::Result<()> {
        self.scratch.ready().await?;
        // No mark, or no bucket: a list tells which.
        if self.owner().await?.is_none() {
            self.bucket.list(Some(&Path::from("media"))).try_next().await.map_err(io::Error::other)?;
        }
        Ok(())
    }

    async fn free_bytes(&self) -> io::Result<u64> {
        self.scratch.free_bytes().await
    }

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

    async fn size(&self, id: &MediaId) -> io::Result<Option<u64>> {
        match self.bucket.head(&place(id)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    async fn read(&self, id: &MediaId, part: Option<Range<u64>>) -> io::Result<Option<Reading>> {
        let options = GetOptions { range: part.map(GetRange::Bounded), ..GetOptions::default() };
        match self.bucket.get_opts(&place(id), options).await {
            Ok(found) => Ok(Some(found.into_stream().map_err(io::Error::other).boxed())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(io::Error::other(error)),
        }
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

    async fn owner(&self) -> io::Result<Option<String>> {
        match self.bucket.get(&Path::from(MARK)).await {
            Ok(found) => {
                let bytes = found.bytes().await.map_err(io::Error::other)?;
                Ok(Some(String::from_utf8_lossy(&bytes).trim().to_owned()))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// Not every server that speaks S3 knows «only if there is none»: of two that mark at the same moment the later one wins, and both read
    /// whose it is before they remove anything.
    async fn mark(&self, installation: &str) -> io::Result<()> {
        self.bucket.put(&Path::from(MARK), format!("{installation}\n").into()).await.map(drop).map_err(io::Error::other)
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
        let (bucket, to, left) = (self.bucket, place(id), CancellationToken::new());
        let _left = left.clone().drop_guard();
        // In a task of its own: whoever waits may leave, and then the bucket must still be told.
        let task = tokio::spawn(async move {
            let mut file = tokio::fs::File::open(&path).await?;
            let size = file.metadata().await?.len();
            if size <= PART_BYTES {
                let whole = read_part(&mut file).await?;
                return bucket.put(&to, whole.into()).await.map(drop).map_err(io::Error::other);
            }
            let mut upload = bucket.put_multipart(&to).await.map_err(io::Error::other)?;
            let brought = tokio::select! {
                brought = bring(&mut *upload, &mut file) => brought,
                () = left.cancelled() => Err(io::ErrorKind::Interrupted.into()),
            };
            // A bucket keeps the parts of what was never completed, and has them paid for.
            if brought.is_err()
                && let Err(error) = upload.abort().await
            {
                tracing::warn!(%error, "parts of a file stay in the bucket");
            }
            brought
        });
        task.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

/// The object is there whole or not at all.
async fn bring(upload: &mut dyn MultipartUpload, file: &mut tokio::fs::File) -> io::Result<()> {
    let mut parts = FuturesUnordered::new();
    loop {
        let part = read_part(file).await?;
        if part.is_empty() {
            break;
        }
        if parts.len() == PARTS {
            parts.try_next().await.map_err(io::Error::other)?;
        }
        parts.push(upload.put_part(part.into()));
    }
    while parts.try_next().await.map_err(io::Error::other)?.is_some() {}
    upload.complete().await.map(drop).map_err(io::Error::other)
}

async fn read_part(file: &mut tokio::fs::File) -> io::Result<Bytes> {
    let mut part = Vec::new();
    file.take(PART_BYTES).read_to_end(&mut part).await?;
    Ok(part.into())
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;
    use wharf_api::ids::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_bucket_tells_sizes_and_whose_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = LocalFiles::open(folder.path().join("media"), 0).unwrap();
        let files = BucketFiles { scratch, bucket: Arc::new(InMemory::new()) };
        let id = MediaId::from_uuid(Uuid::from_u128(7 << 100));
        assert_eq!((files.size(&id).await.unwrap(), files.owner().await.unwrap()), (None, None));
        let mut writing = files.begin().await.unwrap();
        writing.write(Bytes::from_static(b"hello")).await.unwrap();
        writing.finish(&id).await.unwrap();
        files.mark("one").await.unwrap();
        assert_eq!((files.size(&id).await.unwrap(), files.owner().await.unwrap().as_deref()), (Some(5), Some("one")));
    }
}
