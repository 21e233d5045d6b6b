//! The gateway's HTTP API as the commands need it that work through a gateway.

use std::time::Duration;

use anyhow::{Context, anyhow};
use reqwest::header::{ACCEPT, CONTENT_LENGTH};
use reqwest::{Body, Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;
use wharf_api::envelope::Success;
use wharf_api::limits;
use wharf_api::types::media::Media;
use wharf_api::types::message::Message;
use wharf_api::types::passkey::Passkey;
use wharf_api::types::session::{PairingCode, Qr, Session, SessionWithQr};
use wharf_api::types::switches::{PutSwitches, Switches};

use super::operations::{Refused, refusal};
use super::target::{address, check_key};
use super::unmet::unanswered;

/// How long one long poll lasts, in seconds. Less than what proxies cut off.
const WAIT_SECS: u64 = 20;
const TIMEOUT: Duration = Duration::from_secs(45);
/// A little more than a gateway takes for a request with a file.
const FILE_TIMEOUT: Duration = limits::MEDIA_REQUEST.saturating_add(Duration::from_secs(10));
/// How long one stream of events is read before another takes its place.
const STREAM_TIMEOUT: Duration = Duration::from_hours(12);

#[derive(Clone)]
pub struct Gateway {
    client: reqwest::Client,
    url: Url,
    key: String,
}

/// An answer, or the code of a refusal that the caller can deal with.
pub(super) enum Told<T> {
    Done(T),
    Refused(String),
}

impl Gateway {
    pub fn new(url: &str, key: &str) -> anyhow::Result<Self> {
        let url = address(url)?;
        check_key(key)?;
        // A client wants a provider of cryptography; where another part was faster, its choice is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "the address is what the person at the terminal typed")]
        let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        Ok(Self { client, url, key: key.to_owned() })
    }

    pub(super) async fn create(&self, name: &str) -> anyhow::Result<SessionWithQr> {
        self.done(self.request(Method::POST, &["sessions"])?.json(&json!({ "name": name }))).await
    }

    pub(super) async fn restart(&self, id: &str) -> anyhow::Result<SessionWithQr> {
        self.done(self.request(Method::POST, &["sessions", id, "restart"])?).await
    }

    pub(super) async fn session(&self, id: &str) -> anyhow::Result<Session> {
        self.done(self.request(Method::GET, &["sessions", id])?).await
    }

    pub(super) async fn delete(&self, id: &str) -> anyhow::Result<Session> {
        self.done(self.request(Method::DELETE, &["sessions", id])?).await
    }

    /// The code after `known`, or `known` again where it stands for as long as one question lasts.
    pub(super) async fn next_qr(&self, id: &str, known: &str) -> anyhow::Result<Told<Qr>> {
        let mut url = self.place(&["sessions", id, "qr"])?;
        url.query_pairs_mut().append_pair("wait", &WAIT_SECS.to_string()).append_pair("known", known);
        self.ask(self.client.get(url).bearer_auth(&self.key)).await
    }

    /// A code to type into the phone of that number.
    pub(super) async fn pairing_code(&self, id: &str, phone: &str) -> anyhow::Result<PairingCode> {
        self.done(self.request(Method::POST, &["sessions", id, "pairing-code"])?.json(&json!({ "phoneNumber": phone }))).await
    }

    /// What WhatsApp wants a passkey to sign, or how far that has come.
    pub(super) async fn passkey(&self, id: &str) -> anyhow::Result<Told<Passkey>> {
        self.ask(self.request(Method::GET, &["sessions", id, "passkey"])?).await
    }

    /// Stores a file of that many bytes.
    pub(super) async fn upload(&self, size: u64, bytes: Body, kind: Option<&str>, name: Option<&str>) -> anyhow::Result<Media> {
        let mut url = self.place(&["media"])?;
        for (parameter, value) in [("mediaType", kind), ("fileName", name)] {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(parameter, value);
            }
        }
        let request = self.client.post(url).bearer_auth(&self.key).header(CONTENT_LENGTH, size).body(bytes);
        self.done(request.timeout(FILE_TIMEOUT)).await
    }

    pub(super) async fn send(&self, kind: &str, body: &Value) -> anyhow::Result<Message> {
        self.done(self.request(Method::POST, &["messages", kind])?.json(body).timeout(FILE_TIMEOUT)).await
    }

    /// The operator's switches, after a change where one is given.
    pub(super) async fn switches(&self, change: Option<&PutSwitches>) -> anyhow::Result<Switches> {
        let path = ["admin", "whatsapp", "switches"];
        let request = match change {
            Some(change) => self.request(Method::PUT, &path)?.json(change),
            None => self.request(Method::GET, &path)?,
        };
        self.done(request).await
    }

    /// Any question, and its answer as it came: data, or a refusal.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> anyhow::Result<Result<Value, Box<Refused>>> {
        let mut url = self.place(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.client.request(method, url).bearer_auth(&self.key).timeout(FILE_TIMEOUT);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.told(request).await
    }

    /// The stream of events behind the one that was seen last, or from now on.
    pub(super) async fn events(&self, last: Option<&str>) -> anyhow::Result<Response> {
        let mut url = self.place(&["events"])?;
        url.query_pairs_mut().append_pair("cursor", "latest");
        let mut request = self.client.get(url).bearer_auth(&self.key).header(ACCEPT, "text/event-stream").timeout(STREAM_TIMEOUT);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.map_err(unanswered)?;
        let url = response.url().clone();
        if response.status().is_success() { Ok(response) } else { Err(refusal(&url, response).await.into()) }
    }

    fn request(&self, method: Method, path: &[&str]) -> anyhow::Result<RequestBuilder> {
        Ok(self.client.request(method, self.place(path)?).bearer_auth(&self.key))
    }

    fn place(&self, path: &[&str]) -> anyhow::Result<Url> {
        let mut url = self.url.clone();
        url.path_segments_mut().map_err(|()| anyhow!("--url is no HTTP address"))?.pop_if_empty().push("v1").extend(path);
        Ok(url)
    }

    async fn done<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<T> {
        match self.told(request).await? {
            Ok(data) => Ok(data),
            Err(refused) => Err((*refused).into()),
        }
    }

    /// Like [`Gateway::done`], but a state that forbids what was asked is an answer too.
    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<Told<T>> {
        match self.told(request).await? {
            Ok(data) => Ok(Told::Done(data)),
            Err(refused) if matches!(refused.status, 400 | 409) => Ok(Told::Refused(refused.code().to_owned())),
            Err(refused) => Err((*refused).into()),
        }
    }

    async fn told<T: DeserializeOwned>(&self, request: RequestBuilder) -> anyhow::Result<Result<T, Box<Refused>>> {
        let response = request.send().await.map_err(unanswered)?;
        if !response.status().is_success() {
            let url = response.url().clone();
            let refused = refusal(&url, response).await;
            // Nothing of ours says what somebody else's answer means.
            return if refused.is_foreign() { Err(refused.into()) } else { Ok(Err(Box::new(refused))) };
        }
        let body = response.bytes().await.context("the gateway broke off its answer")?;
        let success: Success<T> = serde_json::from_slice(&body).context("this is not a Wharf gateway")?;
        Ok(Ok(success.data))
    }
}
