//! What the HTTP library answers by itself, before there is a request that could be answered: a bare status. The client gets the envelope
//! instead, as everywhere.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use wharf_api::ApiError;

use crate::http::envelope::{self, MadeResponse, invalid};
use crate::http::front::HEADERS;
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

/// The lines of a head as they come: the library does not tell how many headers there were where there were too many.
#[derive(Default)]
pub(super) struct HeadLines {
    /// The first of them is no header.
    lines: usize,
    /// Something has come of the next one.
    within: bool,
    whole: bool,
}

impl HeadLines {
    /// Takes what has come, unless there are too many lines in it: then `false`, and they are to be looked at one by one. What comes after
    /// a head is taken too, for who has answered begins anew.
    pub fn take(&mut self, bytes: &[u8]) -> bool {
        // Blank lines before the first one are nothing.
        let begins = if self.lines == 0 && !self.within { bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')) } else { Some(0) };
        let bytes = &bytes[begins.unwrap_or(bytes.len())..];
        // In parts whose sums are small, which the machine counts many bytes at a time.
        let ends = |part: &[u8]| usize::from(part.iter().map(|byte| u8::from(*byte == b'\n')).sum::<u8>());
        let lines = self.lines + bytes.chunks(128).map(ends).sum::<usize>();
        if lines > HEADERS {
            return false;
        }
        (self.lines, self.within) = (lines, bytes.last().is_some_and(|last| *last != b'\n'));
        true
    }

    /// Takes what has come line by line, up to the end of the head.
    pub fn look(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.whole {
                return;
            }
            let is_blank = !self.within && matches!(line, b"\n" | b"\r\n");
            self.whole = is_blank && self.lines > 0;
            self.within = !line.ends_with(b"\n");
            self.lines += usize::from(!self.within && !is_blank);
        }
    }

    /// How many headers there were, where they were too many and all came.
    fn crowd(&self) -> Option<u64> {
        let headers = self.lines.saturating_sub(1);
        (self.whole && headers > HEADERS).then_some(headers as u64)
    }
}

/// The answer in place of the library's own one.
pub(super) fn instead(http: &Http, theirs: &[u8], http_2: bool, head: &HeadLines) -> Bytes {
    let error = reason(theirs, http_2, head.crowd());
    let id = request_id::of(&HeaderMap::new(), &*http.services.chance);
    http.metrics.requests.answered(None, Some(error.code), Duration::ZERO);
    tracing::debug!(target: "wharf::request", code = error.code.name(), request_id = &*id, "no request could be read");
    let MadeResponse { response, body, .. } = envelope::made(None, &id, Err(error.into()), HeaderMap::new());
    let mut head = format!("HTTP/1.1 {}\r\nconnection: close\r\ncontent-length: {}\r\n", response.status(), body.len());
    for (name, value) in response.headers() {
        let written = write!(head, "{name}: {}\r\n", value.to_str().unwrap_or_default());
        written.expect("a string takes what is written to it");
    }
    head.push_str("\r\n");
    [head.as_bytes(), &body].concat().into()
}

fn reason(theirs: &[u8], http_2: bool, crowd: Option<u64>) -> ApiError {
    let status = theirs.get(9..12).unwrap_or_default();
    match status {
        _ if http_2 => invalid("this is HTTP/2; the server speaks HTTP/1.1"),
        b"414" => invalid("the address of the request is too long"),
        b"431" => match crowd {
            Some(headers) => invalid("the request has too many headers").limit(HEADERS as u64, headers),
            None => invalid("the head of the request has too many headers, or too long ones"),
        },
        _ => invalid(
            "the head of the request is not HTTP/1.1: a blank in its address is written %20, a header is NAME: VALUE on one line, and \
             Content-Length is a number that is said once",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of a head that comes in such parts.
    fn crowd<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Option<u64> {
        let mut head = HeadLines::default();
        for part in parts {
            if !head.take(part) {
                head.look(part);
            }
        }
        head.crowd()
    }

    #[test]
    fn headers_are_counted_where_they_are_too_many_however_they_come_and_what_comes_after_them_is_not() {
        let head = |headers: usize| format!("\r\nGET / HTTP/1.1\r\n{}\r\n", "Name: value\r\n".repeat(headers));
        for (headers, told) in [(0, None), (99, None), (HEADERS, None), (HEADERS + 1, Some(101)), (390, Some(390))] {
            let text = format!("{}{{\n\n\n}}\n", head(headers));
            assert_eq!(crowd([text.as_bytes()]), told, "{headers}");
            for length in [13, 130, 1_000] {
                assert_eq!(crowd(head(headers).as_bytes().chunks(length)), told, "{headers} in parts of {length}");
            }
        }
        let open = head(300);
        assert_eq!(crowd([open.trim_end().as_bytes()]), None, "not all came");
    }
}
