//! The way to the collector: an HTTP client of the gateway's own kind, driven from a thread that has no runtime.
//!
//! The address is the operator's, like the database's, so the guard of other people's addresses has no word here. Refuses redirects and
//! proxies from the environment; reads no more of an answer than says how it went.

use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use tokio::runtime::Handle;
use url::Url;
use wharf_wa::Trust;

use super::{Error, Settings};

const PROTOBUF: &str = "application/x-protobuf";
/// The most that is read of an answer, in bytes. What collectors say is far shorter.
const ANSWER: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Collector {
    client: reqwest::Client,
    endpoint: Url,
    timeout: Duration,
    runtime: Handle,
}

impl Collector {
    #[expect(clippy::disallowed_methods, reason = "the collector is the operator's own address, and no tenant has a word in it")]
    pub(super) fn new(settings: &Settings, trust: &Trust) -> Result<Self, Error> {
        // Somebody may have chosen one before; that one is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(settings.timeout)
            .tls_backend_preconfigured(trust.for_http())
            .default_headers(settings.headers.clone())
            .user_agent(concat!("Wharf/", env!("CARGO_PKG_VERSION")))
            .pool_max_idle_per_host(1)
            .build()?;
        Ok(Self { client, endpoint: settings.endpoint.clone(), timeout: settings.timeout, runtime: Handle::current() })
    }
}

#[async_trait]
impl HttpClient for Collector {
    /// Sends the body to our address with our headers: those of the request may be from variables that are not ours.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let asked = self.client.post(self.endpoint.clone()).header(CONTENT_TYPE, PROTOBUF).body(request.into_body());
        let timeout = self.timeout;
        let answered = self.runtime.spawn(async move { tokio::time::timeout(timeout, answer(asked)).await });
        answered.await??
    }
}

async fn answer(asked: reqwest::RequestBuilder) -> Result<Response<Bytes>, HttpError> {
    let mut answer = asked.send().await?;
    let mut body = BytesMut::new();
    while let Some(bytes) = answer.chunk().await? {
        if body.len() + bytes.len() > ANSWER {
            return Err("the collector's answer is too long".into());
        }
        body.extend_from_slice(&bytes);
    }
    let mut response = Response::new(body.freeze());
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}
