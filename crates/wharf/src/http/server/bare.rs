//! What the HTTP library answers by itself, before there is a request that could be answered: a bare status. The client gets the envelope
//! instead, as everywhere.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use wharf_api::ApiError;

use crate::http::envelope::{self, invalid};
use crate::http::{Http, request_id};

/// How HTTP/2 begins that was not asked for.
const HTTP_2: &[u8] = b"PRI * HTTP/2";

/// Whether a connection that begins with these bytes speaks HTTP/2.
pub(super) fn is_http_2(bytes: &[u8]) -> bool {
    bytes.starts_with(HTTP_2)
}

/// Makes of the beginning of HTTP/2, on which the library closes without a word, something that it answers.
pub(super) fn spoil(bytes: &mut [u8]) {
    bytes[0] = 0;
}

/// The answer in place of the library's own one.
pub(super) fn instead(http: &Http, theirs: &[u8], http_2: bool) -> Bytes {
    let error = reason(theirs, http_2);
    let id = request_id::of(&HeaderMap::new(), &*http.services.chance);
    http.metrics.requests.answered(None, Some(error.code), Duration::ZERO);
    tracing::debug!(target: "wharf::request", code = error.code.name(), request_id = &*id, "no request could be read");
    let response = envelope::respond(None, &id, Err(error.clone().into()));
    let body = envelope::body(&error);
    let mut head = format!("HTTP/1.1 {}\r\nconnection: close\r\ncontent-length: {}\r\n", response.status(), body.len());
    for (name, value) in response.headers() {
        let written = write!(head, "{name}: {}\r\n", value.to_str().unwrap_or_default());
        written.expect("a string takes what is written to it");
    }
    head.push_str("\r\n");
    [head.into_bytes(), body].concat().into()
}

fn reason(theirs: &[u8], http_2: bool) -> ApiError {
    let status = theirs.get(9..12).unwrap_or_default();
    match status {
        _ if http_2 => invalid("this is HTTP/2; the server speaks HTTP/1.1"),
        b"414" => invalid("the address of the request is too long"),
        b"431" => invalid("the head of the request has too many headers, or too long ones"),
        _ => invalid(
            "the head of the request is not HTTP/1.1: a blank in its address is written %20, a header is NAME: VALUE on one line, and \
             Content-Length is a number that is said once",
        ),
    }
}
