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
        always("mediaType", kind()),
        always(
            "mimeType",
            about(text(), "Read from the bytes, and among what they allow from what its sender, its name or its server says."),
        ),
        always("sizeBytes", integer(0, Some(limits::DOCUMENT_BYTES))),
        always("sha256", about(text(), "In hexadecimal.")),
        maybe("width", about(integer(0, None), "In pixels.")),
        maybe("height", about(integer(0, None), "In pixels.")),
        maybe("durationSeconds", integer(0, None)),
        maybe("fileName", name(limits::FILE_NAME_CHARS)),
        always("expiresAt", about(time(), "From then on the file is gone.")),
    ])
}

pub(super) fn send_media() -> Value {
    let flag = |sentence: &str| otherwise(about(boolean(), sentence), &json!(false));
    let mut base64 = about(nullable(text()), "The file in Base64.");
    base64["contentEncoding"] = json!("base64");
    let file_name = nullable(chars(1, limits::FILE_NAME_CHARS));
    messages::new(vec![
        always("mediaType", kind()),
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
