//! Which pages of other origins may call the API, and what their browsers are told of it.
//!
//! The operator names the origins; nobody is answered `*`. A key that a page holds is the page's own affair, and a cookie is never sent
//! along: `Access-Control-Allow-Credentials` is not said, and the door of log-ins refuses foreign pages whatever stands here.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::LazyLock;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use http::header::{
    ACCEPT, ACCEPT_RANGES, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, LINK, ORIGIN, RANGE, RETRY_AFTER, VARY,
};
use http::{HeaderName, HeaderValue, Method};
use tower::{Layer as _, ServiceExt as _};
use tower_http::cors::CorsLayer;
use url::Url;
use wharf_api::ops;

use super::envelope::X_REQUEST_ID;
use super::idempotency::IDEMPOTENT_REPLAYED;
use super::{Http, limit};

/// How long a browser remembers what it may ask.
const REMEMBERED: Duration = Duration::from_mins(10);
const METHODS: [Method; 6] = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
/// What requests may carry beside what browsers always send. The header of the dashboard's own pages is not among them.
const ASKED: [HeaderName; 11] = [
    ACCEPT,
    AUTHORIZATION,
    CACHE_CONTROL,
    CONTENT_DISPOSITION,
    CONTENT_TYPE,
    HeaderName::from_static("idempotency-key"),
    IF_NONE_MATCH,
    IF_RANGE,
    HeaderName::from_static("last-event-id"),
    RANGE,
    X_REQUEST_ID,
];
/// What a page may read of an answer beside what it may always.
const SHOWN: [HeaderName; 12] = [
    ACCEPT_RANGES,
    ALLOW,
    CONTENT_DISPOSITION,
    CONTENT_RANGE,
    ETAG,
    IDEMPOTENT_REPLAYED,
    LINK,
    limit::LIMIT,
    limit::REMAINING,
    limit::RESET,
    RETRY_AFTER,
    X_REQUEST_ID,
];

/// The origins whose pages may call the API. None by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Vec<HeaderValue>);

#[derive(Debug, thiserror::Error)]
#[error("an origin as browsers write it is expected, such as https://shop.example or http://localhost:5173: no path, no *, no usual port")]
pub struct NotAnOrigin;

impl Origins {
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, NotAnOrigin> {
        texts.into_iter().map(|text| origin(text.trim())).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn allow(&self, origin: &HeaderValue) -> bool {
        self.0.contains(origin)
    }

    /// What tells a page of one of them; `None` where there is none.
    pub(super) fn layer(&self) -> Option<CorsLayer> {
        if self.0.is_empty() {
            return None;
        }
        let layer = CorsLayer::new().allow_origin(self.0.clone()).allow_methods(METHODS).allow_headers(ASKED);
        Some(layer.expose_headers(SHOWN).max_age(REMEMBERED))
    }
}

/// Compared to the letter, so it has to be written as it comes.
fn origin(text: &str) -> Result<HeaderValue, NotAnOrigin> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http")).ok_or(NotAnOrigin)?;
    let as_written = url.origin().ascii_serialization() == text && !text.contains('*');
    HeaderValue::from_str(text).ok().filter(|_| as_written).ok_or(NotAnOrigin)
}

/// Has a request answered, and its answer told to the browser of a page that may have it. A browser that asks first whether it may is told so
/// before anybody looks for the operation.
pub(super) async fn pass<F>(http: &Http, id: &str, request: Request, answer: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    match http.cors.as_ref().filter(|_| is_api(request.uri().path())) {
        // Boxed, so that a gateway that names no origin makes no room for it in each request.
        Some(layer) => Box::pin(across(http, layer, id, request, answer)).await,
        None => answer(request).await,
    }
}

async fn across<F>(http: &Http, layer: &CorsLayer, id: &str, request: Request, answer: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let headers = request.headers();
    let allowed = headers.get(ORIGIN).is_some_and(|origin| http.limits.allowed_origins.allow(origin));
    let asks_first = request.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !allowed || request.method() == Method::OPTIONS && !asks_first {
        let mut response = answer(request).await;
        // Whoever keeps answers keeps one for each origin.
        response.headers_mut().append(VARY, HeaderValue::from(ORIGIN));
        return response;
    }
    let mut answer = Some(answer);
    let inner = tower::service_fn(|request: Request| {
        let answer = answer.take().expect("one request is answered once");
        async move { Ok::<_, Infallible>(answer(request).await) }
    });
    let Ok(mut response) = layer.layer(inner).oneshot(request).await;
    if let Some(id) = HeaderValue::from_str(id).ok().filter(|_| asks_first) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    response
}

/// Whether a path is one of the API, or would be: pages, and what a program serves besides, are for their own origin.
fn is_api(path: &str) -> bool {
    static FIRST: LazyLock<BTreeSet<&str>> = LazyLock::new(|| ops::ALL.iter().map(|operation| first(operation.path)).collect());
    FIRST.contains(first(path))
}

fn first(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_it_comes() {
        for good in [
            "https://shop.example",
            "http://localhost:5173",
            "http://127.0.0.1:8080",
            "https://[::1]:8443",
            "https://xn--bcher-kva.example",
        ] {
            assert!(Origins::parse([good]).is_ok(), "{good}");
        }
        for bad in [
            "",
            "*",
            "null",
            "shop.example",
            "https://shop.example/",
            "https://shop.example/app",
            "https://shop.example:443",
            "http://shop.example:80",
            "https://Shop.example",
            "https://*.shop.example",
            "https://me@shop.example",
            "https://shop.example?x",
            "ftp://shop.example",
            "https://bücher.example",
        ] {
            assert!(Origins::parse([bad]).is_err(), "{bad}");
        }
        let origins = Origins::parse([" https://shop.example ", "http://localhost:5173"]).unwrap();
        let allow = |origin: &'static str| origins.allow(&HeaderValue::from_static(origin));
        assert!(allow("https://shop.example") && allow("http://localhost:5173"));
        for other in
            ["http://shop.example", "https://shop.example:8443", "https://a.shop.example", "https://shop.example.evil", "null", "*"]
        {
            assert!(!allow(other), "{other}");
        }
        assert!(Origins::default().layer().is_none());
    }

    #[test]
    fn what_is_said_across_origins_is_the_apis_alone() {
        for path in ["/v1/messages/text", "/v1/nowhere", "/api/whatsapp/sessions", "/openapi.json", "/healthz", "//v1/account"] {
            assert!(is_api(path), "{path}");
        }
        for path in ["/", "/dashboard", "/dashboard/assets/x.js", "/control/scan", "/v10/x", "*"] {
            assert!(!is_api(path), "{path}");
        }
    }
}
