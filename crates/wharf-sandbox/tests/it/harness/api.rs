//! HTTP as a customer speaks it.

use std::sync::Once;

use reqwest::header::HeaderMap;
use serde_json::Value;
use wharf_testing::ledger;

/// One base address with one key.
#[derive(Clone)]
pub struct Api {
    client: reqwest::Client,
    pub base: String,
    pub key: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    pub json: Value,
}

impl Reply {
    pub fn data(&self) -> &Value {
        &self.json["data"]
    }

    /// The code of a failure.
    pub fn code(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Asserts that this is the refusal with that code, in the envelope.
    #[track_caller]
    pub fn refused(&self, code: wharf_api::ErrorCode) -> &Value {
        assert_eq!((self.status, self.code()), (code.status(), code.name()), "{self:?}");
        assert_eq!(self.json["success"], false, "{self:?}");
        assert!(!self.header("x-request-id").is_empty(), "{self:?}");
        &self.json["error"]["details"]
    }

    /// Asserts success and answers the data.
    #[track_caller]
    pub fn ok(&self, status: u16) -> &Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.json["success"], true, "{self:?}");
        self.data()
    }
}

impl Api {
    pub fn new(base: &str, key: &str) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // Another test may have been first; one provider is as good as the other.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        #[expect(clippy::disallowed_methods, reason = "a customer's client, not the gateway's")]
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { client, base: base.trim_end_matches('/').to_owned(), key: key.to_owned() }
    }

    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.base));
        if self.key.is_empty() { request } else { request.bearer_auth(&self.key) }
    }

    pub async fn get(&self, path: &str) -> Reply {
        read(self.request("GET", path)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        read(self.request("DELETE", path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        read(self.request("POST", path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        read(self.request("PUT", path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Reply {
        read(self.request("PATCH", path).json(body)).await
    }

    pub async fn post_text(&self, path: &str, body: &str) -> Reply {
        read(self.request("POST", path).header("content-type", "text/plain").body(body.to_owned())).await
    }

    /// The whole log of events, by pull.
    pub async fn log(&self) -> Vec<Value> {
        self.pulled("").await
    }

    /// Each step of it once, as a webhook for `*` gets them.
    pub async fn steps(&self) -> Vec<Value> {
        self.pulled("&events=*").await
    }

    async fn pulled(&self, filter: &str) -> Vec<Value> {
        let (mut events, mut after) = (Vec::new(), "oldest".to_owned());
        loop {
            let page = self.get(&format!("/v1/events?limit=200&cursor={after}{filter}")).await;
            let rows = page.ok(200).as_array().unwrap().clone();
            if rows.is_empty() {
                return events;
            }
            events.extend(rows);
            page.json["page"]["next"].as_str().unwrap().clone_into(&mut after);
        }
    }

    /// Like `post`, but a connection that breaks is an answer too: the server may be killed under it.
    pub async fn try_post(&self, path: &str, body: &Value) -> Option<Reply> {
        try_read(self.request("POST", path).json(body)).await
    }
}

pub async fn read(request: reqwest::RequestBuilder) -> Reply {
    try_read(request).await.expect("an answer")
}

pub async fn try_read(request: reqwest::RequestBuilder) -> Option<Reply> {
    let (client, request) = request.build_split();
    let request = request.expect("a request that can be");
    let (method, path) = (request.method().as_str().to_owned(), request.url().path().to_owned());
    let response = client.execute(request).await.ok()?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.ok()?.to_vec();
    let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    ledger::record(env!("CARGO_TARGET_TMPDIR"), &method, &path, status, &json);
    Some(Reply { status, headers, bytes, json })
}
