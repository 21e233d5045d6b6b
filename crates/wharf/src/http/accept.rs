//! Which of the representations that we have the caller likes best.

use http::HeaderMap;
use http::header::ACCEPT;

/// The one of `offered` (`type/subtype`, best first) that the `Accept` header rates highest; the first where it rates none.
pub(super) fn best<'a>(headers: &HeaderMap, offered: &[&'a str]) -> &'a str {
    let accept: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let ranges: Vec<Range> = accept.iter().flat_map(|value| value.split(',')).filter_map(Range::parse).collect();
    let mut best = (offered[0], 0);
    for offer in offered {
        let rating = rating(offer, &ranges);
        if rating > best.1 {
            best = (offer, rating);
        }
    }
    best.0
}

/// One part of the header: a type (either half may be `*`) and its quality in thousandths.
struct Range {
    kind: String,
    subkind: String,
    quality: u16,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subkind) = parts.next()?.split_once('/')?;
        let quality = parts.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")));
        let quality = match quality {
            None => 1000,
            Some(text) => thousandths(text)?,
        };
        Some(Self { kind: kind.to_ascii_lowercase(), subkind: subkind.to_ascii_lowercase(), quality })
    }
}

fn thousandths(text: &str) -> Option<u16> {
    let number: f32 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it lies between 0 and 1000")]
    (0.0..=1.0).contains(&number).then(|| (number * 1000.0).round() as u16)
}

/// The quality that the most special range that fits gives to `offer`.
fn rating(offer: &str, ranges: &[Range]) -> u16 {
    let (kind, subkind) = offer.split_once('/').unwrap_or((offer, ""));
    let specificity = |range: &Range| match (range.kind.as_str(), range.subkind.as_str()) {
        (k, s) if k == kind && s == subkind => 3,
        (k, "*") if k == kind => 2,
        ("*", "*") => 1,
        _ => 0,
    };
    ranges.iter().map(|range| (specificity(range), range.quality)).filter(|(fit, _)| *fit > 0).max().map_or(0, |(_, quality)| quality)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERED: &[&str] = &["application/json", "image/png", "image/svg+xml", "text/plain"];

    fn chosen(accept: &str) -> &'static str {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        best(&headers, OFFERED)
    }

    #[test]
    fn the_highest_quality_wins_and_ours_come_first_among_equals() {
        assert_eq!(chosen("*/*"), "application/json");
        assert_eq!(chosen("image/png"), "image/png");
        assert_eq!(chosen("image/*"), "image/png");
        assert_eq!(chosen("image/*;q=0.8, text/plain;q=0.9"), "text/plain");
        assert_eq!(chosen("image/png;q=0.1, image/svg+xml; q=0.2"), "image/svg+xml");
        assert_eq!(chosen("application/json;q=0, */*"), "image/png");
        assert_eq!(chosen("TEXT/Plain"), "text/plain");
    }

    #[test]
    fn where_nothing_fits_the_answer_is_json() {
        assert_eq!(best(&HeaderMap::new(), OFFERED), "application/json");
        for accept in ["", "video/mp4", "garbage", "image/png;q=0", "image/png;q=2"] {
            assert_eq!(chosen(accept), "application/json", "{accept}");
        }
    }
}
