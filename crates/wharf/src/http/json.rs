//! JSON bodies: from bytes to a request type, and from what is wrong with them to a code and a path.

mod fault;
mod scan;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use wharf_api::ApiError;

use super::envelope::invalid;
use super::query::EMPTY;

/// The request that the body spells. `never_empty` are the optional members that mean nothing where they are empty.
pub(super) fn parse<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8], never_empty: &[String]) -> Result<T, ApiError> {
    check_content_type(headers)?;
    check_content_encoding(headers)?;
    let value = scan::scan(body)?;
    if let Some(name) = never_empty.iter().find(|name| value[name.as_str()] == "") {
        return Err(invalid(EMPTY).field(name.clone()));
    }
    serde_path_to_error::deserialize(fault::Tree(value)).map_err(fault::of)
}

/// What the charset may be called: all of ASCII is UTF-8 too.
const CHARSETS: [&str; 4] = ["utf-8", "utf8", "us-ascii", "ascii"];

/// JSON, once or said twice, or nothing said. Another type is a sign that the body is not what the caller thinks it is.
fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let wrong = || invalid("the Content-Type must be application/json").field("Content-Type");
    // As nearly everybody writes it.
    for value in headers.get_all(CONTENT_TYPE).iter().filter(|value| *value != "application/json") {
        for kind in value.to_str().map_err(|_| wrong())?.split(',') {
            let mut parts = kind.split(';').map(str::trim);
            if !parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
                return Err(wrong());
            }
            for part in parts.filter(|part| !part.is_empty()) {
                let (name, charset) = part.split_once('=').unwrap_or((part, ""));
                let charset = charset.trim_matches('"');
                if name.eq_ignore_ascii_case("charset") && !CHARSETS.iter().any(|known| known.eq_ignore_ascii_case(charset)) {
                    return Err(invalid("the charset of JSON is utf-8").field("Content-Type"));
                }
            }
        }
    }
    Ok(())
}

/// A body that was packed would be read as garbage; its sender is told what is wrong with it.
pub(super) fn check_content_encoding(headers: &HeaderMap) -> Result<(), ApiError> {
    let plain = |value: &HeaderValue| value.to_str().is_ok_and(|coding| coding.eq_ignore_ascii_case("identity"));
    if headers.get_all(CONTENT_ENCODING).iter().all(plain) {
        return Ok(());
    }
    Err(invalid("a body is sent as it is, without a content coding").field("Content-Encoding"))
}

#[cfg(test)]
mod tests {
    use wharf_api::ErrorCode;

    use super::*;

    fn check(value: &str) -> Result<(), ErrorCode> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, value.parse().unwrap());
        check_content_type(&headers).map_err(|error| error.code)
    }

    #[test]
    fn json_and_nothing_said_pass() {
        for value in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json;",
            "application/json; charset=utf8",
            "application/json; charset=us-ascii",
            "application/json, application/json; charset=utf-8",
        ] {
            assert_eq!(check(value), Ok(()), "{value}");
        }
        assert!(check_content_type(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn another_type_or_charset_is_refused() {
        for value in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json; charset=latin1",
            "application/json, text/plain",
        ] {
            assert_eq!(check(value), Err(ErrorCode::InvalidRequest), "{value}");
        }
    }
}
