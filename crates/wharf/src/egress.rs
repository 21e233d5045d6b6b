//! The one door to other people's servers. Nothing else of the gateway makes an HTTP client for foreign addresses.
//!
//! A URL is judged by its text, its name is resolved by a resolver of our own, every address is judged, and the
//! connection goes to those very addresses: a name that answers differently a moment later changes nothing. Refuses
//! proxies from the environment, redirects that nobody judged, and decompression.

mod fault;
mod posting;
mod resolve;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use tokio::time::Instant;
use url::Url;
use wharf_core::egress::{self, Egress, Error, Fetch, Fetched, Post, REDIRECTS, REPLY_BYTES, Reach, Refused, Reply, Sink, Target};
use wharf_wa::Trust;

use crate::disposition;
use crate::traces;
use posting::Posting;
use resolve::Guarded;

/// Who asks.
const AGENT: &str = concat!("Wharf/", env!("CARGO_PKG_VERSION"));

/// Says to a webhook's server in which trace it is asked, while traces are on.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// How long a connection for a download may take to be made, its TLS handshake included.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the body of an answer to a `POST` may take: it is read for people, and the next `POST` waits for it.
const REPLY_PATIENCE: Duration = Duration::from_secs(1);

/// How far the gateway reaches, and what only a test changes.
#[derive(Clone, Debug)]
pub struct Settings {
    pub reach: Reach,
    /// Asked instead of the machine's name servers.
    pub name_server: Option<SocketAddr>,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// The time in which a download must bring [`egress::SLOWEST_BYTES`].
    pub slowest: Duration,
}

impl Settings {
    pub fn new(reach: Reach) -> Self {
        Self { reach, name_server: None, trust: Trust::default(), slowest: egress::SLOWEST }
    }
}

/// Why there is no way out.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Unusable(#[from] reqwest::Error);

/// The guard is in place for every request that this makes.
pub struct Guard {
    reach: Reach,
    slowest: Duration,
    resolver: Arc<Guarded>,
    fetching: Client,
    posting: Posting,
}

impl Guard {
    pub fn new(settings: &Settings) -> Result<Self, Unusable> {
        // Somebody may have chosen one before; that one is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let resolver = Arc::new(Guarded::new(settings.reach, settings.name_server));
        let fetching = client(settings, &resolver)?;
        let posting = Posting::new(settings.trust.clone(), settings.reach, Arc::clone(&resolver));
        Ok(Self { reach: settings.reach, slowest: settings.slowest, resolver, fetching, posting })
    }

    /// Reads what the machine says of name servers and believes of certificates, which the first request waits for otherwise. It takes
    /// milliseconds, and blocks.
    pub fn prepare(&self) {
        // That there is none is told in the log.
        let _ = self.resolver.resolver();
        Trust::read_machine();
    }

    /// The first answer that is no redirect.
    async fn follow(&self, first: &str) -> Result<(Response, Url), Error> {
        let mut target = egress::target(first, self.reach).map_err(|refused| note(first, refused))?;
        let mut seen = Vec::new();
        for _ in 0..=REDIRECTS {
            seen.push(target.url.clone());
            let answer = self.fetching.get(target.url.clone()).send().await.map_err(|error| fault::of(&error))?;
            if !is_redirect(answer.status()) {
                return Ok((answer, target.url));
            }
            target = self.next_hop(&target, answer.headers())?;
            if seen.contains(&target.url) {
                return Err(Error::Redirect("it leads in a circle"));
            }
        }
        Err(Error::Redirect("more than three in a row"))
    }

    fn next_hop(&self, from: &Target, headers: &HeaderMap) -> Result<Target, Error> {
        let location = headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).ok_or(Error::Redirect("it names no place"))?;
        if location.contains(' ') {
            return Err(Error::Redirect("there is a blank in its place; in a URL it is written %20"));
        }
        if location.bytes().any(|byte| byte.is_ascii_control() || byte == b'\\') {
            return Err(Error::Redirect("its place is not a URL"));
        }
        let place = from.url.join(location).map_err(|_| Error::Redirect("its place is not a URL"))?;
        let target = egress::target(place.as_str(), self.reach).map_err(|Refused(reason)| Error::Redirect(reason))?;
        if from.url.scheme() == "https" && target.url.scheme() != "https" {
            return Err(Error::Redirect("it leaves https"));
        }
        Ok(target)
    }

    async fn fetch_all(&self, request: &Fetch, sink: &mut dyn Sink) -> Result<Fetched, Error> {
        let (mut answer, url) = self.follow(&request.url).await?;
        if answer.status() != StatusCode::OK {
            return Err(Error::Status(answer.status().as_u16()));
        }
        if request.content_type.is_some_and(|wanted| !is_of(wanted, answer.headers())) {
            return Err(Error::ContentType);
        }
        if is_packed(answer.headers()) {
            return Err(Error::Packed);
        }
        let limit = request.limit_bytes;
        if let Some(actual) = answer.content_length().filter(|announced| *announced > limit) {
            return Err(Error::TooLarge { limit, actual });
        }
        let said = |name: HeaderName| answer.headers().get(name).map(HeaderValue::as_bytes);
        let named = said(header::CONTENT_DISPOSITION).and_then(|value| disposition::read(value).file_name).filter(|name| !name.is_empty());
        let file_name = named.or_else(|| egress::name_in(&url));
        let content_type = said(header::CONTENT_TYPE).and_then(|value| std::str::from_utf8(value).ok()).map(str::to_owned);
        let (mut size, mut lap) = (0, Lap::new(self.slowest));
        while let Some(bytes) = lap.next(&mut answer).await? {
            size += bytes.len() as u64;
            if size > limit {
                return Err(Error::TooLarge { limit, actual: size });
            }
            sink.write(bytes).await.map_err(|egress::Stop| Error::Stopped)?;
        }
        Ok(Fetched { size, file_name, content_type })
    }

    async fn post_once(&self, url: &str, wanted: Vec<(String, String)>, body: Bytes, timeout: Duration) -> Result<Reply, Error> {
        let target = self.posting.target(url).map_err(|error| match error {
            Error::Refused(refused) => note(url, refused),
            other => other,
        })?;
        let ends = Instant::now() + timeout;
        let mut headers = headers(wanted);
        if let Some(traceparent) = traces::traceparent() {
            // A customer's own header of this name stays.
            headers.entry(TRACEPARENT).or_insert(traceparent);
        }
        headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let asked = self.posting.send(target, headers, body, timeout);
        let asked = tokio::time::timeout_at(ends, asked).await.map_err(|_| Error::Timeout)?;
        let (head, mut body) = asked.map_err(|error| fault::of_post(&error))?.into_parts();
        let retry_after = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = start(&mut body, ends.min(Instant::now() + REPLY_PATIENCE)).await;
        Ok(Reply { status: head.status.as_u16(), retry_after, body })
    }
}

/// How the body of an answer begins. The status has been given: a body that breaks off or stalls takes nothing from it.
async fn start(answer: &mut Incoming, ends: Instant) -> Bytes {
    let mut body = BytesMut::new();
    while body.len() < REPLY_BYTES {
        let Ok(Some(Ok(frame))) = tokio::time::timeout_at(ends, answer.frame()).await else { break };
        // Trailers are nobody's answer.
        if let Some(bytes) = frame.data_ref() {
            body.extend_from_slice(&bytes[..bytes.len().min(REPLY_BYTES - body.len())]);
        }
    }
    body.freeze()
}

#[async_trait]
impl Egress for Guard {
    async fn post(&self, request: Post) -> Result<Reply, Error> {
        let Post { url, headers, body, timeout } = request;
        match self.post_once(&url, headers, body, timeout).await {
            Err(Error::Unresolved | Error::Unreachable | Error::Timeout)
                if self.reach == Reach::Public && self.resolver.is_silent(&url).await =>
            {
                Err(Error::Offline)
            }
            result => result,
        }
    }

    async fn fetch(&self, request: Fetch, sink: &mut dyn Sink) -> Result<Fetched, Error> {
        tokio::time::timeout(request.timeout, self.fetch_all(&request, sink)).await.unwrap_or(Err(Error::Timeout))
    }

    fn check(&self, url: &str) -> Result<(), Refused> {
        egress::target(url, self.reach).map(|_| ())
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the port that everything else reaches foreign servers through")]
fn client(settings: &Settings, resolver: &Arc<Guarded>) -> Result<Client, Unusable> {
    let mut identity = HeaderMap::new();
    identity.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let client = Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .dns_resolver(Arc::clone(resolver))
        .connect_timeout(CONNECT)
        .tls_backend_preconfigured(settings.trust.for_http())
        .default_headers(identity)
        .user_agent(AGENT)
        .pool_max_idle_per_host(2)
        .pool_idle_timeout(Duration::from_secs(10))
        .http1_max_headers(100)
        .build()?;
    Ok(client)
}

/// The pace of a download: each lap must bring its bytes.
struct Lap {
    length: Duration,
    ends: Instant,
    bytes: u64,
}

impl Lap {
    fn new(length: Duration) -> Self {
        Self { length, ends: Instant::now() + length, bytes: 0 }
    }

    async fn next(&mut self, answer: &mut Response) -> Result<Option<Bytes>, Error> {
        match tokio::time::timeout_at(self.ends, answer.chunk()).await {
            Ok(Ok(None)) => Ok(None),
            Ok(Ok(Some(bytes))) => {
                self.bytes += bytes.len() as u64;
                if self.bytes >= egress::SLOWEST_BYTES {
                    *self = Self::new(self.length);
                }
                Ok(Some(bytes))
            }
            Ok(Err(error)) => Err(fault::of(&error)),
            Err(_) => Err(Error::TooSlow),
        }
    }
}

/// Whether the server says that its answer is of that type, whatever stands behind it.
fn is_of(wanted: &str, headers: &HeaderMap) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    said.split(';').next().is_some_and(|said| said.trim().eq_ignore_ascii_case(wanted))
}

/// Whether the server packed its answer, which we ask nobody to do. Unpacked it may be of any size, and packed nobody can open it.
fn is_packed(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(header::CONTENT_ENCODING).iter();
    codings.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).any(|coding| {
        let coding = coding.trim_ascii();
        !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity")
    })
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// What the guard decides about the connection is not the caller's to say.
fn headers(wanted: Vec<(String, String)>) -> HeaderMap {
    const OURS: &[HeaderName] =
        &[header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::ACCEPT_ENCODING];
    // With room for what the guard and the client add.
    let mut headers = HeaderMap::with_capacity(wanted.len() + 5);
    for (name, value) in wanted {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(&name), HeaderValue::try_from(value))
            && !OURS.contains(&name)
        {
            headers.append(name, value);
        }
    }
    headers
}

fn note(url: &str, refused: Refused) -> Error {
    tracing::debug!(bytes = url.len(), %refused, "a URL was refused");
    Error::Refused(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_packed_where_a_coding_is_named() {
        let headers = |values: &[&'static str]| -> HeaderMap {
            values.iter().map(|value| (header::CONTENT_ENCODING, HeaderValue::from_static(value))).collect()
        };
        for plain in [&[][..], &["identity"], &[""], &["Identity, identity"]] {
            assert!(!is_packed(&headers(plain)), "{plain:?}");
        }
        for packed in [&["gzip"][..], &["identity", "br"], &["identity, deflate"], &["x-nonsense"]] {
            assert!(is_packed(&headers(packed)), "{packed:?}");
        }
    }

    #[test]
    fn a_caller_does_not_speak_for_the_connection() {
        let wanted = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = headers(vec![
            wanted("Host", "inner"),
            wanted("content-length", "1"),
            wanted("Transfer-Encoding", "chunked"),
            wanted("webhook-id", "msg_1"),
            wanted("bad name", "x"),
            wanted("x", "a\r\nb: c"),
        ]);
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["webhook-id"], "msg_1");
    }
}
