//! The dashboard's files. Whoever they are shown to is nobody yet: what the pages show they ask of the API, as everybody does.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, StatusCode};

use super::call::Call;
use super::envelope::Reply;
use super::{Http, noted, unknown, zip};

/// Other pages that the browser has open get no hold of this one's window.
const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// The page at `/dashboard/`, its files below, and the way there from `/` for browsers.
pub(super) fn router(http: &Arc<Http>) -> Router {
    let page = Bytes::from(wharf_dashboard::index(http.services.world).unwrap_or_default());
    Router::new()
        .route("/dashboard/", get(move || async move { index(page) }).fallback(wrong_method))
        .route("/dashboard", get(|| async { lead("dashboard/") }).fallback(wrong_method))
        .route("/dashboard/{*path}", get(file).fallback(wrong_method))
        .route("/", get(front).fallback(other))
}

async fn wrong_method(request: Request) -> Response {
    unknown::wrong_method("GET, HEAD", &noted::request_id(request.extensions()))
}

/// The bare address is no operation, by whatever method.
async fn other(request: Request) -> Response {
    unknown::unknown_path(request).await
}

fn index(page: Bytes) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, wharf_dashboard::POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
    ];
    (headers, page).into_response()
}

async fn file(Path(path): Path<String>, request: Request) -> Response {
    let Some(file) = wharf_dashboard::file(&path).filter(|file| file.is_hashed) else { return unknown::unknown_path(request).await };
    let zipped = zip::takes(request.headers());
    let headers = [
        (CONTENT_TYPE, file.content_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A picture that is opened by itself runs nothing either.
        (CONTENT_SECURITY_POLICY, wharf_dashboard::POLICY),
        (VARY, "Accept-Encoding"),
    ];
    let mut response = (headers, Body::from(Bytes::from_static(if zipped { &file.gzip } else { &file.plain }))).into_response();
    if zipped {
        response.headers_mut().insert(CONTENT_ENCODING, http::HeaderValue::from_static("gzip"));
    }
    response
}

/// A person who typed the bare address wants the pages. A program that did has mistyped.
async fn front(request: Request) -> Response {
    if is_browsers(request.headers()) { lead("dashboard/") } else { unknown::unknown_path(request).await }
}

fn is_browsers(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// The reference at `/docs`, for browsers.
pub(super) fn reference(call: &Call) -> Option<Reply> {
    let page = wharf_dashboard::reference(call.http.services.world).filter(|_| is_browsers(&call.headers))?;
    let reply = Reply::raw("text/html; charset=utf-8", page).no_store().header(VARY, "Accept");
    let reply = reply.header(CONTENT_SECURITY_POLICY, wharf_dashboard::POLICY).header(X_CONTENT_TYPE_OPTIONS, "nosniff");
    Some(reply.header(X_FRAME_OPTIONS, "DENY").header(REFERRER_POLICY, "no-referrer").header(CROSS_ORIGIN_OPENER_POLICY, "same-origin"))
}

/// Relative, so that it leads on under any prefix that a proxy serves us by.
fn lead(to: &'static str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, to), (CACHE_CONTROL, "no-store")]).into_response()
}
