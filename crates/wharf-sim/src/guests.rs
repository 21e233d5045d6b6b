//! Who may call the ports of a test machine: programs of this machine and pages that it serves, not what a browser was lured to.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::line::JsonLine;

/// Refuses another machine's name as `Host`, which a page has whose name was made to lead here, and another machine's page as `Origin`,
/// which a browser names with everything that a page posts.
pub async fn own(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if all(headers, &HOST, is_here) && all(headers, &ORIGIN, is_page_of_here) {
        return next.run(request).await;
    }
    let message = "only this machine's own programs and pages are answered: Host and Origin must name localhost or a loopback address";
    let body = json!({"success": false, "error": {"code": "not_from_here", "message": message}});
    (StatusCode::FORBIDDEN, JsonLine(body)).into_response()
}

fn all(headers: &HeaderMap, name: &HeaderName, good: fn(&str) -> bool) -> bool {
    headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(good))
}

fn is_page_of_here(origin: &str) -> bool {
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")).is_some_and(is_here)
}

/// A name or an address of this machine, with or without a port.
fn is_here(authority: &str) -> bool {
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port),
        _ => (authority, ""),
    };
    let address = name.strip_prefix('[').map_or(Some(name), |name| name.strip_suffix(']'));
    let is_loopback = address.and_then(|address| address.parse::<IpAddr>().ok()).is_some_and(|address| address.is_loopback());
    port.bytes().all(|digit| digit.is_ascii_digit()) && (is_loopback || is_localhost(name))
}

/// Browsers and resolvers keep the names below `localhost` on this machine.
fn is_localhost(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_its_loopback_names_and_no_other() {
        for good in ["localhost", "LocalHost:8080", "hook.localhost:1", "127.0.0.1", "127.0.0.1:1", "127.3.2.1:80", "[::1]", "[::1]:8080"] {
            assert!(is_here(good), "{good}");
            assert!(is_page_of_here(&format!("http://{good}")), "{good}");
        }
        for foreign in [
            "",
            "evil.example",
            "evil.example:80",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "[::2]:80",
            "localhost:x",
            "a@localhost",
        ] {
            assert!(!is_here(foreign), "{foreign}");
        }
        for foreign in ["null", "localhost", "file://", "https://evil.example", "http://localhost/x"] {
            assert!(!is_page_of_here(foreign), "{foreign}");
        }
    }
}
