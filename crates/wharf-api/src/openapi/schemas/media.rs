//! Files.

use serde_json::{Value, json};

use super::messages;
use crate::ids::MediaId;
use crate::limits;
use crate::openapi::schema::{about, always, answer, boolean, chars, id, integer, maybe, name, nullable, otherwise, text, time, word};
use crate::types::media::MediaKind;

pub(super) fn media() -> Value {
    answer(vec![
        always("mediaId", id(MediaId::PREFIX)),
        always("mediaType", about(kind(), "What it is shown as: what was asked for, or else what its bytes are.")),
        always(
            "mimeType",
            about(text(), "Read from the bytes, and among what they allow from what its sender, its name or its server says."),
        ),
        always("sizeBytes", about(integer(0, Some(limits::DOCUMENT_BYTES)), "Of the file itself, as it is stored.")),
        always("sha256", about(text(), "In hexadecimal.")),
        maybe("width", about(integer(0, None), "In pixels.")),
        maybe("height", about(integer(0, None), "In pixels.")),
        maybe("durationSeconds", about(integer(0, None), "How long audio or a video lasts; absent where that cannot be read.")),
        maybe("fileName", about(name(limits::FILE_NAME_CHARS), "What it is called; absent where nobody said.")),
        always("expiresAt", about(time(), "From then on the file is gone.")),
    ])
}

pub(super) fn send_media() -> Value {
    let flag = |sentence: &str| otherwise(about(boolean(), sentence), &json!(false));
    let mut base64 = about(nullable(text()), "The file in Base64.");
    base64["contentEncoding"] = json!("base64");
    let file_name = nullable(chars(1, limits::FILE_NAME_CHARS));
    messages::new(vec![
        always("mediaType", about(kind(), "What it is shown as; each has its own types and largest size.")),
        maybe(
            "mediaUrl",
            about(nullable(chars(1, 2048)), "Where the file is on the web. One of `mediaUrl`, `mediaId` and `data` is needed."),
        ),
        maybe("mediaId", about(nullable(id(MediaId::PREFIX)), "A file that was uploaded or received.")),
        maybe("data", base64),
        maybe("caption", about(nullable(chars(0, limits::CAPTION_CHARS)), "Of an image, a video or a document.")),
        maybe("fileName", about(file_name, "Of a document.")),
        maybe("voice", flag("Of audio: a voice note, which must be Ogg with Opus.")),
        maybe("viewOnce", flag("Of an image, a video or a voice note: it can be opened once.")),
        messages::audience(),
        messages::mentions("caption"),
        maybe("forwarded", flag("It is shown as forwarded.")),
    ])
}

pub(super) fn kind() -> Value {
    word(MediaKind::ALL.iter().map(|kind| kind.as_str()))
}
