//! Requests on their way to a gateway, and again where it is busy or away.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use futures::TryStreamExt as _;
use indicatif::ProgressBar;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, HeaderName, LINK, RETRY_AFTER};
use reqwest::{Body, RequestBuilder, Response, redirect};
use serde_json::Value;
use tokio_util::io::ReaderStream;
use url::Url;
use wharf_api::limits;
use wharf_api::ops::{Operation, Patience};
use wharf_core::Chance as _;
use wharf_core::chance::SystemChance;

use super::refused::{self, Refused};
use crate::cli::progress;
use crate::cli::target::{Place, address, check_key};
use crate::cli::unmet::{NoAnswer, unanswered};

const CHUNK_BYTES: usize = 64 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longer than a gateway takes for anything but files and long polls.
const TIMEOUT: Duration = Duration::from_secs(45);
/// A little more than a gateway takes for a request with a file.
const FILE_TIMEOUT: Duration = limits::MEDIA_REQUEST.saturating_add(Duration::from_secs(10));
const LONG_POLL_TIMEOUT: Duration = Duration::from_secs(limits::LONG_POLL_MAX_SECS + 45);
/// What is read as it grows has no end of its own.
const STREAM: &str = "text/event-stream";
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(in crate::cli) struct Request {
    pub op: &'static Operation,
    /// The parts of the path; those that are still to be filled have their name in braces.
    pub path: Vec<String>,
    pub query: Vec<(String, String)>,
    pub body: Content,
    /// The form of the answer; JSON where none is named.
    pub accept: Option<String>,
    /// The `Idempotency-Key` of all its tries.
    pub key: Option<String>,
}

pub(in crate::cli) enum Content {
    None,
    Json(Value),
    /// The file of that path; `-` is the standard input.
    File(PathBuf),
}

impl Request {
    pub(in crate::cli) fn of(op: &'static Operation) -> Self {
        let path = op.path.trim_start_matches('/').split('/').map(str::to_owned).collect();
        Self { op, path, query: Vec::new(), body: Content::None, accept: None, key: None }
    }

    /// Puts the word in the place of that name.
    pub(in crate::cli) fn fill(&mut self, name: &str, word: String) {
        let braced = format!("{{{name}}}");
        if let Some(place) = self.path.iter_mut().find(|part| **part == braced) {
            *place = word;
        }
    }

    fn timeout(&self) -> Option<Duration> {
        match self.op.patience {
            _ if self.accept.as_deref() == Some(STREAM) => None,
            Patience::Usual => Some(TIMEOUT),
            Patience::Files => Some(FILE_TIMEOUT),
            Patience::LongPoll => Some(LONG_POLL_TIMEOUT),
        }
    }
}

pub(in crate::cli) struct Client {
    http: reqwest::Client,
    url: Url,
    key: Option<String>,
}

impl Client {
    pub(in crate::cli) fn new(place: &Place) -> anyhow::Result<Self> {
        let url = address(&place.url)?;
        if let Some(key) = &place.key {
            check_key(key)?;
        }
        // A client wants a provider of cryptography; where another part was faster, its choice is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "the address is what the person at the terminal typed")]
        let builder = reqwest::Client::builder();
        let http = builder.connect_timeout(CONNECT_TIMEOUT).redirect(redirect::Policy::none()).build()?;
        Ok(Self { http, url, key: place.key.clone() })
    }

    /// The answer, at the latest that of the last try. Whatever creates something has a key, and what has none makes nothing new: every
    /// request may be repeated.
    pub(in crate::cli) async fn ask(&self, request: &Request, tries: u32) -> anyhow::Result<Response> {
        let mut tried = 0;
        loop {
            tried += 1;
            let error = match self.once(request).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let pause = match error.downcast_ref::<Refused>() {
                Some(refused) => refused.pause(tried, chance()),
                None => error.downcast_ref::<NoAnswer>().is_some().then(|| refused::pause(tried, chance())),
            };
            match pause.filter(|_| tried < tries) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    async fn once(&self, request: &Request) -> anyhow::Result<Response> {
        let url = self.place(request)?;
        let method = reqwest::Method::from_bytes(request.op.method.as_str().as_bytes())?;
        let mut asked = self.http.request(method, url.clone());
        if let Some(timeout) = request.timeout() {
            asked = asked.timeout(timeout);
        }
        if let Some(key) = &self.key {
            asked = asked.bearer_auth(key);
        }
        if let Some(kind) = &request.accept {
            asked = asked.header(ACCEPT, kind);
        }
        if let Some(key) = &request.key {
            asked = asked.header(IDEMPOTENCY_KEY, key);
        }
        let (asked, bar) = match &request.body {
            Content::None => (asked, None),
            Content::Json(body) => (asked.json(body), None),
            Content::File(path) => with_file(asked, path).await?,
        };
        let answer = asked.send().await.map_err(unanswered);
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        let answer = answer?;
        if answer.status().is_success() { Ok(answer) } else { Err(refusal(&url, answer).await.into()) }
    }

    fn place(&self, request: &Request) -> anyhow::Result<Url> {
        let mut url = self.url.clone();
        url.path_segments_mut().map_err(|()| anyhow!("--url is no HTTP address"))?.pop_if_empty().extend(&request.path);
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        Ok(url)
    }
}

/// Between 0 and 1.
fn chance() -> f64 {
    let mut bytes = [0_u8];
    SystemChance.fill(&mut bytes);
    f64::from(bytes[0]) / 256.0
}

/// The file as the body, with how far it is shown where somebody looks.
async fn with_file(request: RequestBuilder, path: &Path) -> anyhow::Result<(RequestBuilder, Option<ProgressBar>)> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut tokio::io::stdin(), &mut bytes).await.context("the standard input cannot be read")?;
        return Ok((request.body(bytes), None));
    }
    let unreadable = || format!("{} cannot be read", path.display());
    let file = tokio::fs::File::open(path).await.with_context(unreadable)?;
    let size = file.metadata().await.with_context(unreadable)?.len();
    let bar = progress::bar(Some(size), "Uploading")?;
    let shown = bar.clone();
    let bytes = ReaderStream::with_capacity(file, CHUNK_BYTES).inspect_ok(move |chunk| shown.inc(chunk.len() as u64));
    Ok((request.header(CONTENT_LENGTH, size).body(Body::wrap_stream(bytes)), Some(bar)))
}

/// An answer that is no success, with what its headers say of it.
pub(in crate::cli) async fn refusal(url: &Url, answer: Response) -> Refused {
    let status = answer.status().as_u16();
    let header = |name: &HeaderName| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let request_id = header(&REQUEST_ID);
    let retry_after = header(&RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
    let link = header(&LINK);
    let help = link.as_deref().and_then(|link| link.strip_prefix('<')?.split('>').next()).and_then(|link| url.join(link).ok());
    let body: Option<Value> = answer.bytes().await.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match body.filter(|body| body["error"]["code"].is_string()) {
        Some(body) => Refused { status, body, request_id, help, retry_after, json: false },
        None => Refused { retry_after, ..Refused::foreign(status) },
    }
}

/// The body of a success.
pub(super) async fn json(answer: Response) -> anyhow::Result<Value> {
    let bytes = answer.bytes().await.context("the gateway broke off its answer")?;
    serde_json::from_slice(&bytes).context("this is not a Wharf gateway")
}
