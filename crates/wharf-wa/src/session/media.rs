//! Files on their way to WhatsApp's servers and back. Nothing larger than a buffer is held in memory.

mod download;
mod upload;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wacore::proto_helpers::MessageExt as _;
use wacore::types::message::MessageInfo;
use wacore_binary::JidExt as _;
use waproto::whatsapp as wa;
use wharf_api::types::media::MediaKind;
use wharf_core::engine::Error;
use whatsapp_rust::ErrorChainExt as _;
use whatsapp_rust::download::MediaType;

pub(crate) use download::download;
pub(crate) use upload::upload;

/// How long one file may take. A hundred megabytes on a slow line take their time.
pub(crate) const LIMIT: Duration = Duration::from_mins(4);

/// A file that WhatsApp's servers hold, and how to open it. Sealed where it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Source {
    kind: MediaKind,
    direct_path: String,
    media_key: Vec<u8>,
    file_sha256: Vec<u8>,
    file_enc_sha256: Vec<u8>,
    size: u64,
    /// Absent in what was stored before it was asked for.
    #[serde(default)]
    origin: Option<Origin>,
}

/// The message that the file came with, as the phone knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    wa_id: String,
    chat: String,
    from_me: bool,
    /// Who wrote, in a group.
    participant: Option<String>,
}

impl Source {
    /// The file of a message that came in; `None` where the message has none that can be fetched.
    pub(crate) fn of(message: &wa::Message, info: &MessageInfo) -> Option<Self> {
        let place = &info.source;
        let origin = Origin {
            wa_id: info.id.clone(),
            chat: place.chat.to_non_ad_string(),
            from_me: place.is_from_me,
            participant: (place.is_group || place.chat.is_group()).then(|| place.sender.to_non_ad_string()),
        };
        Some(Self { origin: Some(origin), ..source(message)? })
    }
}

fn source(message: &wa::Message) -> Option<Source> {
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
                origin: None,
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
