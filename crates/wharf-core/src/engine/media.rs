//! Files as the engine and the rules speak of them.

use std::fs::File;

use serde::{Deserialize, Serialize};
use wharf_api::types::media::MediaKind;

/// A file that WhatsApp's servers hold, encrypted under a key that is frozen with its message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uploaded {
    pub url: String,
    pub direct_path: String,
    pub media_key: [u8; 32],
    pub file_sha256: [u8; 32],
    pub file_enc_sha256: [u8; 32],
    /// Of the file before it was encrypted.
    pub size: u64,
    /// When the key was made, in seconds since the epoch.
    pub key_at_secs: i64,
    pub sidecar: Option<Vec<u8>>,
}

/// What a message with a file is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    pub kind: MediaKind,
    pub file: Uploaded,
    pub mime_type: String,
    pub caption: Option<String>,
    pub file_name: Option<String>,
    pub voice: bool,
    pub view_once: bool,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub seconds: Option<u32>,
    /// A small JPEG.
    pub thumbnail: Option<Vec<u8>>,
}

/// A file that was fetched, opened and checked, at its beginning.
#[derive(Debug)]
pub struct Downloaded {
    pub file: File,
    /// What its sender says that it is.
    pub sha256: Option<[u8; 32]>,
}
