//! The shape of what is asked for: what can be said without looking anything up.

use std::collections::BTreeMap;

use wharf_api::limits;
use wharf_api::types::event::EventKind;

use super::{ALL_EVENTS, Error};

/// Headers that are the gateway's, or that would change how the request is read.
const OURS: &[&str] = &[
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "user-agent",
    // Taken and never sent, it would be believed to be sent.
    "accept-encoding",
];
const OURS_PREFIXES: &[&str] = &["webhook-", "proxy-"];

fn invalid(field: &str, reason: impl Into<String>) -> Error {
    Error::Invalid { field: field.to_owned(), reason: reason.into() }
}

/// The kinds that the words name; none where they name all.
pub fn kinds(words: &[String]) -> Result<Vec<EventKind>, Error> {
    if words.is_empty() {
        return Err(Error::InvalidEvent { field: "events".to_owned(), word: "in an empty list; * is for all".to_owned() });
    }
    let (mut kinds, mut all) = (Vec::new(), false);
    for (place, word) in words.iter().enumerate() {
        if word == ALL_EVENTS {
            all = true;
            continue;
        }
        let unknown = || {
            let word: String = word.chars().filter(|c| !c.is_control()).take(100).collect();
            Error::InvalidEvent { field: format!("events[{place}]"), word: format!("{word:?}") }
        };
        let kind = EventKind::parse(word).ok_or_else(unknown)?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(if all { Vec::new() } else { kinds })
}

/// Refuses headers that cannot be sent or are not the customer's to say.
pub fn headers(headers: &BTreeMap<String, String>) -> Result<(), Error> {
    if headers.len() > limits::WEBHOOK_HEADERS {
        return Err(invalid("headers", format!("at most {} headers", limits::WEBHOOK_HEADERS)));
    }
    for (name, value) in headers {
        let field = || format!("headers.{}", name.chars().filter(|c| !c.is_control()).take(100).collect::<String>());
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || name.len() > limits::WEBHOOK_HEADER_NAME_BYTES || !name.bytes().all(token) {
            return Err(invalid(&field(), "not the name of a header"));
        }
        let lower = name.to_ascii_lowercase();
        if OURS.contains(&lower.as_str()) || OURS_PREFIXES.iter().any(|prefix| lower.starts_with(prefix)) {
            return Err(invalid(&field(), "this header is not yours to set"));
        }
        let visible = |b: u8| (b' '..=b'~').contains(&b);
        if value.len() > limits::WEBHOOK_HEADER_VALUE_BYTES || !value.bytes().all(visible) || value.trim() != value {
            return Err(invalid(&field(), format!("at most {} visible ASCII characters", limits::WEBHOOK_HEADER_VALUE_BYTES)));
        }
    }
    let lower: std::collections::BTreeSet<_> = headers.keys().map(|name| name.to_ascii_lowercase()).collect();
    if lower.len() < headers.len() {
        return Err(invalid("headers", "a header stands there more than once"));
    }
    Ok(())
}

/// The time-out in milliseconds.
pub(super) fn timeout_ms(seconds: Option<u64>) -> Result<i64, Error> {
    let (min, max) = (limits::WEBHOOK_TIMEOUT_SECS.start(), limits::WEBHOOK_TIMEOUT_SECS.end());
    let seconds = seconds.unwrap_or(*min);
    if !limits::WEBHOOK_TIMEOUT_SECS.contains(&seconds) {
        return Err(invalid("timeoutSeconds", format!("a number from {min} to {max} is expected")));
    }
    Ok(i64::try_from(seconds * 1_000).unwrap_or(i64::MAX))
}

/// The largest body in bytes.
pub(super) fn max_bytes(bytes: Option<u64>) -> Result<Option<i64>, Error> {
    let Some(bytes) = bytes else { return Ok(None) };
    if !limits::WEBHOOK_MAX_BYTES.contains(&bytes) {
        let (min, max) = (limits::WEBHOOK_MAX_BYTES.start(), limits::WEBHOOK_MAX_BYTES.end());
        return Err(invalid("maxBytes", format!("a number from {min} to {max} is expected")));
    }
    Ok(i64::try_from(bytes).ok())
}

pub(super) fn description(text: Option<&str>) -> Result<Option<String>, Error> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().count() > limits::WEBHOOK_DESCRIPTION_CHARS || text.chars().any(char::is_control) {
        let max = limits::WEBHOOK_DESCRIPTION_CHARS;
        return Err(invalid("description", format!("at most {max} characters, none of them a control character")));
    }
    Ok(Some(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn events_are_known_words_once_each_and_a_star_is_all() {
        assert_eq!(kinds(&words(&["message.read", "message.read"])).unwrap(), [EventKind::MessageRead]);
        assert!(kinds(&words(&["message.read", "*"])).unwrap().is_empty());
        for (given, field) in [(&["*", "message.*"][..], "events[1]"), (&["Message.Read"], "events[0]"), (&[], "events")] {
            match kinds(&words(given)).unwrap_err() {
                Error::InvalidEvent { field: named, .. } => assert_eq!(named, field),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn headers_that_are_ours_or_cannot_be_sent_are_refused() {
        let one = |name: &str, value: &str| headers(&BTreeMap::from([(name.to_owned(), value.to_owned())])).is_ok();
        assert!(one("X-Token", "abc") && one("Authorization", "Bearer x y"));
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "Webhook-Id",
            "webhook-signature",
            "X Y",
            "",
            "É",
            "Connection",
            "User-Agent",
            "Accept-Encoding",
        ] {
            assert!(!one(name, "x"), "{name}");
        }
        for value in ["a\r\nb: c", "\u{7f}", "é", " x", &"x".repeat(limits::WEBHOOK_HEADER_VALUE_BYTES + 1)] {
            assert!(!one("X-Token", value), "{value:?}");
        }
        assert!(one("X-Token", &"x".repeat(limits::WEBHOOK_HEADER_VALUE_BYTES)));
        let twice = BTreeMap::from([("X-A".to_owned(), "1".to_owned()), ("x-a".to_owned(), "2".to_owned())]);
        assert!(headers(&twice).is_err());
    }

    #[test]
    fn a_largest_body_has_4_kib_to_4_mib_or_is_none() {
        assert_eq!(max_bytes(None).unwrap(), None);
        assert_eq!((max_bytes(Some(4_096)).unwrap(), max_bytes(Some(4_194_304)).unwrap()), (Some(4_096), Some(4_194_304)));
        assert!(max_bytes(Some(4_095)).is_err() && max_bytes(Some(4_194_305)).is_err() && max_bytes(Some(u64::MAX)).is_err());
    }

    #[test]
    fn a_time_out_has_5_to_30_seconds() {
        assert_eq!(timeout_ms(None).unwrap(), 5_000);
        assert_eq!((timeout_ms(Some(5)).unwrap(), timeout_ms(Some(30)).unwrap()), (5_000, 30_000));
        assert!(timeout_ms(Some(4)).is_err() && timeout_ms(Some(31)).is_err());
    }
}
