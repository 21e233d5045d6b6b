//! Bodies that are not the file but something around it, or about it: they are refused with the way out, never stored as the file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use wharf_api::types::media::MediaKind;

use super::kind;
use super::types::{Said, essence};

const FORM: &str = "the body is a form, and its Content-Type does not say so: let your client set the header multipart/form-data";
const DATA_URI: &str = "the body is a data: URI: send the bytes that it stands for, or give it as `data` to /v1/messages/media";
const BASE64: &str =
    "the body is Base64 text and not what its Content-Type says: send the bytes, or give the text as `data` to /v1/messages/media";
const PAIRS: &str =
    "the body is an x-www-form-urlencoded form, which holds no file: send the file itself, or a form of multipart/form-data";
const ORDER: &str = "the body is JSON about a file: send the file itself as the body, or its URL as `mediaUrl` to /v1/messages/media";
const JSON: &str = "the body is application/json: send the file itself as the body, or its URL as `mediaUrl` to /v1/messages/media. A file of JSON needs \
    `fileName` or `mediaType=document` in the query, or a form";

/// How many characters of Base64 are proof enough.
const PROOF: usize = 16;

/// Why the body is no file; `head` is how it begins.
pub fn of(head: &[u8], kind: Option<MediaKind>, said: &Said) -> Option<&'static str> {
    let word = essence(said.word.as_deref().unwrap_or_default());
    if is_form(head) {
        return Some(FORM);
    }
    let is_text = word.starts_with("text/");
    if !is_text && begins(head, "data:") && head.iter().take(200).any(|byte| *byte == b',') {
        return Some(DATA_URI);
    }
    if word == "application/x-www-form-urlencoded" && is_pairs(head) {
        return Some(PAIRS);
    }
    if word == "application/json" && said.file_name.is_none() {
        if kind != Some(MediaKind::Document) {
            return Some(JSON);
        }
        if is_order(head) {
            return Some(ORDER);
        }
    }
    (!is_text && is_base64(head, &word)).then_some(BASE64)
}

fn begins(head: &[u8], word: &str) -> bool {
    head.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
}

fn is_form(head: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&head[..head.len().min(2048)]).to_ascii_lowercase();
    let start = start.trim_start();
    start.starts_with("--") && start.lines().nth(1).is_some() && start.contains("\ncontent-disposition: form-data")
}

/// `name=value`, without what no form leaves unencoded.
fn is_pairs(head: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-[]%+*@".contains(byte);
    let name = head.iter().take_while(|byte| is_name(byte)).count();
    name > 0 && head.get(name) == Some(&b'=') && head.iter().all(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\r' | b'\n'))
}

/// An object that names a file instead of being one.
fn is_order(head: &[u8]) -> bool {
    let Ok(serde_json::Value::Object(order)) = serde_json::from_slice(head) else { return false };
    let about = ["url", "mediaUrl", "media_url", "data", "base64", "file", "mediaId", "media_id", "media", "link"];
    order.iter().any(|(name, value)| value.is_string() && about.contains(&name.as_str()))
}

/// Base64 under a type that is never text, or Base64 of something that is known by its bytes.
fn is_base64(head: &[u8], word: &str) -> bool {
    let letters: Vec<u8> = head.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let body = letters.strip_suffix(b"==").or_else(|| letters.strip_suffix(b"=")).unwrap_or(&letters);
    let plain: Vec<u8> = body
        .iter()
        .map(|byte| {
            if *byte == b'-' {
                b'+'
            } else if *byte == b'_' {
                b'/'
            } else {
                *byte
            }
        })
        .collect();
    if plain.len() < PROOF || !plain.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')) {
        return false;
    }
    if word.starts_with("image/") || word.starts_with("audio/") || word.starts_with("video/") || word == "application/pdf" {
        return true;
    }
    let whole = plain.len() / 4 * 4;
    STANDARD_NO_PAD.decode(&plain[..whole]).is_ok_and(|bytes| !matches!(kind::look(&bytes).mime_type, "text/plain" | kind::BYTES))
}
