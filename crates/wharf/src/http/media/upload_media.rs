use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use futures::StreamExt as _;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use wharf_api::ApiError;
use wharf_api::types::media::MediaKind;
use wharf_core::media::intake::Purpose;
use wharf_core::media::keep::{self, Stay};
use wharf_core::media::{self, Intake, Said};

use crate::disposition;
use crate::http::body::Stream;
use crate::http::envelope::{Failure, Reply, invalid};
use crate::http::query::shown;
use crate::http::{Answer, Call, idempotency, json};

/// What a refusal names: the file has no field of its own.
const FIELD: &str = "file";
/// How much of a form may be something else than the file, and how far the reader of forms may read ahead of us.
const FORM_BYTES: usize = 1024 * 1024;

/// What the request says of its file, in the query or in a form.
#[derive(Default)]
struct Words {
    kind: Option<MediaKind>,
    name: Option<String>,
    /// The type that is given to the file.
    mime_type: Option<String>,
}

pub(in crate::http) async fn upload_media(call: Call) -> Answer {
    let words: Vec<_> = MediaKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let kind = call.query.word("mediaType", MediaKind::parse, &words).map_err(super::no_kind)?;
    let name = call.query.get("fileName").map(str::to_owned);
    let mut words = Words { kind, name, mime_type: None };
    idempotency::header(&call)?;
    json::check_content_encoding(&call.headers)?;
    let boundary = boundary(&call)?;
    let body = call.stream();
    let mut intake = Intake::begin_for(call.services(), call.caller(), Purpose { kind, voice: false }, FIELD).await?;
    let taken = match boundary {
        Some(boundary) => parts(&body, boundary, &mut intake, &mut words).await,
        None => whole(&call, &body, &mut intake, &mut words).await,
    };
    taken?;
    let Words { kind, name, mime_type } = words;
    if let Some(kind) = kind {
        intake.meant_as(kind);
    }
    intake.say(Said { word: mime_type, file_name: name.clone(), is_body: true, ..Said::default() });
    let request = (kind.map(MediaKind::as_str), name.clone(), intake.sha256());
    let keep = async {
        let (row, _) = keep::keep(call.services(), call.caller(), None, intake, name, Stay::Plan).await?;
        Reply::created(media::view(&row))
    };
    idempotency::beforehand(&call, &request, keep).await
}

/// Where the body is a form, what its parts are separated by. A form that cannot be read as one is refused: it is never the file.
fn boundary(call: &Call) -> Result<Option<String>, ApiError> {
    let Some(kind) = call.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()) else { return Ok(None) };
    if !kind.trim_start().get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/")) {
        return Ok(None);
    }
    let refused = |reason| invalid(reason).field("Content-Type");
    match multer::parse_boundary(kind) {
        Ok(boundary) => Ok(Some(boundary)),
        Err(multer::Error::NoBoundary) => {
            Err(refused("multipart/form-data needs a boundary: let your client set the header, it writes the boundary itself"))
        }
        Err(_) => Err(refused("of multipart bodies only multipart/form-data is read; or send the file itself as the body")),
    }
}

/// The body is the file.
async fn whole(call: &Call, body: &Stream, intake: &mut Intake, words: &mut Words) -> Result<(), Failure> {
    let header = |name: http::HeaderName| call.headers.get(name).map(http::HeaderValue::as_bytes);
    words.mime_type = header(CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind).into_owned());
    if words.name.is_none() {
        let said = header(CONTENT_DISPOSITION).and_then(|value| disposition::read(value).file_name);
        words.name = said.filter(|name| !name.is_empty());
    }
    let announced = header(CONTENT_LENGTH).and_then(|value| std::str::from_utf8(value).ok()).and_then(|text| text.parse().ok());
    if let Some(length) = announced {
        intake.announce(length)?;
    }
    while let Some(bytes) = body.next().await? {
        intake.push(bytes).await?;
    }
    Ok(())
}

/// The body is a form with the file, and with the words that could stand in the query.
async fn parts(body: &Stream, boundary: String, intake: &mut Intake, words: &mut Words) -> Result<(), Failure> {
    let spare = Arc::new(AtomicUsize::new(FORM_BYTES));
    let taken = Arc::clone(&spare);
    // The reader of forms keeps everything that is not part of a file until it knows what it is.
    let bytes = body.clone().bytes().map(move |chunk| {
        let chunk = chunk?;
        let left = taken.load(Relaxed).checked_sub(chunk.len()).ok_or(std::io::ErrorKind::FileTooLarge)?;
        taken.store(left, Relaxed);
        Ok::<Bytes, std::io::Error>(chunk)
    });
    let mut form = multer::Multipart::new(bytes, boundary);
    let mut has_file = false;
    while let Some(part) = form.next_field().await.map_err(|error| unreadable(&error))? {
        let said = part.headers().get(CONTENT_DISPOSITION).map(|value| disposition::read(value.as_bytes())).unwrap_or_default();
        let mime_type = part.headers().get(CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
        let name = said.name.unwrap_or_default();
        if said.file_name.is_none() && mime_type.as_deref().is_none_or(|kind| media::types::essence(kind) == "text/plain") {
            word(&name, part, words).await?;
            continue;
        }
        if has_file {
            return Err(invalid("the form holds more than one file").into());
        }
        has_file = true;
        let coding = part.headers().get("content-transfer-encoding").map(|coding| coding.as_bytes().to_ascii_lowercase());
        if coding.is_some_and(|coding| !matches!(coding.as_slice(), b"binary" | b"8bit" | b"7bit")) {
            return Err(invalid("a part is sent as it is, without a Content-Transfer-Encoding").into());
        }
        if let Some(kind) = words.kind {
            intake.meant_as(kind);
        }
        file(part, &spare, intake).await?;
        let file_name = said.file_name.filter(|name| !name.is_empty());
        if intake.is_empty() && file_name.is_none() {
            return Err(invalid("no file was chosen: the form's part for it is empty and has no name").into());
        }
        words.mime_type = mime_type;
        words.name = words.name.take().or(file_name);
    }
    if has_file { Ok(()) } else { Err(invalid("the form holds no file").into()) }
}

async fn file(mut part: multer::Field<'_>, spare: &AtomicUsize, intake: &mut Intake) -> Result<(), Failure> {
    loop {
        let chunk: Option<Bytes> = part.chunk().await.map_err(|error| unreadable(&error))?;
        let Some(bytes) = chunk else { return Ok(()) };
        spare.fetch_add(bytes.len(), Relaxed);
        intake.push(bytes).await?;
    }
}

/// A part without a file name: a word about the file, or a file that somebody forgot to open.
async fn word(name: &str, part: multer::Field<'_>, words: &mut Words) -> Result<(), Failure> {
    match name {
        "mediaType" => {
            let text = part.text().await.map_err(|error| unreadable(&error))?;
            let known: Vec<_> = MediaKind::ALL.iter().map(|kind| kind.as_str()).collect();
            let kind = MediaKind::parse(text.trim())
                .ok_or_else(|| super::no_kind(invalid(format!("one of {} is expected", known.join(", "))).field("mediaType")))?;
            if words.kind.is_some_and(|said| said != kind) {
                return Err(invalid("the query says something else than the form").field("mediaType").into());
            }
            words.kind = Some(kind);
        }
        "fileName" => {
            let text = part.text().await.map_err(|error| unreadable(&error))?;
            words.name = Some(text.trim().to_owned()).filter(|name| !name.is_empty()).or(words.name.take());
        }
        other => {
            let reason = format!(
                "the part `{}` is no file: it has no file name (with curl: -F file=@a.pdf). Beside the file a form may hold mediaType and fileName",
                shown(other)
            );
            return Err(invalid(reason).into());
        }
    }
    Ok(())
}

fn unreadable(error: &multer::Error) -> Failure {
    tracing::debug!(%error, "a form could not be read");
    invalid("the form cannot be read").into()
}
