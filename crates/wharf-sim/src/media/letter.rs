//! Files inside messages: what a phone saw of one, whether it can open it, and how a person sends one.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wacore::download::{DownloadUtils, MediaType};
use wacore::proto_helpers::MessageExt as _;
use wacore::upload::{EncryptedMediaInfo, MediaEncryptor};
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;
use waproto::whatsapp::message::{AudioMessage, DocumentMessage, FutureProofMessage, ImageMessage, StickerMessage, VideoMessage};

use super::Media;
use crate::{clock, keys};

const CHUNK_BYTES: usize = 64 * 1024;

/// What a message says of its file, with the key that opens it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Filed {
    pub(crate) kind: String,
    pub(crate) mime_type: Option<String>,
    pub(crate) size: u64,
    pub(crate) caption: Option<String>,
    pub(crate) file_name: Option<String>,
    pub(crate) seconds: Option<u32>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) voice: bool,
    pub(crate) view_once: bool,
    pub(crate) thumbnail: bool,
    /// The hash that the message promises.
    pub(crate) file_sha256: String,
    pub(super) direct_path: String,
    pub(super) media_key: Vec<u8>,
}

/// What is in a message; `None` where there is no file in it.
pub(crate) fn filed(message: &wa::Message) -> Option<Filed> {
    let base = message.get_base_message();
    let caption = base.get_caption().map(str::to_owned);
    macro_rules! filed {
        ($kind:literal, $media:expr, { $($field:ident: $value:expr),* $(,)? }) => {{
            let media = $media;
            #[allow(clippy::needless_update, reason = "one macro for kinds with more and with fewer fields")]
            Some(Filed {
                $($field: $value,)*
                ..Filed {
                    kind: $kind.to_owned(),
                    mime_type: media.mimetype.clone(),
                    size: media.file_length.unwrap_or_default(),
                    caption,
                    file_name: None,
                    seconds: None,
                    width: None,
                    height: None,
                    voice: false,
                    view_once: message.is_view_once(),
                    thumbnail: false,
                    file_sha256: keys::hex(media.file_sha256.as_deref().unwrap_or_default()),
                    direct_path: media.direct_path.clone().unwrap_or_default(),
                    media_key: media.media_key.clone().unwrap_or_default(),
                }
            })
        }};
    }
    if let Some(image) = base.image_message.as_option() {
        return filed!("image", image, { width: image.width, height: image.height, thumbnail: image.jpeg_thumbnail.is_some() });
    }
    if let Some(video) = base.video_message.as_option() {
        return filed!("video", video, { width: video.width, height: video.height, seconds: video.seconds });
    }
    if let Some(audio) = base.audio_message.as_option() {
        return filed!("audio", audio, { seconds: audio.seconds, voice: audio.ptt == Some(true) });
    }
    if let Some(document) = base.document_message.as_option() {
        return filed!("document", document, { file_name: document.file_name.clone() });
    }
    let sticker = base.sticker_message.as_option()?;
    filed!("sticker", sticker, { width: sticker.width, height: sticker.height })
}

/// Fetches, opens and checks the file as the phone would; gives the hash of what was inside and its size.
pub(crate) fn open(media: &Media, filed: &Filed) -> Option<(String, u64)> {
    let path = media.find(&filed.direct_path)?;
    let mut hashing = Hashing { hash: Sha256::new(), size: 0 };
    let sealed = BufReader::with_capacity(CHUNK_BYTES, File::open(path).ok()?);
    DownloadUtils::decrypt_stream_to_writer(sealed, &filed.media_key, media_type(&filed.kind)?, &mut hashing).ok()?;
    Some((keys::hex(&hashing.hash.finalize()), hashing.size))
}

struct Hashing {
    hash: Sha256,
    size: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file that a person sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of a request")]
pub(crate) struct Sending {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Base64.
    pub(crate) data: Option<String>,
    /// Instead of `data`: so many bytes are made up.
    pub(crate) size: Option<u64>,
    /// The size that the message tells, where it is not the file's.
    pub(crate) told_size: Option<u64>,
    pub(crate) mime_type: Option<String>,
    pub(crate) caption: Option<String>,
    pub(crate) file_name: Option<String>,
    pub(crate) seconds: Option<u32>,
    pub(crate) voice: bool,
    pub(crate) view_once: bool,
    /// The id of the message that this one answers.
    pub(crate) reply_to: Option<String>,
    /// Phone numbers.
    pub(crate) mentions: Vec<String>,
    pub(crate) forwarded: bool,
    /// Of a status: whom it is for.
    pub(crate) audience: Vec<String>,
    /// Linked devices are only told that there is something.
    pub(crate) withheld: bool,
}

/// Encrypts the file, puts it on the media server and writes the message. Gives the hash of the file too.
pub(crate) fn write(
    media: &Media,
    sending: &Sending,
    data: Option<&[u8]>,
    context: MessageField<wa::ContextInfo>,
) -> io::Result<(wa::Message, String)> {
    let scratch = media.scratch();
    let info = encrypt(&scratch, sending, data)?;
    let name = Media::name(&info.file_enc_sha256);
    media.place(&scratch, &name)?;
    let sha256 = keys::hex(&info.file_sha256);
    Ok((message(media, sending, &name, &info, context), sha256))
}

fn encrypt(scratch: &Path, sending: &Sending, data: Option<&[u8]>) -> io::Result<EncryptedMediaInfo> {
    let media_type = media_type(&sending.kind).ok_or_else(|| io::Error::other("no kind of media"))?;
    let mut sealed = BufWriter::with_capacity(CHUNK_BYTES, File::create(scratch)?);
    let mut encryptor = MediaEncryptor::new(media_type).map_err(io::Error::other)?;
    if let Some(data) = data {
        encryptor.update_to_writer(data, &mut sealed)?;
    } else {
        let mut left = sending.size.unwrap_or(0);
        let mut chunk = made_up(sending);
        while left > 0 {
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
            encryptor.update_to_writer(&chunk[..length], &mut sealed)?;
            left -= length as u64;
            // What comes later in the file is not its beginning again.
            chunk.rotate_left(1);
        }
    }
    let info = encryptor.finalize_to_writer(&mut sealed).map_err(io::Error::other)?;
    sealed.flush()?;
    Ok(info)
}

/// Bytes that begin as a file of the kind does.
fn made_up(sending: &Sending) -> Vec<u8> {
    let opus = [b"OggS\0\x02".as_slice(), &[0; 20], &[1, 19], b"OpusHead\x01\x01\x38\x01"].concat();
    let head: &[u8] = match sending.kind.as_str() {
        "image" => b"\xff\xd8\xff\xe0\x00\x10JFIF",
        "video" => b"\0\0\0\x18ftypisom",
        "audio" if sending.voice => &opus,
        "audio" => b"ID3\x03",
        "sticker" => b"RIFF\x10\0\0\0WEBPVP8 ",
        _ => b"%PDF-1.7\n",
    };
    let mut chunk: Vec<u8> = (0..CHUNK_BYTES).map(|at| u8::try_from(at % 251).unwrap_or_default()).collect();
    chunk[..head.len()].copy_from_slice(head);
    chunk
}

fn message(media: &Media, sending: &Sending, name: &str, info: &EncryptedMediaInfo, context: MessageField<wa::ContextInfo>) -> wa::Message {
    let opus = "audio/ogg; codecs=opus";
    let usual = match sending.kind.as_str() {
        "image" => "image/jpeg",
        "video" => "video/mp4",
        "audio" if sending.voice => opus,
        "audio" => "audio/mpeg",
        "sticker" => "image/webp",
        _ => "application/pdf",
    };
    macro_rules! filed {
        ($message:ident { $($field:ident: $value:expr),* $(,)? }) => {
            MessageField::some($message {
                url: Some(media.url(name)),
                direct_path: Some(Media::direct_path(name)),
                media_key: Some(info.media_key.to_vec()),
                file_sha256: Some(info.file_sha256.to_vec()),
                file_enc_sha256: Some(info.file_enc_sha256.to_vec()),
                file_length: Some(sending.told_size.unwrap_or(info.file_length)),
                media_key_timestamp: i64::try_from(clock::now_secs()).ok(),
                mimetype: Some(sending.mime_type.clone().unwrap_or_else(|| usual.to_owned())),
                $($field: $value,)*
                ..Default::default()
            })
        };
    }
    let caption = sending.caption.clone();
    let mut inner = match sending.kind.as_str() {
        "image" => wa::Message { image_message: filed!(ImageMessage { caption: caption }), ..Default::default() },
        "video" => wa::Message { video_message: filed!(VideoMessage { caption: caption, seconds: sending.seconds }), ..Default::default() },
        "audio" => {
            wa::Message { audio_message: filed!(AudioMessage { ptt: Some(sending.voice), seconds: sending.seconds }), ..Default::default() }
        }
        "sticker" => wa::Message { sticker_message: filed!(StickerMessage {}), ..Default::default() },
        _ => wa::Message {
            document_message: filed!(DocumentMessage { caption: caption, file_name: sending.file_name.clone() }),
            ..Default::default()
        },
    };
    if let Some(context) = context.into_option() {
        inner.set_context_info(context);
    }
    if !sending.view_once {
        return inner;
    }
    let envelope = MessageField::some(FutureProofMessage { message: MessageField::some(inner) });
    match sending.kind.as_str() {
        "audio" => wa::Message { view_once_message_v2_extension: envelope, ..Default::default() },
        "video" => wa::Message { view_once_message_v2: envelope, ..Default::default() },
        _ => wa::Message { view_once_message: envelope, ..Default::default() },
    }
}

/// What an edit says of a file: its new words.
pub(crate) fn caption(kind: &str, caption: &str) -> wa::Message {
    let caption = Some(caption.to_owned());
    match kind {
        "image" => wa::Message { image_message: MessageField::some(ImageMessage { caption, ..Default::default() }), ..Default::default() },
        "video" => wa::Message { video_message: MessageField::some(VideoMessage { caption, ..Default::default() }), ..Default::default() },
        _ => wa::Message { document_message: MessageField::some(DocumentMessage { caption, ..Default::default() }), ..Default::default() },
    }
}

/// The kind of key that opens a file; `None` where the word names no media.
pub(crate) fn media_type(kind: &str) -> Option<MediaType> {
    match kind {
        "image" => Some(MediaType::Image),
        "video" => Some(MediaType::Video),
        "audio" => Some(MediaType::Audio),
        "document" => Some(MediaType::Document),
        "sticker" => Some(MediaType::Sticker),
        _ => None,
    }
}
