//! Files.

use serde_json::Value;

use crate::ids::MediaId;
use crate::limits;
use crate::openapi::schema::{about, always, answer, id, integer, maybe, name, text, time, word};
use crate::types::media::MediaKind;

pub(super) fn media() -> Value {
    answer(vec![
        always("mediaId", id(MediaId::PREFIX)),
        always("mediaType", kind()),
        always("mimeType", about(text(), "Read from the bytes.")),
        always("size", about(integer(0, Some(limits::DOCUMENT_BYTES)), "In bytes.")),
        always("sha256", about(text(), "In hexadecimal.")),
        maybe("width", about(integer(0, None), "In pixels.")),
        maybe("height", about(integer(0, None), "In pixels.")),
        maybe("seconds", integer(0, None)),
        maybe("fileName", name(limits::FILE_NAME_CHARS)),
        always("expiresAt", about(time(), "From then on the file is gone.")),
    ])
}

pub(super) fn kind() -> Value {
    word(MediaKind::ALL.iter().map(|kind| kind.as_str()))
}
