//! Which part of a file a request wants, if it wants less than the whole.

use std::ops::Range;

use http::HeaderMap;
use http::header::{IF_NONE_MATCH, IF_RANGE, RANGE};

/// The bytes that `Range` asks for, out of `size`. `None` is the whole file, which HTTP allows as the answer to any `Range`: to one that
/// lists several, that lies past the end, or that is for another version of the file.
pub(super) fn wanted(headers: &HeaderMap, etag: &str, size: u64) -> Option<Range<u64>> {
    if headers.get(IF_RANGE).is_some_and(|known| known != etag) {
        return None;
    }
    let (first, last) = headers.get(RANGE)?.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let part = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.trim().is_empty() => first..size,
        (None, Some(length)) if first.trim().is_empty() => size.saturating_sub(length)..size,
        _ => return None,
    };
    (!part.is_empty()).then_some(part)
}

/// Whether the client has the file already.
pub(super) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|value| value.split(',')).map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn a_part_is_served_where_it_is_one_and_lies_in_the_file() {
        for (range, part) in [
            ("bytes=0-0", Some(0..1)),
            ("bytes=2-5", Some(2..6)),
            ("bytes=7-", Some(7..10)),
            ("bytes=9-9", Some(9..10)),
            ("bytes=3-99", Some(3..10)),
            ("bytes=3-18446744073709551615", Some(3..10)),
            ("bytes=-4", Some(6..10)),
            ("bytes=-99", Some(0..10)),
            ("bytes=10-", None),
            ("bytes=10-12", None),
            ("bytes=-0", None),
            ("bytes=5-2", None),
            ("bytes=0-1,3-4", None),
            ("bytes=-", None),
            ("bytes=a-b", None),
            ("bytes=+1-2x", None),
            ("lines=0-1", None),
        ] {
            assert_eq!(wanted(&asked(RANGE, range), "\"e\"", 10), part, "{range}");
        }
        assert_eq!(wanted(&HeaderMap::new(), "\"e\"", 10), None);
        assert_eq!(wanted(&asked(RANGE, "bytes=0-"), "\"e\"", 0), None);
    }

    #[test]
    fn a_part_of_another_version_is_not_served() {
        for (known, part) in [("\"e\"", Some(0..2)), ("\"f\"", None), ("W/\"e\"", None), ("Wed, 25 Nov 2026 04:00:00 GMT", None)] {
            let mut headers = asked(RANGE, "bytes=0-1");
            headers.insert(IF_RANGE, known.parse().unwrap());
            assert_eq!(wanted(&headers, "\"e\"", 10), part, "{known}");
        }
    }

    #[test]
    fn a_file_is_known_by_its_tag() {
        for (tags, known) in [("\"e\"", true), ("\"d\", W/\"e\"", true), ("*", true), ("\"f\"", false), ("e", false)] {
            assert_eq!(is_known(&asked(IF_NONE_MATCH, tags), "\"e\""), known, "{tags}");
        }
    }
}
