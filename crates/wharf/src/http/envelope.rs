//! The one place where a code becomes a response, and where the cause of a failure is logged.

use std::error::Error as StdError;
use std::sync::LazyLock;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LINK, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use wharf_api::envelope::{PageInfo, Success};
use wharf_api::ops::{self, Operation};
use wharf_api::{ApiError, ErrorCode};
use wharf_core::{
    account, chat, contact, door, engine, event, group, idempotency, key, login, media, message, node, session, store, user, webhook,
};

use super::declared;

/// What JSON is called. It is UTF-8 by its definition; some clients read what says nothing as Latin-1.
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
/// The name of the header that says which request this was.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The room that an answer begins with, in bytes: most need no more, and growing moves what was written.
const ROOM: usize = 1000;

/// A request that failed: what the customer is told, and what only the log is told.
#[derive(Debug)]
pub struct Failure {
    pub error: ApiError,
    pub cause: Option<Box<dyn StdError + Send + Sync>>,
    /// Headers besides those that follow from the code.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether what was asked for may have been done all the same.
    pub may_have_happened: bool,
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let may_have_happened = matches!(error.code, ErrorCode::InternalServerError | ErrorCode::ServiceUnavailable);
        Self { error, cause: None, headers: Vec::new(), may_have_happened }
    }
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        ApiError::new(code).into()
    }
}

macro_rules! failure_from {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let told = Self::from(ApiError::from(&error));
                Self { cause: cause(&told, error), ..told }
            }
        })+
    };
}

failure_from!(
    account::Error,
    chat::Error,
    contact::Error,
    door::Error,
    engine::Error,
    event::Error,
    event::token::Error,
    idempotency::Error,
    key::Error,
    login::Error,
    media::Error,
    message::Error,
    node::Error,
    session::Error,
    store::Error,
    user::Error,
    webhook::Error
);

impl From<group::Error> for Failure {
    fn from(error: group::Error) -> Self {
        let told = Self::from(ApiError::from(&error));
        let may_have_happened = told.may_have_happened && !error.is_refusal();
        Self { cause: cause(&told, error), may_have_happened, ..told }
    }
}

/// What the log is told of a failure: nothing of a refusal, which is the caller's own affair.
fn cause(told: &Failure, error: impl StdError + Send + Sync + 'static) -> Option<Box<dyn StdError + Send + Sync>> {
    (told.error.code.status() >= 500).then(|| -> Box<dyn StdError + Send + Sync> { Box::new(error) })
}

impl Failure {
    /// A fault of the program: the customer hears nothing of its cause.
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into()), ..ErrorCode::InternalServerError.into() }
    }

    /// We cannot now; the caller may come back after `retry_after` seconds.
    pub fn unavailable(reason: &'static str, retry_after: u64) -> Self {
        ApiError::new(ErrorCode::ServiceUnavailable).reason(reason).retry_after(retry_after).into()
    }
}

/// A malformed request, or one with a value that cannot be.
pub fn invalid(reason: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest).reason(reason)
}

/// A request that succeeded, or a failure that is told once more.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Empty where the body is streamed.
    pub body: Bytes,
    /// A body that is made while it is sent.
    pub stream: Option<Body>,
    /// Of a failure that `body` tells once more: it is counted and explained as the first was.
    pub code: Option<ErrorCode>,
}

impl Reply {
    pub fn ok(data: impl Serialize) -> Result<Self, Failure> {
        Self::json(StatusCode::OK, &Success::new(data))
    }

    pub fn created(data: impl Serialize) -> Result<Self, Failure> {
        Self::json(StatusCode::CREATED, &Success::new(data))
    }

    pub fn list(data: impl Serialize, next: Option<String>) -> Result<Self, Failure> {
        Self::json(StatusCode::OK, &Success { success: true, data, page: Some(PageInfo { next }) })
    }

    /// A list that is answered whole.
    pub fn whole(data: impl Serialize) -> Result<Self, Failure> {
        Self::list(data, None)
    }

    /// Something that is not JSON.
    pub fn raw(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            headers: vec![(CONTENT_TYPE, HeaderValue::from_static(content_type))],
            body: body.into(),
            stream: None,
            code: None,
        }
    }

    /// A body that is made while it is sent. It ends where the stream does.
    pub fn streamed(content_type: &'static str, stream: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        let stream = Body::from_stream(stream.map(Ok::<_, std::convert::Infallible>));
        Self { stream: Some(stream), ..Self::raw(content_type, Bytes::new()) }
    }

    /// The connection is another protocol's from here on, by what `response` says.
    pub fn switching(response: &Response) -> Self {
        let headers = response.headers().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { status: StatusCode::SWITCHING_PROTOCOLS, headers, body: Bytes::new(), stream: None, code: None }
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// For answers that hold a secret or something that ages within seconds.
    #[must_use]
    pub fn no_store(self) -> Self {
        self.header(CACHE_CONTROL, "no-store")
    }

    fn json(status: StatusCode, body: &impl Serialize) -> Result<Self, Failure> {
        let mut json = Vec::with_capacity(ROOM);
        serde_json::to_writer(&mut json, body).map_err(Failure::internal)?;
        let body = line(json).into();
        Ok(Self { status, headers: Vec::new(), body, stream: None, code: None })
    }
}

/// The code of a failed answer in its extensions, where it comes through a router.
#[derive(Clone, Copy)]
pub(super) struct Code(pub ErrorCode);

/// What is made of an answer.
pub struct MadeResponse {
    /// Its body is one that is made while it is sent, or none.
    pub response: Response,
    /// The body that is there. Whoever sends it has to box it once, with what belongs to it besides.
    pub body: Bytes,
    /// The code of a failure.
    pub code: Option<ErrorCode>,
}

impl MadeResponse {
    /// As it is sent.
    pub fn whole(mut self) -> Response {
        if !self.body.is_empty() {
            *self.response.body_mut() = Body::from(self.body);
        }
        self.response
    }
}

/// Makes the response of one request. `operation` is `None` where no operation was found; `room` is empty, and may have room for headers.
pub fn made(operation: Option<&Operation>, request_id: &str, answer: Result<Reply, Failure>, room: HeaderMap) -> MadeResponse {
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = room;
    let (body, code) = match answer {
        Ok(reply) => {
            let code = reply.code;
            (success(&mut response, reply), code)
        }
        Err(failure) => {
            let code = failure.error.code;
            (refusal(&mut response, operation, failure), Some(code))
        }
    };
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    MadeResponse { response, body, code }
}

/// Makes the response of a request that no operation was found for, with its code in its extensions.
pub fn respond(request_id: &str, answer: Result<Reply, Failure>) -> Response {
    let made = made(None, request_id, answer, HeaderMap::new());
    let code = made.code;
    let mut response = made.whole();
    if let Some(code) = code {
        response.extensions_mut().insert(Code(code));
    }
    response
}

/// The body of a failure, as it is sent.
pub fn body(error: &ApiError) -> Vec<u8> {
    /// What all failures of a code have in common, in the catalogue's order, each written once.
    static BEGUN: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| ErrorCode::ALL.iter().map(|code| begun(*code)).collect());
    let (begun, details) = (&BEGUN[error.code as usize], error.body().error.details);
    let mut body = Vec::with_capacity(begun.len() + if details.is_some() { 256 } else { END.len() + 1 });
    body.extend_from_slice(begun);
    if let Some(details) = details {
        body.extend_from_slice(b",\"details\":");
        serde_json::to_writer(&mut body, details).expect(WRITABLE);
    }
    body.extend_from_slice(END);
    line(body)
}

const WRITABLE: &str = "an error's body holds strings and numbers only";
/// How the body of a failure ends, whatever stands in it.
const END: &[u8] = b"}}";

/// The body of a failure without details, up to where they would stand.
fn begun(code: ErrorCode) -> Vec<u8> {
    let mut whole = serde_json::to_vec(&ApiError::new(code).body()).expect(WRITABLE);
    whole.truncate(whole.len() - END.len());
    whole
}

/// Ends the text as a line does: what a shell shows next begins on its own one.
fn line(mut json: Vec<u8>) -> Vec<u8> {
    json.push(b'\n');
    json
}

/// The code that a failure's body names.
pub fn code(body: &[u8]) -> Option<ErrorCode> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    body["error"]["code"].as_str().and_then(ErrorCode::parse)
}

/// Fills a response in, and gives the body that is there.
fn success(response: &mut Response, reply: Reply) -> Bytes {
    if let Some(stream) = reply.stream {
        *response.body_mut() = stream;
    }
    *response.status_mut() = reply.status;
    if reply.status != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(CONTENT_TYPE, JSON);
    }
    for (name, value) in reply.headers {
        response.headers_mut().insert(name, value);
    }
    if let Some(code) = reply.code {
        response.headers_mut().insert(LINK, help(code));
    }
    reply.body
}

/// Fills a response in, and gives its body.
fn refusal(response: &mut Response, operation: Option<&Operation>, failure: Failure) -> Bytes {
    let Failure { mut error, cause, headers, .. } = failure;
    let status = StatusCode::from_u16(error.code.status()).expect("the catalogue's statuses are statuses");
    let comes_back = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    if comes_back {
        let seconds = error.details.retry_after.unwrap_or(1).max(1);
        error.details.retry_after = Some(seconds);
    }
    log(&error, status, cause.as_deref());
    declared::observe(operation, error.code);

    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response.headers_mut().insert(LINK, help(error.code));
    if let Some(seconds) = error.details.retry_after {
        response.headers_mut().insert(RETRY_AFTER, number(seconds));
    }
    for (name, value) in headers {
        response.headers_mut().insert(name, value);
    }
    body(&error).into()
}

/// Where the code is explained: the body's shape is promised, so the link stands beside it. [`reach`] makes it lead there from any path.
fn help(code: ErrorCode) -> HeaderValue {
    /// In the catalogue's order, each written once.
    static LINKS: LazyLock<Vec<HeaderValue>> = LazyLock::new(|| ErrorCode::ALL.iter().map(|code| link("/", *code)).collect());
    LINKS[code as usize].clone()
}

fn link(way: &str, code: ErrorCode) -> HeaderValue {
    let link = format!("<{way}{}#error-{}>; rel=\"help\"", ops::get_docs.path.trim_start_matches('/'), code.name());
    HeaderValue::from_str(&link).expect("codes are lower-case words")
}

/// How many slashes a path has, for [`reach`].
pub fn depth(path: &str) -> usize {
    path.bytes().filter(|byte| *byte == b'/').count()
}

/// Makes the link of a failure relative to the path that was asked for, which is so deep: a proxy may have put all of us below a path of its
/// own.
pub fn reach(response: &mut Response, code: ErrorCode, depth: usize) {
    /// How far up the links lead that are written once: from every path of ours.
    const FAR: usize = 8;
    static LINKS: LazyLock<Vec<HeaderValue>> =
        LazyLock::new(|| (0..FAR).flat_map(|up| ErrorCode::ALL.iter().map(move |code| link(&"../".repeat(up), *code))).collect());
    // In its place: to put one in where the headers are full makes room for more first, also where it is there.
    let Some(told) = response.headers_mut().get_mut(LINK) else { return };
    let up = depth.saturating_sub(1);
    let known = LINKS.get(up.saturating_mul(ErrorCode::ALL.len()).saturating_add(code as usize));
    *told = known.cloned().unwrap_or_else(|| link(&"../".repeat(up), code));
}

/// The cause stays with us. The line names its request by the span that the operation runs in.
fn log(error: &ApiError, status: StatusCode, cause: Option<&(dyn StdError + Send + Sync)>) {
    if !status.is_server_error() {
        return;
    }
    let Some(cause) = cause else { return };
    let mut chain = cause.to_string();
    let mut source = cause.source();
    while let Some(next) = source {
        chain.push_str(": ");
        chain.push_str(&next.to_string());
        source = next.source();
    }
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(code = error.code.name(), cause = chain, "a request failed");
    } else {
        tracing::warn!(code = error.code.name(), cause = chain, "a request could not be served");
    }
}

/// A number as a header, in one piece of memory: the library's own way takes two, and three of these stand in each answer.
pub(super) fn number(value: u64) -> HeaderValue {
    let (mut digits, mut rest) = ([b'0'; 20], value);
    let mut begin = digits.len();
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b"0123456789"[(rest % 10) as usize];
        (begin, rest) = (place, rest / 10);
        if rest == 0 {
            break;
        }
    }
    HeaderValue::from_bytes(&digits[begin..]).expect("digits are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(failure: impl Into<Failure>) -> Response {
        respond("req_test", Err(failure.into()))
    }

    #[test]
    fn every_429_and_503_says_when_to_come_back_and_at_least_in_a_second() {
        for code in ErrorCode::ALL.iter().filter(|code| matches!(code.status(), 429 | 503)) {
            let response = answer(*code);
            assert_eq!(response.headers()[RETRY_AFTER], "1", "{}", code.name());
        }
        assert_eq!(answer(Failure::unavailable("so", 7)).headers()[RETRY_AFTER], "7");
        assert!(answer(ErrorCode::InvalidRequest).headers().get(RETRY_AFTER).is_none());
    }

    #[test]
    fn an_answer_is_one_line_with_its_end() {
        let reply = Reply::ok("first\nsecond").unwrap();
        assert_eq!(reply.body, b"{\"success\":true,\"data\":\"first\\nsecond\"}\n".as_slice());
    }

    #[test]
    fn a_failure_is_one_line_with_its_end_and_still_names_its_code() {
        let sent = body(&ErrorCode::Conflict.into());
        assert_eq!(sent.iter().position(|byte| *byte == b'\n'), Some(sent.len() - 1));
        assert_eq!(code(&sent), Some(ErrorCode::Conflict));
    }

    #[test]
    fn what_is_written_by_hand_is_what_serde_writes_of_every_failure() {
        let spoken = |code| ApiError::new(code).field("a.\"b\"\n").reason("why; é").limit(1, 2).retry_after(3);
        for error in ErrorCode::ALL.iter().flat_map(|code| [ApiError::new(*code), ApiError::new(*code).retry_after(1), spoken(*code)]) {
            let whole = serde_json::to_string(&error.body()).unwrap();
            assert_eq!(String::from_utf8(body(&error)).unwrap(), format!("{whole}\n"));
        }
    }

    #[test]
    fn a_cause_is_kept_of_a_fault_and_not_of_a_refusal() {
        assert!(Failure::from(key::Error::Invalid).cause.is_none());
        assert!(Failure::from(store::Error::Refused("no such table".to_owned())).cause.is_some());
    }

    #[test]
    fn a_cause_is_never_sent() {
        let failure = Failure::internal("the secret is in /var/lib");
        assert!(!String::from_utf8(body(&failure.error)).unwrap().contains("secret"));
    }

    #[test]
    fn every_failure_links_its_entry_of_the_catalogue() {
        for code in ErrorCode::ALL {
            assert_eq!(answer(*code).headers()[LINK], format!("</docs#error-{}>; rel=\"help\"", code.name()));
        }
        assert!(respond("req_good", Reply::ok(1)).headers().get(LINK).is_none());
    }

    #[test]
    fn a_link_leads_to_the_catalogue_from_every_path() {
        for (path, link) in [
            ("/healthz", "<docs#error-conflict>"),
            ("/v1/account", "<../docs#error-conflict>"),
            ("/v1/messages/text", "<../../docs#error-conflict>"),
            ("//v1/account", "<../../docs#error-conflict>"),
            ("*", "<docs#error-conflict>"),
            ("/1/2/3/4/5/6/7/8", "<../../../../../../../docs#error-conflict>"),
            ("/1/2/3/4/5/6/7/8/9", "<../../../../../../../../docs#error-conflict>"),
        ] {
            let mut response = answer(ErrorCode::Conflict);
            reach(&mut response, ErrorCode::Conflict, depth(path));
            assert_eq!(response.headers()[LINK], format!("{link}; rel=\"help\""), "{path}");
        }
    }

    #[test]
    fn every_answer_names_its_request() {
        assert_eq!(answer(ErrorCode::Conflict).headers()[X_REQUEST_ID], "req_test");
        let good = respond("req_good", Reply::ok(1));
        assert_eq!(good.headers()[X_REQUEST_ID], "req_good");
    }

    #[test]
    fn a_number_is_written_as_the_library_writes_it() {
        for value in [0, 1, 9, 10, 99, 100, 12_345, 1_796_057_414, u64::MAX - 1, u64::MAX] {
            assert_eq!(number(value), HeaderValue::from(value));
        }
    }
}
