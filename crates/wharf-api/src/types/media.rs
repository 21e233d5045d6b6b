//! Media on the wire: files that were uploaded or received, and what a message says of its file.

use serde::{Deserialize, Serialize};

use crate::ids::MediaId;
use crate::{Timestamp, limits};

/// What a file is shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    Image,
    Video,
    Document,
    Audio,
    Sticker,
}

impl MediaKind {
    pub const ALL: &'static [Self] = &[Self::Image, Self::Video, Self::Document, Self::Audio, Self::Sticker];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Document => "document",
            Self::Audio => "audio",
            Self::Sticker => "sticker",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }

    /// The most bytes that such a file may have.
    pub const fn limit_bytes(self) -> u64 {
        match self {
            Self::Image => limits::IMAGE_BYTES,
            Self::Video => limits::VIDEO_BYTES,
            Self::Document => limits::DOCUMENT_BYTES,
            Self::Audio => limits::AUDIO_BYTES,
            Self::Sticker => limits::STICKER_BYTES,
        }
    }

    /// Whether words can stand under it.
    pub const fn has_caption(self) -> bool {
        matches!(self, Self::Image | Self::Video | Self::Document)
    }
}

/// A stored file, as `POST /v1/media` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    pub media_id: MediaId,
    pub media_type: MediaKind,
    /// Read from the bytes, and among what they allow from what its sender, its name or its server says.
    pub mime_type: String,
    pub size_bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub duration_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file_name: Option<String>,
    /// From then on the file is gone.
    pub expires_at: Timestamp,
}

/// How far a message's file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaStatus {
    /// It is still being fetched from WhatsApp.
    Pending,
    /// `GET /v1/media/{mediaId}` serves it.
    #[default]
    Stored,
    /// It could not be fetched; `mediaReason` says why.
    Failed,
}

impl MediaStatus {
    pub const ALL: &'static [Self] = &[Self::Pending, Self::Stored, Self::Failed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Stored => "stored",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.as_str() == text)
    }
}

/// What a message says of its file. The aliases are how older programs wrote it down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaContent {
    pub media_id: MediaId,
    #[serde(alias = "mediaState")]
    pub media_status: MediaStatus,
    /// Why the file could not be fetched.
    #[serde(alias = "mediaError", skip_serializing_if = "Option::is_none", default)]
    pub media_reason: Option<String>,
    pub mime_type: String,
    /// Of a file that is not stored yet, what its sender says.
    #[serde(alias = "size")]
    pub size_bytes: u64,
    /// In hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub caption: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub height: Option<u32>,
    #[serde(alias = "seconds", skip_serializing_if = "Option::is_none", default)]
    pub duration_seconds: Option<u32>,
    /// A voice note, as opposed to an audio file.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub voice: bool,
}

/// `POST /v1/messages/media`. Exactly one of `mediaUrl`, `mediaId` and `data` names the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "the members of a request, each with a name of its own on the wire")]
pub struct SendMedia {
    pub session_id: String,
    /// A phone number in international format, a group or LID id, or `status`.
    pub to: String,
    /// Of a status: the phone numbers or LIDs of those whom it is for, 1 to 1024.
    #[serde(skip_serializing_if = "Vec::is_empty", default, deserialize_with = "crate::types::or_default")]
    pub audience: Vec<String>,
    pub media_type: MediaKind,
    /// Where the file is on the web.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub media_url: Option<String>,
    /// A file that was uploaded or received before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub media_id: Option<String>,
    /// The file in Base64.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub caption: Option<String>,
    /// Of a document.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file_name: Option<String>,
    /// Of audio: a voice note, which must be Ogg with Opus.
    #[serde(default, deserialize_with = "crate::types::or_default")]
    pub voice: bool,
    /// Of an image, a video or a voice note: can be opened once.
    #[serde(default, deserialize_with = "crate::types::or_default")]
    pub view_once: bool,
    /// The message that this one answers, of the same chat.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reply_to: Option<String>,
    /// Phone numbers or LIDs. Who reads the caption sees a name where `@` and the digits stand in it.
    #[serde(skip_serializing_if = "Vec::is_empty", default, deserialize_with = "crate::types::or_default")]
    pub mentions: Vec<String>,
    /// It is shown as forwarded.
    #[serde(skip_serializing_if = "std::ops::Not::not", default, deserialize_with = "crate::types::or_default")]
    pub forwarded: bool,
    /// Answer as soon as the message is durable instead of waiting for WhatsApp.
    #[serde(rename = "async", default, deserialize_with = "crate::types::or_default")]
    pub asynchronous: bool,
    /// The caller's own name for the message: it stands on it from then on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<String>,
    /// Say what would happen, and send and count nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not", default, deserialize_with = "crate::types::or_default")]
    pub dry_run: bool,
}
