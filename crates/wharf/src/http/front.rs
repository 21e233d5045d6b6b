//! What every request passes first and every answer last: its name, the door when we are full or leaving, the log line.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use http::header::{self, CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING, VIA};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use hyper::body::Incoming;
use tokio::time::Instant;
use wharf_api::{ErrorCode, ops};

use super::envelope::{self, Failure, invalid};
use super::noted::{AnswerNotes, Came};
use super::server::line::Line;
use super::{Http, cors, held, request_id, rest};

/// The most that the head of a request may take: its target and its headers.
pub(super) const HEAD_BYTES: usize = 64 * 1024;
/// How many headers a request may have: as many as the HTTP library has room for. It refuses the next one itself.
pub(super) const HEADERS: usize = 100;

/// What proxies put beside a request that they pass on.
pub(super) const FORWARDED: [HeaderName; 3] = [VIA, HeaderName::from_static("x-forwarded-for"), header::FORWARDED];

/// Has a request answered by what is behind, where it may pass. It came over this connection, from that address.
pub(super) async fn pass<F>(
    http: &Http,
    peer: IpAddr,
    line: Arc<Line>,
    request: http::Request<Incoming>,
    behind: impl FnOnce(Request, Came) -> F,
) -> Response
where
    F: Future<Output = (Response, AnswerNotes)>,
{
    let started = Instant::now();
    let _running = http.metrics.requests.begin();
    let id = request_id::of(request.headers(), &*http.services.chance);
    let (method, depth) = (request.method().clone(), envelope::depth(request.uri().path()));
    let (parts, body) = request.into_parts();
    // Most have none, and nothing is made of it then.
    let (body, rest) = rest::lend(if body.is_end_stream() { Body::empty() } else { Body::new(body) });
    line.take(rest.clone());
    let came = Came { at: started, peer, line, id: Arc::clone(&id) };
    let request = Request::from_parts(parts, body);
    // Without a body nothing is settled by them.
    let has_body = rest.is_some();
    let expects = has_body && request.headers().contains_key(EXPECT);
    let forwarded = has_body && FORWARDED.into_iter().any(|name| request.headers().contains_key(name));

    let (name, mut notes) = (&*id, AnswerNotes::default());
    let noted = &mut notes;
    let answer = |request: Request| async move {
        match head(&request).and_then(|()| admit(http, request.uri().path())) {
            Ok(place) => {
                let (response, mut told) = behind(request, came).await;
                let (body, permit) = (std::mem::take(&mut told.body), told.permit.take());
                *noted = told;
                held::hold(response, body, (place, permit))
            }
            Err(failure) => {
                drop(request);
                let made = envelope::made(None, name, Err(failure), HeaderMap::new());
                noted.code = made.code;
                made.whole()
            }
        }
    };
    let mut response = cors::pass(http, &id, request, answer).await;
    if let Some(code) = notes.code {
        envelope::reach(&mut response, code, depth);
    }
    if let Some(rest) = rest
        && !rest.settle(expects, forwarded).await
    {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let took = started.elapsed();
    http.metrics.requests.answered(notes.called, notes.code, took);
    log(&method, &response, &notes, took, &id);
    if method == Method::HEAD {
        without_body(&mut response);
    }
    response
}

/// What HEAD is answered: how long the body would be, and nothing of it. One without a byte says nothing of its length: axum has taken the
/// bodies of what a program serves besides, also those whose length nobody knows.
fn without_body(response: &mut Response) {
    let length = HttpBody::size_hint(response.body()).exact().filter(|length| *length > 0);
    if let Some(length) = length.filter(|_| !response.headers().contains_key(CONTENT_LENGTH)) {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    *response.body_mut() = Body::empty();
}

/// Refuses a head that is too large, or asks for what nobody does here.
fn head(request: &Request) -> Result<(), Failure> {
    let headers = request.headers();
    // A colon, a space and the end of the line come with each.
    let bytes = written(request.uri()) + headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>();
    if bytes > HEAD_BYTES {
        return Err(invalid("the head of the request is too large").limit(HEAD_BYTES as u64, bytes as u64).into());
    }
    let only = |name, word: &str| headers.get_all(&name).iter().all(|value| value.as_bytes().eq_ignore_ascii_case(word.as_bytes()));
    if !only(EXPECT, "100-continue") {
        return Err(invalid("there is no expectation but 100-continue").field("Expect").into());
    }
    if !only(TRANSFER_ENCODING, "chunked") {
        return Err(invalid("a body is sent as it is or chunked, without another coding").field("Transfer-Encoding").into());
    }
    Ok(())
}

/// How long a target is as it is written, which is not done for that.
fn written(target: &Uri) -> usize {
    let scheme = target.scheme_str().map_or(0, |scheme| scheme.len() + "://".len());
    let authority = target.authority().map_or(0, |authority| authority.as_str().len());
    scheme + authority + target.path().len() + target.query().map_or(0, |query| "?".len() + query.len())
}

/// Lets a request in while there is room. Questions after our health always come in: they are what tells others to go elsewhere, or why.
fn admit(http: &Http, path: &str) -> Result<Option<FrontPlace>, Failure> {
    if [ops::get_health.path, ops::get_readiness.path, ops::get_metrics.path].contains(&path) {
        return Ok(None);
    }
    match FrontPlace::take(&http.running, http.limits.concurrent_requests) {
        Some(place) => Ok(Some(place)),
        None => Err(Failure::unavailable("the server is working to capacity", 1)),
    }
}

/// A place among the requests that are worked on, until it is dropped. Nobody waits for one, so that a count is all there is of them.
struct FrontPlace(Arc<AtomicUsize>);

impl FrontPlace {
    fn take(running: &Arc<AtomicUsize>, places: usize) -> Option<Self> {
        let more = |running: usize| (running < places).then_some(running + 1);
        running.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok().map(|_| Self(Arc::clone(running)))
    }
}

impl Drop for FrontPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// One line a request for who asks for it (`wharf::request=debug`): the operation's path and never the caller's, because ids and filters
/// stand in the latter. What it says is made within the macro, which looks first whether anybody wants it.
fn log(method: &Method, response: &Response, notes: &AnswerNotes, took: Duration, request_id: &str) {
    tracing::debug!(
        target: "wharf::request",
        method = if known(method) { method.as_str() } else { "other" },
        route = notes.called.map_or("-", |called| called.path),
        status = response.status().as_u16(),
        code = notes.code.map_or("-", ErrorCode::name),
        ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        request_id,
        key = notes.key.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
    );
}

/// A method is free text on the wire; only the usual ones are written down.
fn known(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS].contains(method)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_target_is_as_long_as_it_is_written() {
        for target in ["/", "/v1/account?a=1&b=%20", "/?", "http://u@example.com:8080/v1?x", "http://example.com", "example.com:443", "*"] {
            let uri: Uri = target.parse().unwrap();
            assert_eq!(written(&uri), uri.to_string().len(), "{target}");
        }
    }

    #[test]
    fn head_is_told_a_length_that_is_known_and_none_that_is_not() {
        let endless = || Body::from_stream(futures::stream::pending::<Result<Bytes, Infallible>>());
        for (body, said, told) in [
            (Body::from("four"), None, Some("4")),
            (endless(), None, None),
            (endless(), Some("7"), Some("7")),
            (Body::empty(), None, None),
            (Body::empty(), Some("7"), Some("7")),
        ] {
            let mut response = Response::new(body);
            response.headers_mut().extend(said.map(|said| (CONTENT_LENGTH, HeaderValue::from_static(said))));
            without_body(&mut response);
            assert!(response.body().is_end_stream());
            assert_eq!(response.headers().get(CONTENT_LENGTH).map(|length| length.to_str().unwrap()), told);
        }
    }

    #[test]
    fn there_are_as_many_places_as_there_are_and_one_that_is_left_is_had_again() {
        let running = Arc::<AtomicUsize>::default();
        let places: Vec<_> = (0..3).map_while(|_| FrontPlace::take(&running, 2)).collect();
        assert_eq!(places.len(), 2);
        assert!(FrontPlace::take(&running, 2).is_none() && FrontPlace::take(&running, 0).is_none());
        drop(places);
        assert!(FrontPlace::take(&running, 2).is_some());
        assert_eq!(running.load(Ordering::Acquire), 0);
    }
}
