//! A file to WhatsApp: encrypted once, and brought there by as many tries as it takes.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wacore::upload::{EncryptedMediaInfo, UploadSource, encrypt_media_streaming_with_key};
use wharf_api::types::media::MediaKind;
use wharf_core::engine::{Error, Uploaded};
use whatsapp_rust::ErrorChainExt as _;
use whatsapp_rust::client::Client;
use whatsapp_rust::download::MediaType;

use super::{failure, local, media_type};

const BUFFER_BYTES: usize = 64 * 1024;
/// How long is waited before each further try. The library asks the server how much of a large file it has and sends the rest.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

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
    let mut pauses = PAUSES.iter();
    let uploaded = loop {
        match client.upload_stream(source.clone(), same(&info), media_type).await {
            Ok(uploaded) => break uploaded,
            Err(error) => match pauses.next() {
                Some(pause) if passes(&error) => {
                    tracing::info!("an upload was cut; it is taken up again");
                    tokio::time::sleep(*pause).await;
                }
                _ => return Err(failure(&error)),
            },
        }
    };
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

/// Whether another try may help: the connection was cut, or the server is in trouble.
fn passes(error: &anyhow::Error) -> bool {
    match error.http_status() {
        Some(status) => status >= 500 || matches!(status, 408 | 429),
        None => !error.is_transport_unavailable(),
    }
}

/// The library takes what it is told of a file for good at every try.
fn same(info: &EncryptedMediaInfo) -> EncryptedMediaInfo {
    EncryptedMediaInfo {
        media_key: info.media_key,
        file_sha256: info.file_sha256,
        file_enc_sha256: info.file_enc_sha256,
        file_length: info.file_length,
        streaming_sidecar: info.streaming_sidecar.clone(),
    }
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
#[derive(Clone)]
struct Encrypted {
    file: Arc<File>,
    length: u64,
}

impl UploadSource for Encrypted {
    fn len(&self) -> u64 {
        self.length
    }

    fn reader_from(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, FileAt { file: Arc::clone(&self.file), offset })))
    }
}

struct FileAt {
    file: Arc<File>,
    offset: u64,
}

impl Read for FileAt {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}
