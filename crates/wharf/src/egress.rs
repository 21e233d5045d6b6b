//! The one door to other people's servers. Nothing else of the gateway makes an HTTP client for foreign addresses.
//!
//! A URL is judged by its text, its name is resolved by a resolver of our own, every address is judged, and the
//! connection goes to those very addresses: a name that answers differently a moment later changes nothing. Refuses
//! proxies from the environment, redirects that nobody judged, and decompression.

mod fault;
mod resolve;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use tokio::time::Instant;
use url::Url;
use wharf_api::limits;
use wharf_core::egress::{self, Egress, Error, Fetch, Fetched, Post, REDIRECTS, REPLY_BYTES, Reach, Refused, Reply, Sink, Target};
use wharf_wa::Trust;

use crate::disposition;
use crate::traces;
use resolve::Guarded;

/// How many connections to one server are kept for the next `POST`: as many as a busy webhook has under way. With fewer each
/// delivery beyond them pays for a connection of its own.
const POSTS_AT_A_TIME: usize = 32;

/// Says to a webhook's server in which trace it is asked, while traces are on.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// How long a connection for a download may take to be made, its TLS handshake included.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest that a `POST` may take, in seconds.
const POST_SECS_MAX: u64 = *limits::WEBHOOK_TIMEOUT_SECS.end();
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
        let fetching = client(settings, &resolver, CONNECT, 2)?;
        let posting = Posting { settings: settings.clone(), resolver: Arc::clone(&resolver), clients: Mutex::default() };
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

    async fn post_once(&self, request: &Post) -> Result<Reply, Error> {
        let target = egress::target(&request.url, self.reach).map_err(|refused| note(&request.url, refused))?;
        let ends = Instant::now() + request.timeout;
        let mut headers = headers(&request.headers);
        if let Some(traceparent) = traces::traceparent() {
            // A customer's own header of this name stays.
            headers.entry(TRACEPARENT).or_insert(traceparent);
        }
        let asked = self.posting.client(request.timeout)?.post(target.url).headers(headers).body(request.body.clone());
        let asked = tokio::time::timeout_at(ends, asked.send()).await.map_err(|_| Error::Timeout)?;
        let mut answer = asked.map_err(|error| fault::of(&error))?;
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = start(&mut answer, ends.min(Instant::now() + REPLY_PATIENCE)).await;
        Ok(Reply { status, retry_after, body })
    }
}

/// How the body of an answer begins. The status has been given: a body that breaks off or stalls takes nothing from it.
async fn start(answer: &mut Response, ends: Instant) -> Bytes {
    let mut body = BytesMut::new();
    while body.len() < REPLY_BYTES {
        match tokio::time::timeout_at(ends, answer.chunk()).await {
            Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes[..bytes.len().min(REPLY_BYTES - body.len())]),
            Ok(Ok(None) | Err(_)) | Err(_) => break,
        }
    }
    body.freeze()
}

#[async_trait]
impl Egress for Guard {
    async fn post(&self, request: Post) -> Result<Reply, Error> {
        match self.post_once(&request).await {
            Err(Error::Unresolved | Error::Unreachable | Error::Timeout)
                if self.reach == Reach::Public && self.resolver.is_silent(&request.url).await =>
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

/// The clients for `POST`s. A client has one patience for connections, TLS included, and a `POST` has the time that its webhook was promised.
struct Posting {
    settings: Settings,
    resolver: Arc<Guarded>,
    /// By whole seconds.
    clients: Mutex<HashMap<u64, Client>>,
}

impl Posting {
    fn client(&self, timeout: Duration) -> Result<Client, Error> {
        let seconds = u64::try_from(timeout.as_millis().div_ceil(1000)).unwrap_or(POST_SECS_MAX).clamp(1, POST_SECS_MAX);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&seconds) {
            return Ok(client.clone());
        }
        let made = client(&self.settings, &self.resolver, Duration::from_secs(seconds), POSTS_AT_A_TIME);
        let made =
            made.inspect_err(|error| tracing::error!(%error, "no client for webhooks could be made")).map_err(|_| Error::Unreachable)?;
        clients.insert(seconds, made.clone());
        Ok(made)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the port that everything else reaches foreign servers through")]
fn client(settings: &Settings, resolver: &Arc<Guarded>, connect_timeout: Duration, idle: usize) -> Result<Client, Unusable> {
    let mut identity = HeaderMap::new();
    identity.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let client = Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .dns_resolver(Arc::clone(resolver))
        .connect_timeout(connect_timeout)
        .tls_backend_preconfigured(settings.trust.for_http())
        .default_headers(identity)
        .user_agent(concat!("Wharf/", env!("CARGO_PKG_VERSION")))
        .pool_max_idle_per_host(idle)
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
fn headers(wanted: &[(String, String)]) -> HeaderMap {
    const OURS: &[HeaderName] =
        &[header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::ACCEPT_ENCODING];
    let parsed = wanted.iter().filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?)));
    parsed.filter(|(name, _)| !OURS.contains(name)).collect()
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
        let headers = headers(&[
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
