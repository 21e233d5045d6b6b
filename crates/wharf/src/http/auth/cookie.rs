//! The cookie of a log-in, and who may have made a request that carries it.
//!
//! A browser sends a cookie whoever's page makes the request. So what a foreign page may have made is refused: by what the browser says of
//! the page, by its origin, and where something is changed by a header that no foreign page can send without asking first.

use std::net::IpAddr;

use http::header::{COOKIE, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use wharf_api::{ApiError, ErrorCode, limits};
use wharf_core::login::Secret;

use crate::http::Http;
use crate::http::noted::Way;

pub(in crate::http) const NAME: &str = "wharf_login";
/// What requests by cookie carry that change something.
pub(in crate::http) const X_WHARF_DASHBOARD: HeaderName = HeaderName::from_static("x-wharf-dashboard");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The cookie of the request. Of two that differ neither is believed: one was put there by somebody else.
pub(in crate::http) fn of(headers: &HeaderMap) -> Option<String> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut values = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| *name == NAME).map(|(_, value)| value);
    let first = values.next()?;
    if values.any(|other| other != first) { Some(String::new()) } else { Some(first.trim_matches('"').to_owned()) }
}

/// Refuses a request by cookie that a foreign page may have made.
pub(super) fn check(http: &Http, parts: &Parts, peer: IpAddr) -> Result<(), ApiError> {
    same_site(http, &parts.headers, peer)?;
    let only_reads = parts.method == Method::GET || parts.method == Method::HEAD;
    if only_reads || parts.headers.get(X_WHARF_DASHBOARD).is_some_and(|value| value == "1") {
        return Ok(());
    }
    Err(forged("a request by cookie that changes something carries X-Wharf-Dashboard: 1"))
}

/// Refuses what the browser says that a foreign page has made.
pub(in crate::http) fn same_site(http: &Http, headers: &HeaderMap, peer: IpAddr) -> Result<(), ApiError> {
    let own_page = |value: &HeaderValue| value == "same-origin" || value == "none";
    if !headers.get_all(SEC_FETCH_SITE).iter().all(own_page) {
        return Err(forged("Sec-Fetch-Site says that another site's page made this request"));
    }
    let proxied = headers.get(X_FORWARDED_HOST).filter(|_| http.limits.trusted_proxies.trust(peer.to_canonical()));
    let hosts: Vec<_> = headers.get(HOST).into_iter().chain(proxied).filter_map(|host| host.to_str().ok()).collect();
    let own = |origin: &HeaderValue| origin.to_str().is_ok_and(|origin| hosts.iter().any(|host| is_of(origin, host)));
    if !headers.get_all(ORIGIN).iter().all(own) {
        return Err(forged("Origin says that another site's page made this request"));
    }
    Ok(())
}

/// Whether the origin is that host's. A browser leaves out the port that its scheme has anyhow.
fn is_of(origin: &str, host: &str) -> bool {
    let (origin, port) = match (origin.strip_prefix("https://"), origin.strip_prefix("http://")) {
        (Some(origin), _) => (origin, ":443"),
        (None, Some(origin)) => (origin, ":80"),
        (None, None) => return false,
    };
    origin.eq_ignore_ascii_case(host.strip_suffix(port).unwrap_or(host))
}

fn forged(reason: &'static str) -> ApiError {
    ApiError::new(ErrorCode::InsufficientPermissions).reason(reason)
}

/// What gives the cookie to the browser.
pub(in crate::http) fn given(http: &Http, headers: &HeaderMap, way: Way, secret: &Secret) -> HeaderValue {
    written(http, headers, way, secret.reveal(), limits::LOGIN.as_secs())
}

/// What takes it away.
pub(in crate::http) fn taken(http: &Http, headers: &HeaderMap, way: Way) -> HeaderValue {
    written(http, headers, way, "", 0)
}

fn written(http: &Http, headers: &HeaderMap, way: Way, value: &str, seconds: u64) -> HeaderValue {
    let https = http.limits.secure_cookies || http.limits.trusted_proxies.said_https(way.peer, headers);
    let secure = if https { "; Secure" } else { "" };
    let text = format!("{NAME}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).expect("a secret is made of letters and digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others_and_two_that_differ_are_none() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(COOKIE, HeaderValue::from_static(value));
            }
            super::of(&headers)
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["a=b; xwharf_login=1"]), None);
        assert_eq!(of(&["a=b; wharf_login=s; c=d"]).as_deref(), Some("s"));
        assert_eq!(of(&["a=b", "wharf_login=\"s\""]).as_deref(), Some("s"));
        assert_eq!(of(&["wharf_login=s; wharf_login=t"]).as_deref(), Some(""));
    }

    #[test]
    fn an_origin_is_its_hosts_with_the_usual_port_or_without() {
        for (origin, host) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("https://wharf.example", "wharf.example"),
            ("https://wharf.example", "Wharf.example:443"),
            ("http://[::1]:8080", "[::1]:8080"),
        ] {
            assert!(is_of(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("null", "null"),
            ("https://evil.example", "wharf.example"),
            ("https://wharf.example.evil", "wharf.example"),
            ("http://127.0.0.1:8081", "127.0.0.1:8080"),
            ("http://wharf.example", "wharf.example:443"),
            ("ftp://wharf.example", "wharf.example"),
        ] {
            assert!(!is_of(origin, host), "{origin} {host}");
        }
    }
}
