use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use futures::StreamExt as _;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use wharf_api::types::media::MediaKind;
use wharf_core::media::intake::Purpose;
use wharf_core::media::keep::{self, Stay};
use wharf_core::media::{self, Intake};

use crate::http::body::Stream;
use crate::http::envelope::{Failure, Reply, invalid};
use crate::http::{Answer, Call, idempotency};

/// What a refusal names: the file has no field of its own.
const FIELD: &str = "file";
/// How much of a form may be something else than the file, and how far the reader of forms may read ahead of us.
const FORM_BYTES: usize = 1024 * 1024;

pub(in crate::http) async fn upload_media(call: Call) -> Answer {
    call.query.only(&["mediaType", "fileName"])?;
    let words: Vec<_> = MediaKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let kind = call.query.word("mediaType", MediaKind::parse, &words)?;
    let mut name = call.query.get("fileName").map(str::to_owned);
    idempotency::header(&call)?;
    let body = call.stream();
    let mut intake = Intake::begin(call.services(), Purpose { kind, voice: false }, FIELD).await?;
    let taken = match boundary(&call) {
        Some(boundary) => parts(&body, boundary, &mut intake, &mut name).await,
        None => whole(&call, &body, &mut intake).await,
    };
    taken?;
    let request = (kind.map(MediaKind::as_str), name.clone(), intake.sha256());
    let keep = async {
        let (row, _) = keep::keep(call.services(), call.caller(), None, intake, name, Stay::Plan).await?;
        Reply::created(media::view(&row))
    };
    idempotency::beforehand(&call, &request, keep).await
}

/// Where the body is a form, what its parts are separated by.
fn boundary(call: &Call) -> Option<String> {
    let kind = call.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    multer::parse_boundary(kind).ok()
}

/// The body is the file.
async fn whole(call: &Call, body: &Stream, intake: &mut Intake) -> Result<(), Failure> {
    let announced = call.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    if let Some(length) = announced {
        intake.announce(length)?;
    }
    while let Some(bytes) = body.next().await? {
        intake.push(bytes).await?;
    }
    Ok(())
}

/// The body is a form whose only part is the file.
async fn parts(body: &Stream, boundary: String, intake: &mut Intake, name: &mut Option<String>) -> Result<(), Failure> {
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
    let mut file = form.next_field().await.map_err(|error| unreadable(&error))?.ok_or_else(|| invalid("the form holds no file"))?;
    if name.is_none() {
        *name = file.file_name().map(str::to_owned);
    }
    loop {
        let chunk: Option<Bytes> = file.chunk().await.map_err(|error| unreadable(&error))?;
        match chunk {
            Some(bytes) => {
                spare.fetch_add(bytes.len(), Relaxed);
                intake.push(bytes).await?;
            }
            None => break,
        }
    }
    drop(file);
    match form.next_field().await.map_err(|error| unreadable(&error))? {
        None => Ok(()),
        Some(_) => Err(invalid("the form holds more than one part").into()),
    }
}

fn unreadable(error: &multer::Error) -> Failure {
    tracing::debug!(%error, "a form could not be read");
    invalid("the form cannot be read").into()
}
