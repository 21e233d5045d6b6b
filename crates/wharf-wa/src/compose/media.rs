//! The bodies of messages with files, as official clients write them.

use waproto::buffa::MessageField;
use waproto::whatsapp as wa;
use waproto::whatsapp::message::{AudioMessage, DocumentMessage, FutureProofMessage, ImageMessage, StickerMessage, VideoMessage};
use wharf_api::types::media::{MediaContent, MediaKind};
use wharf_core::engine::Media;

/// Fills in what the messages of all kinds say of their file.
macro_rules! filed {
    ($message:ident, $media:expr, { $($field:ident: $value:expr),* $(,)? }) => {
        MessageField::some($message {
            url: Some($media.file.url.clone()),
            direct_path: Some($media.file.direct_path.clone()),
            media_key: Some($media.file.media_key.to_vec()),
            file_sha256: Some($media.file.file_sha256.to_vec()),
            file_enc_sha256: Some($media.file.file_enc_sha256.to_vec()),
            file_length: Some($media.file.size),
            media_key_timestamp: Some($media.file.key_at_secs),
            mimetype: Some($media.mime_type.clone()),
            $($field: $value,)*
            ..Default::default()
        })
    };
}

pub(super) fn message(media: &Media, context: MessageField<wa::ContextInfo>) -> wa::Message {
    let caption = media.caption.clone();
    let thumbnail = media.thumbnail.clone();
    let view_once = media.view_once.then_some(true);
    let sidecar = media.file.sidecar.clone();
    let message = match media.kind {
        MediaKind::Image => wa::Message {
            image_message: filed!(ImageMessage, media, {
                caption: caption, jpeg_thumbnail: thumbnail, width: media.width, height: media.height, view_once: view_once, context_info: context,
            }),
            ..Default::default()
        },
        MediaKind::Video => wa::Message {
            video_message: filed!(VideoMessage, media, {
                caption: caption, jpeg_thumbnail: thumbnail, width: media.width, height: media.height, seconds: media.seconds,
                streaming_sidecar: sidecar, view_once: view_once, context_info: context,
            }),
            ..Default::default()
        },
        MediaKind::Audio => wa::Message {
            audio_message: filed!(AudioMessage, media, {
                seconds: media.seconds, ptt: Some(media.voice), streaming_sidecar: sidecar, view_once: view_once, context_info: context,
            }),
            ..Default::default()
        },
        MediaKind::Document => wa::Message {
            document_message: filed!(DocumentMessage, media, {
                caption: caption, file_name: media.file_name.clone(), title: media.file_name.clone(), context_info: context,
            }),
            ..Default::default()
        },
        MediaKind::Sticker => wa::Message {
            sticker_message: filed!(StickerMessage, media, { width: media.width, height: media.height, context_info: context }),
            ..Default::default()
        },
    };
    if media.view_once { once(media.kind, message) } else { message }
}

/// What a reply shows of a file: what it is, and neither where it lies nor its key.
pub(super) fn quoted(kind: MediaKind, media: &MediaContent, view_once: bool) -> wa::Message {
    macro_rules! shown {
        ($message:ident { $($field:ident: $value:expr),* $(,)? }) => {
            MessageField::some($message {
                mimetype: Some(media.mime_type.clone()),
                file_length: Some(media.size_bytes),
                file_sha256: media.sha256.as_deref().and_then(unhex),
                $($field: $value,)*
                ..Default::default()
            })
        };
    }
    // The words under what can be opened once are shown with it and nowhere else.
    let caption = media.caption.clone().filter(|_| !view_once);
    let (width, height, seconds) = (media.width, media.height, media.duration_seconds);
    let once = view_once.then_some(true);
    match kind {
        MediaKind::Image => wa::Message {
            image_message: shown!(ImageMessage { caption: caption, width: width, height: height, view_once: once }),
            ..Default::default()
        },
        MediaKind::Video => wa::Message {
            video_message: shown!(VideoMessage { caption: caption, width: width, height: height, seconds: seconds, view_once: once }),
            ..Default::default()
        },
        MediaKind::Audio => wa::Message {
            audio_message: shown!(AudioMessage { seconds: seconds, ptt: Some(media.voice), view_once: once }),
            ..Default::default()
        },
        MediaKind::Document => {
            let (file_name, title) = (media.file_name.clone(), media.file_name.clone());
            wa::Message {
                document_message: shown!(DocumentMessage { caption: caption, file_name: file_name, title: title }),
                ..Default::default()
            }
        }
        MediaKind::Sticker => {
            wa::Message { sticker_message: shown!(StickerMessage { width: width, height: height }), ..Default::default() }
        }
    }
}

/// What an edit says of a file: its new words and nothing else, as official clients write it. A text in their place would take
/// the words away.
pub(super) fn caption(kind: MediaKind, caption: &str) -> wa::Message {
    let caption = Some(caption.to_owned());
    match kind {
        MediaKind::Image => {
            wa::Message { image_message: MessageField::some(ImageMessage { caption, ..Default::default() }), ..Default::default() }
        }
        MediaKind::Video => {
            wa::Message { video_message: MessageField::some(VideoMessage { caption, ..Default::default() }), ..Default::default() }
        }
        MediaKind::Document | MediaKind::Audio | MediaKind::Sticker => {
            wa::Message { document_message: MessageField::some(DocumentMessage { caption, ..Default::default() }), ..Default::default() }
        }
    }
}

/// A hash as its messages carry it.
fn unhex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks_exact(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// What can be opened once travels in an envelope that older clients cannot open at all. Voice notes have one of their own.
fn once(kind: MediaKind, message: wa::Message) -> wa::Message {
    let envelope = MessageField::some(FutureProofMessage { message: MessageField::some(message) });
    match kind {
        MediaKind::Audio => wa::Message { view_once_message_v2_extension: envelope, ..Default::default() },
        _ => wa::Message { view_once_message: envelope, ..Default::default() },
    }
}
