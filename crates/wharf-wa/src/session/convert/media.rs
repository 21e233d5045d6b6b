//! What a message says of its file.

use wacore::proto_helpers::MessageExt as _;
use waproto::whatsapp as wa;
use wharf_api::ids::{MediaId, MessageId};
use wharf_api::types::media::{MediaContent, MediaKind, MediaStatus};
use wharf_api::types::message::Content;
use wharf_core::media::keep;

/// The file of a message has the message's own number.
pub(crate) fn id(message: &MessageId) -> MediaId {
    let number = message.as_str().trim_start_matches(MessageId::PREFIX);
    MediaId::parse(&format!("{}{number}", MediaId::PREFIX)).expect("the two ids differ in their prefix only")
}

/// The content of a message with a file; `None` where it has none. `id` is the file's.
pub(super) fn of(base: &wa::Message, id: &MediaId) -> Option<Content> {
    macro_rules! content {
        ($message:expr, { $($field:ident: $value:expr),* $(,)? }) => {
            MediaContent {
                $($field: $value,)*
                ..bare(base, id, $message.mimetype.as_deref(), $message.file_length)
            }
        };
    }
    if let Some(image) = base.image_message.as_option() {
        return Some(MediaKind::Image.content(content!(image, { width: image.width, height: image.height })));
    }
    if let Some(video) = base.video_message.as_option().or_else(|| base.ptv_message.as_option()) {
        return Some(
            MediaKind::Video.content(content!(video, { width: video.width, height: video.height, duration_seconds: video.seconds })),
        );
    }
    if let Some(audio) = base.audio_message.as_option() {
        return Some(MediaKind::Audio.content(content!(audio, { duration_seconds: audio.seconds, voice: audio.ptt == Some(true) })));
    }
    if let Some(document) = base.document_message.as_option() {
        let name = document.file_name.clone().or_else(|| document.title.clone()).filter(|name| !name.is_empty());
        let name = name.map(|name| keep::tidy(&name));
        return Some(MediaKind::Document.content(content!(document, { file_name: name })));
    }
    let sticker = base.sticker_message.as_option()?;
    Some(MediaKind::Sticker.content(content!(sticker, { width: sticker.width, height: sticker.height })))
}

/// What files of all kinds have.
fn bare(base: &wa::Message, id: &MediaId, mime_type: Option<&str>, size: Option<u64>) -> MediaContent {
    MediaContent {
        media_id: id.clone(),
        media_status: MediaStatus::Pending,
        media_reason: None,
        mime_type: mime_type.unwrap_or("application/octet-stream").to_owned(),
        size_bytes: size.unwrap_or_default(),
        sha256: None,
        caption: base.get_caption().map(str::to_owned).filter(|caption| !caption.is_empty()),
        file_name: None,
        width: None,
        height: None,
        duration_seconds: None,
        voice: false,
    }
}
