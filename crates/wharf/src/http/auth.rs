//! Who calls: `Authorization: Bearer KEY`, or where that is not there the cookie of a log-in. A key in the query string would end up in logs:
//! what stands there for pages that cannot set headers is a token, which opens the stream of events for minutes and nothing else.

pub(super) mod cookie;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use wharf_api::ops::{self, Access, Operation};
use wharf_api::{ApiError, ErrorCode, Timestamp};
use wharf_core::audit::AUTHENTICATE;
use wharf_core::caller::By;
use wharf_core::event::token;
use wharf_core::key::{self, Guess};
use wharf_core::{Caller, Services, login};

use super::envelope::Failure;
use super::noted::Way;
use super::query::Query;
use super::{Http, placeholder};

/// The caller behind the request's key. An address that came with bad keys too many times is turned away, unless this
/// key was good a moment ago.
pub(super) async fn caller(http: &Http, operation: &Operation, parts: &Parts, way: Way) -> Result<Box<Caller>, Failure> {
    let (services, peer, headers) = (&*http.services, way.origin, &parts.headers);
    if let Some(token) = token_of(operation, parts) {
        return Box::pin(by_token(http, parts, &token, way)).await;
    }
    if !headers.contains_key(AUTHORIZATION) {
        match cookie::of(headers) {
            // Boxed, as the other: most have a key, and need no room for it.
            Some(cookie) => return Box::pin(signed_in(http, parts, &cookie, way)).await,
            None if operation.access == Access::Login => {
                return Err(missing("nobody is signed in: POST /v1/login gives the cookie that is expected here").into());
            }
            None => {}
        }
    }
    let presented = presented(headers, parts.uri.query());
    let mut asked = None;
    let mut now = || *asked.get_or_insert_with(|| services.clock.steady());
    if let Some(refusal) = services.floods.refusal(peer, http.limits.failed_keys_per_minute, &mut now) {
        let guess = presented.as_ref().map_or(Guess::Hopeless, |key| key::guess(services, key));
        if !(guess == Guess::WasGood || guess == Guess::Unseen && services.floods.may_look_up(peer, now())) {
            return Err(refusal.into());
        }
    }
    let found = match presented {
        Ok(key) => key::authenticate(services, key).await.map(Box::new).map_err(Failure::from),
        Err(error) => Err(error.into()),
    };
    found.inspect_err(|failure| blamed(services, way, failure, asked.unwrap_or_else(|| services.clock.steady())))
}

/// Counts a bad key, cookie or token against the address that it came from, as of the time at which it was looked at.
fn blamed(services: &Services, way: Way, failure: &Failure, now: Timestamp) {
    if failure.error.code.status() == 401 {
        services.floods.failed(way.origin, now);
        services.trail.refused(way.origin, failure.error.code, AUTHENTICATE);
    }
}

/// The token in the address of the one operation that takes one. An empty one is absent.
fn token_of(operation: &Operation, parts: &Parts) -> Option<String> {
    let query = parts.uri.query().filter(|_| operation.id == ops::list_events.id)?;
    // What cannot be read is refused with the rest of the query.
    Query::parse(Some(query)).ok()?.get("token").map(str::to_owned)
}

/// The caller behind a token. What a browser sends by itself counts for nothing beside it.
async fn by_token(http: &Http, parts: &Parts, token: &str, way: Way) -> Result<Box<Caller>, Failure> {
    let (services, now) = (&*http.services, http.services.clock.steady());
    if parts.headers.contains_key(AUTHORIZATION) {
        return Err(invalid("there is a key in Authorization and a token in the address: one of the two is expected").into());
    }
    let opened = token::open(services, token);
    // One of ours is no guess.
    if let Some(refusal) = services.floods.refusal(way.origin, http.limits.failed_keys_per_minute, || now).filter(|_| opened.is_err()) {
        return Err(refusal.into());
    }
    let found = match opened {
        Ok(grant) => token::authenticate(services, grant).await,
        Err(error) => Err(error),
    };
    found.map(Box::new).map_err(Failure::from).inspect_err(|failure| blamed(services, way, failure, now))
}

/// The caller behind a cookie. A request that a foreign page may have made is refused before anybody looks at the cookie.
async fn signed_in(http: &Http, parts: &Parts, cookie: &str, way: Way) -> Result<Box<Caller>, Failure> {
    let (services, now) = (&*http.services, http.services.clock.steady());
    cookie::check(http, parts, way.peer)?;
    if let Some(refusal) = services.floods.refusal(way.origin, http.limits.failed_keys_per_minute, || now)
        && !(login::was_good(services, cookie) || services.floods.may_look_up(way.origin, now))
    {
        return Err(refusal.into());
    }
    let found = login::authenticate(services, cookie).await.map(Box::new).map_err(Failure::from);
    found.inspect_err(|failure| blamed(services, way, failure, now))
}

/// Refuses a key, a log-in or a token that was good when its request came and has ended since.
pub(super) async fn still_good(services: &Services, by: &By) -> Result<(), Failure> {
    match by {
        By::Key(id) => key::still_good(services, id).await.map_err(Failure::from),
        By::Login { id, .. } => login::still_good(services, id).await.map_err(Failure::from),
        By::Stream(grant) => token::still_good(services, grant).await.map_err(Failure::from),
    }
}

/// Where keys are put that are looked for in one place only.
const OTHER_HEADERS: &[&str] = &["X-Api-Key", "apikey", "api-key", "X-Auth-Token", "X-Access-Token"];
const IN_ADDRESS: &[&str] = &["api_key", "apikey", "api-key", "key", "token", "access_token"];

fn presented<'a>(headers: &'a HeaderMap, query: Option<&str>) -> Result<&'a str, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(missing(&astray(headers, query)));
    };
    if values.next().is_some() {
        return Err(invalid("there is more than one Authorization header"));
    }
    let value = value.to_str().map_err(|_| invalid("the Authorization header is not visible ASCII"))?.trim();
    let (scheme, key) = value.split_once(' ').unwrap_or((value, ""));
    let key = key.trim();
    let bearer = scheme.eq_ignore_ascii_case("bearer");
    match (bearer, key.is_empty()) {
        (true, false) => unwrapped(key),
        (true, true) => Err(missing("there is no key behind Bearer")),
        (false, _) if scheme.is_empty() => Err(missing("the Authorization header is empty")),
        (false, _) => Err(invalid("the Authorization header must read: Bearer KEY")),
    }
}

/// What is said where there is no key: a key that stands elsewhere is not shown.
fn astray(headers: &HeaderMap, query: Option<&str>) -> String {
    const EXPECTED: &str = "the key is expected in the header Authorization: Bearer KEY";
    if let Some(name) = OTHER_HEADERS.iter().find(|name| headers.contains_key(**name)) {
        return format!("{EXPECTED}, not in {name}");
    }
    let mut names = query.unwrap_or_default().split('&').map(|part| part.split('=').next().unwrap_or_default());
    if names.any(|name| IN_ADDRESS.iter().any(|known| known.eq_ignore_ascii_case(name))) {
        return format!("{EXPECTED}; in the address it would be written into logs");
    }
    EXPECTED.to_owned()
}

/// The key, unless something stands around it or in its place.
fn unwrapped(key: &str) -> Result<&str, ApiError> {
    if placeholder::is(key) {
        return Err(invalid("a placeholder stands in the place of the key"));
    }
    if key.len() > 7 && key.get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case("bearer ")) {
        return Err(invalid("Bearer stands there twice"));
    }
    if key.starts_with(['"', '\'']) || key.ends_with(['"', '\'']) {
        return Err(invalid("there are quotes around the key"));
    }
    // All of a header that can be read as text is ASCII. Looked at to its end, which the machine does many letters at a time.
    if key.bytes().fold(false, |found, byte| found | byte.is_ascii_whitespace()) {
        return Err(invalid("there is a blank in the key"));
    }
    Ok(key)
}

fn missing(reason: &str) -> ApiError {
    ApiError::new(ErrorCode::MissingApiKey).reason(reason)
}

fn invalid(reason: &'static str) -> ApiError {
    ApiError::new(ErrorCode::InvalidApiKey).reason(reason)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(value: &str) -> Result<String, ErrorCode> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        presented(&headers, None).map(str::to_owned).map_err(|error| error.code)
    }

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        for value in ["Bearer k", "bearer k", "BEARER   k "] {
            assert_eq!(of(value), Ok("k".to_owned()), "{value}");
        }
    }

    #[test]
    fn nothing_is_missing_and_something_else_is_invalid() {
        for value in ["", " ", "Bearer", "Bearer  "] {
            assert_eq!(of(value), Err(ErrorCode::MissingApiKey), "{value}");
        }
        for value in ["Basic abc", "k", "Token k", "Bearerk", "Bearer\u{e9}"] {
            assert_eq!(of(value), Err(ErrorCode::InvalidApiKey), "{value}");
        }
        assert_eq!(presented(&HeaderMap::new(), None).unwrap_err().code, ErrorCode::MissingApiKey);
    }

    #[test]
    fn two_headers_are_refused() {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer b"));
        assert_eq!(presented(&headers, None).unwrap_err().code, ErrorCode::InvalidApiKey);
    }
}
