//! The clients for `POST`s, which are hyper's own. The client for downloads parses a URL three times and copies the headers for redirects
//! and tries of its own; a `POST` has neither, and a busy webhook would pay for them with each delivery.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tower::{BoxError, Service};
use wharf_api::limits;
use wharf_core::egress::{self, Error, Reach};
use wharf_wa::Trust;

use super::resolve::Guarded;

/// How many connections to one server are kept for the next `POST`: as many as a busy webhook has under way. With fewer each
/// delivery beyond them pays for a connection of its own.
const POSTS_AT_A_TIME: usize = 32;
/// For how long they are kept.
const KEPT: Duration = Duration::from_secs(10);
/// The longest that a `POST` may take, in seconds.
const POST_SECS_MAX: u64 = *limits::WEBHOOK_TIMEOUT_SECS.end();
/// After how long a connection that says nothing is asked whether it lives, and how often.
const ALIVE: Duration = Duration::from_secs(15);
const ALIVE_TIMES: u32 = 3;
/// After how long a connection is given up whose other end acknowledges nothing.
#[cfg(target_os = "linux")]
const UNHEARD: Duration = Duration::from_secs(30);
/// How many judged URLs are remembered.
const JUDGED: usize = 1_000;

type PostClient = Client<PatientConnector, Full<Bytes>>;

/// A client has one patience for connections, TLS included, and a `POST` has the time that its webhook was promised.
pub(super) struct Posting {
    trust: Trust,
    reach: Reach,
    resolver: Arc<Guarded>,
    /// By whole seconds.
    clients: Mutex<HashMap<u64, PostClient>>,
    /// URLs that may be asked for, as far as their text tells: it tells the same each time.
    judged: Mutex<HashMap<String, Uri>>,
}

impl Posting {
    pub(super) fn new(trust: Trust, reach: Reach, resolver: Arc<Guarded>) -> Self {
        Self { trust, reach, resolver, clients: Mutex::default(), judged: Mutex::default() }
    }

    /// Judges the text of a URL.
    pub(super) fn target(&self, url: &str) -> Result<Uri, Error> {
        let known = self.judged.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let target = egress::target(url, self.reach)?;
        let uri: Uri = target.url.as_str().parse().map_err(|_| Error::Broken)?;
        let mut judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        if judged.len() >= JUDGED {
            judged.clear();
        }
        judged.insert(url.to_owned(), uri.clone());
        Ok(uri)
    }

    /// Sends a request on a connection that was kept, or on a new one. Another connection is taken only where the kept one ended before a
    /// byte of the request was written: what may have arrived is not sent again.
    pub(super) fn send(&self, to: Uri, headers: HeaderMap, body: Bytes, timeout: Duration) -> ResponseFuture {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = to;
        *request.headers_mut() = headers;
        self.client(timeout).request(request)
    }

    fn client(&self, timeout: Duration) -> PostClient {
        let seconds = u64::try_from(timeout.as_millis().div_ceil(1000)).unwrap_or(POST_SECS_MAX).clamp(1, POST_SECS_MAX);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || client(&self.trust, &self.resolver, Duration::from_secs(seconds));
        clients.entry(seconds).or_insert_with(made).clone()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the port that everything else reaches foreign servers through")]
fn client(trust: &Trust, resolver: &Arc<Guarded>, patience: Duration) -> PostClient {
    let mut http = HttpConnector::new_with_resolver(GuardedNames(Arc::clone(resolver)));
    // It makes the connections of https too.
    http.enforce_http(false);
    http.set_connect_timeout(Some(patience));
    http.set_nodelay(true);
    http.set_keepalive(Some(ALIVE));
    http.set_keepalive_interval(Some(ALIVE));
    http.set_keepalive_retries(Some(ALIVE_TIMES));
    #[cfg(target_os = "linux")]
    http.set_tcp_user_timeout(Some(UNHEARD));
    let connector = PatientConnector { inner: HttpsConnector::from((http, trust.for_http())), patience };
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(KEPT)
        .pool_max_idle_per_host(POSTS_AT_A_TIME)
        .build(connector)
}

/// Names for connections, by the guard's resolver.
#[derive(Clone)]
struct GuardedNames(Arc<Guarded>);

impl Service<Name> for GuardedNames {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Self::Response, Error>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let found = self.0.addresses(name.as_str().to_owned());
        Box::pin(async move { Ok(found.await?.into_iter()) })
    }
}

/// Makes connections. The time of each holds its name and its handshake too: it may go on without the request that it was begun for.
#[derive(Clone)]
struct PatientConnector {
    inner: HttpsConnector<HttpConnector<GuardedNames>>,
    patience: Duration,
}

impl Service<Uri> for PatientConnector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (connecting, patience) = (self.inner.call(to), self.patience);
        Box::pin(async move { tokio::time::timeout(patience, connecting).await.unwrap_or_else(|_| Err(Error::Timeout.into())) })
    }
}
