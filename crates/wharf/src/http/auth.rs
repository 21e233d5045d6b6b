//! Who calls: `Authorization: Bearer KEY`, and nothing else. A key in the query string would end up in logs.

use std::net::IpAddr;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use wharf_api::{ApiError, ErrorCode};
use wharf_core::Caller;
use wharf_core::key::{self, Guess};

use super::Http;
use super::envelope::Failure;

/// The caller behind the request's key. An address that came with bad keys too many times is turned away, unless this
/// key was good a moment ago.
pub(super) async fn caller(http: &Http, headers: &HeaderMap, peer: IpAddr) -> Result<Caller, Failure> {
    let (services, now) = (&*http.services, http.services.clock.steady());
    let presented = presented(headers);
    if let Some(refusal) = services.floods.refusal(peer, http.limits.failed_keys_per_minute, now) {
        let guess = presented.as_ref().map_or(Guess::Hopeless, |key| key::guess(services, key));
        if !(guess == Guess::WasGood || guess == Guess::Unseen && services.floods.may_look_up(peer, now)) {
            return Err(refusal.into());
        }
    }
    let found = match presented {
        Ok(key) => key::authenticate(services, key).await.map_err(Failure::from),
        Err(error) => Err(error.into()),
    };
    found.inspect_err(|failure| {
        if failure.error.code.status() == 401 {
            services.floods.failed(peer, now);
            services.trail.refused(peer, failure.error.code);
        }
    })
}

fn presented(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(ErrorCode::MissingApiKey.into());
    };
    if values.next().is_some() {
        return Err(invalid("there is more than one Authorization header"));
    }
    let value = value.to_str().map_err(|_| invalid("the Authorization header is not visible ASCII"))?.trim();
    let (scheme, key) = value.split_once(' ').unwrap_or((value, ""));
    let key = key.trim();
    let bearer = scheme.eq_ignore_ascii_case("bearer");
    match (bearer, key.is_empty()) {
        (true, false) => Ok(key),
        (true, true) => Err(ErrorCode::MissingApiKey.into()),
        (false, _) if scheme.is_empty() => Err(ErrorCode::MissingApiKey.into()),
        (false, _) => Err(invalid("the Authorization header must read: Bearer KEY")),
    }
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
        presented(&headers).map(str::to_owned).map_err(|error| error.code)
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
        assert_eq!(presented(&HeaderMap::new()).unwrap_err().code, ErrorCode::MissingApiKey);
    }

    #[test]
    fn two_headers_are_refused() {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer b"));
        assert_eq!(presented(&headers).unwrap_err().code, ErrorCode::InvalidApiKey);
    }
}
