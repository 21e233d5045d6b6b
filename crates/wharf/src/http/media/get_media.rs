use axum::body::Body;
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};
use wharf_core::media::{self, sound};
use wharf_core::store::MediaRow;

use super::part;
use crate::http::envelope::{Failure, Reply};
use crate::http::{Answer, Call};

pub(in crate::http) async fn get_media(call: Call) -> Answer {
    let row = media::find(call.services(), call.caller(), call.path("mediaId")).await?;
    let etag = format!("\"{}\"", row.sha256.as_deref().unwrap_or_default());
    let mut headers = headers(&row, &etag)?;
    if part::is_known(&call.headers, &etag) {
        return Ok(Reply { status: StatusCode::NOT_MODIFIED, headers, body: Bytes::new(), stream: None, code: None });
    }
    let part = part::wanted(&call.headers, &etag, row.size);
    let (status, length) = match &part {
        None => (StatusCode::OK, row.size),
        Some(part) => {
            let place = format!("bytes {}-{}/{}", part.start, part.end - 1, row.size);
            headers.push((CONTENT_RANGE, HeaderValue::try_from(place).map_err(Failure::internal)?));
            (StatusCode::PARTIAL_CONTENT, part.end - part.start)
        }
    };
    headers.push((CONTENT_LENGTH, HeaderValue::from(length)));
    sound::require_size(call.services(), &row, None).await?;
    let whole = part.is_none();
    let bytes = call.services().files.read(&row.id, part).await.map_err(media::Error::from)?;
    // Gone since its size was asked for.
    let bytes = bytes.ok_or(media::Error::NotFound { field: None, reason: None })?;
    let bytes = if whole { sound::checked(call.services(), &row, bytes) } else { bytes };
    Ok(Reply { status, headers, body: Bytes::new(), stream: Some(Body::from_stream(bytes)), code: None })
}

/// A browser that opens the address must not run what a stranger sent.
fn headers(row: &MediaRow, etag: &str) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
    let fixed = |name: HeaderName, value: &'static str| (name, HeaderValue::from_static(value));
    let made = |name: HeaderName, value: String| Ok((name, HeaderValue::try_from(value).map_err(Failure::internal)?));
    let mut headers = vec![
        fixed(X_CONTENT_TYPE_OPTIONS, "nosniff"),
        fixed(CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        fixed(ACCEPT_RANGES, "bytes"),
        fixed(CACHE_CONTROL, "private, max-age=3600, immutable"),
    ];
    let disposition = match &row.file_name {
        Some(name) => format!("attachment; filename*=UTF-8''{}", encoded(name)),
        None => "attachment".to_owned(),
    };
    let made: Result<Vec<_>, Failure> =
        [made(CONTENT_TYPE, row.mime_type.clone()), made(CONTENT_DISPOSITION, disposition), made(ETAG, etag.to_owned())]
            .into_iter()
            .collect();
    headers.extend(made?);
    Ok(headers)
}

/// RFC 8187: letters, digits and a few signs stand for themselves.
fn encoded(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~!#$&+^`|".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_encoded_so_that_no_header_breaks() {
        assert_eq!(encoded("a b\"ü\r\n;.pdf"), "a%20b%22%C3%BC%0D%0A%3B.pdf");
    }
}
