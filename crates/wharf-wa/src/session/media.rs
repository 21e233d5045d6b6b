//! Files on their way to WhatsApp's servers and back. Nothing larger than a buffer is held in memory.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wacore::proto_helpers::MessageExt as _;
use wacore::upload::{EncryptedMediaInfo, UploadSource, encrypt_media_streaming_with_key};
use waproto::whatsapp as wa;
use wharf_api::types::media::MediaKind;
use wharf_core::engine::{Downloaded, Error, Uploaded};
use whatsapp_rust::ErrorChainExt as _;
use whatsapp_rust::client::Client;
use whatsapp_rust::download::{DownloadParams, MediaType};

/// How long one file may take. A hundred megabytes on a slow line take their time.
pub(crate) const LIMIT: Duration = Duration::from_mins(4);
const BUFFER_BYTES: usize = 64 * 1024;

/// A file that WhatsApp's servers hold, and how to open it. Sealed where it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Source {
    kind: MediaKind,
    direct_path: String,
    media_key: Vec<u8>,
    file_sha256: Vec<u8>,
    file_enc_sha256: Vec<u8>,
    size: u64,
}

/// Encrypts the file into `scratch` and brings it to WhatsApp.
pub(crate) async fn upload(client: Arc<Client>, path: PathBuf, kind: MediaKind, scratch: File) -> Result<Uploaded, Error> {
    let media_type = media_type(kind);
    let encrypting = tokio::task::spawn_blocking(move || encrypt(path, scratch, media_type));
    let (source, info) = match encrypting.await {
        Ok(Ok(encrypted)) => encrypted,
        Ok(Err(error)) => return Err(local(&error)),
        Err(error) => return Err(local(&anyhow::Error::from(error))),
    };
    let sidecar = info.streaming_sidecar.clone();
    let uploaded = client.upload_stream(source, info, media_type).await.map_err(|error| failure(&error))?;
    Ok(Uploaded {
        url: uploaded.url,
        direct_path: uploaded.direct_path,
        media_key: uploaded.media_key,
        file_sha256: uploaded.file_sha256,
        file_enc_sha256: uploaded.file_enc_sha256,
        size: uploaded.file_length,
        key_at_secs: uploaded.media_key_timestamp,
        sidecar,
    })
}

fn encrypt(path: PathBuf, scratch: File, media_type: MediaType) -> anyhow::Result<(Encrypted, EncryptedMediaInfo)> {
    let plain = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
    let mut sealed = BufWriter::with_capacity(BUFFER_BYTES, scratch);
    let info = encrypt_media_streaming_with_key(plain, &mut sealed, media_type, None, None)?;
    let file = sealed.into_inner().map_err(io::IntoInnerError::into_error)?;
    let length = file.metadata()?.len();
    Ok((Encrypted { file: Arc::new(file), length }, info))
}

/// The encrypted file. Every try reads it by itself.
struct Encrypted {
    file: Arc<File>,
    length: u64,
}

impl UploadSource for Encrypted {
    fn len(&self) -> u64 {
        self.length
    }

    fn reader_from(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, At { file: Arc::clone(&self.file), offset })))
    }
}

struct At {
    file: Arc<File>,
    offset: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// Fetches and decrypts the file into `scratch`, which then stands at its beginning.
pub(crate) async fn download(client: Arc<Client>, source: Source, scratch: File) -> Result<Downloaded, Error> {
    let params = DownloadParams::encrypted(
        source.direct_path,
        &source.media_key,
        &source.file_sha256,
        &source.file_enc_sha256,
        source.size,
        media_type(source.kind),
    );
    let mut file = client.download_from_params_to_writer(&params, scratch).await.map_err(|error| failure(&error))?;
    file.seek(SeekFrom::Start(0)).map_err(|error| local(&error.into()))?;
    Ok(Downloaded { file, sha256: source.file_sha256.try_into().ok() })
}

/// Where the file of a message is; `None` where the message has none that can be fetched.
pub(crate) fn source(message: &wa::Message) -> Option<Source> {
    let base = message.get_base_message();
    macro_rules! source {
        ($kind:ident, $message:expr) => {{
            let media = $message;
            Some(Source {
                kind: MediaKind::$kind,
                direct_path: media.direct_path.clone()?,
                media_key: media.media_key.clone()?,
                file_sha256: media.file_sha256.clone()?,
                file_enc_sha256: media.file_enc_sha256.clone()?,
                size: media.file_length.unwrap_or_default(),
            })
        }};
    }
    if let Some(image) = base.image_message.as_option() {
        return source!(Image, image);
    }
    if let Some(video) = base.video_message.as_option().or_else(|| base.ptv_message.as_option()) {
        return source!(Video, video);
    }
    if let Some(audio) = base.audio_message.as_option() {
        return source!(Audio, audio);
    }
    if let Some(document) = base.document_message.as_option() {
        return source!(Document, document);
    }
    source!(Sticker, base.sticker_message.as_option()?)
}

const fn media_type(kind: MediaKind) -> MediaType {
    match kind {
        MediaKind::Image => MediaType::Image,
        MediaKind::Video => MediaType::Video,
        MediaKind::Document => MediaType::Document,
        MediaKind::Audio => MediaType::Audio,
        MediaKind::Sticker => MediaType::Sticker,
    }
}

/// The machine's own fault. The library's words may hold addresses with tokens: they are not passed on.
fn local(error: &anyhow::Error) -> Error {
    tracing::error!(%error, "a file could not be encrypted or read");
    Error::Refused("the file could not be read".to_owned())
}

fn failure(error: &anyhow::Error) -> Error {
    if let Some(status) = error.http_status() {
        return Error::Refused(format!("the media server answered {status}"));
    }
    if error.is_transport_unavailable() {
        return Error::NotConnected;
    }
    tracing::warn!("a media server could not be used");
    tracing::debug!(%error, "a media server could not be used");
    Error::Refused("the media server could not be used".to_owned())
}
