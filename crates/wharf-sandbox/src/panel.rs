//! The phones' port and the clock's under the gateway's own address (`/sandbox/…`), so that the dashboard's pages reach them without a
//! policy that lets them reach anything else. What those ports refuse, another machine's page above all, they refuse here too.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{OriginalUri, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;

/// As much as the phones' own port reads.
const BODY_BYTES: usize = 64 * 1024 * 1024;

/// Routes to the pretend phones, where they are ours, and to the clock.
pub fn routes(control_url: Option<&str>, clock_url: &str) -> Router {
    let mut routes = Router::new().route("/sandbox/clock", any(pass).with_state(clock_url.trim_end_matches("/clock").to_owned()));
    if let Some(url) = control_url {
        routes = routes.route("/sandbox/control/{*path}", any(pass).with_state(url.to_owned()));
    }
    routes.layer(from_fn(wharf_sim::own))
}

async fn pass(State(to): State<String>, OriginalUri(uri): OriginalUri, request: Request) -> Response {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{to}{}", path.strip_prefix("/sandbox").unwrap_or(path));
    let method = request.method().clone();
    let Ok(body) = to_bytes(request.into_body(), BODY_BYTES).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    #[expect(clippy::disallowed_methods, reason = "to the pretend network's own port, which the sandbox opened itself")]
    let client = reqwest::Client::new();
    match client.request(method, url).body(body).send().await {
        Ok(answer) => {
            let status = answer.status();
            let kind = answer.headers().get(CONTENT_TYPE).cloned();
            let mut response = Response::new(Body::from(answer.bytes().await.unwrap_or_default()));
            *response.status_mut() = status;
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response.headers_mut().extend(kind.map(|kind| (CONTENT_TYPE, kind)));
            response
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
