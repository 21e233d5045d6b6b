//! The name of a request: the caller's own, or one that we make.

use std::sync::Arc;

use http::HeaderMap;
use uuid::fmt::Simple;
use wharf_api::ids::RequestId;
use wharf_core::Chance;

use super::envelope::X_REQUEST_ID;

const MAX_BYTES: usize = 128;

/// The request's id. A caller's id that is empty, long or not visible ASCII is replaced: it goes into logs and headers.
pub(super) fn of(headers: &HeaderMap, chance: &dyn Chance) -> Arc<str> {
    let given = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
    match given {
        Some(id) if is_good(id) => id.into(),
        _ => made(chance),
    }
}

/// As [`RequestId::from_uuid`] writes it, in one piece: each request has one.
fn made(chance: &dyn Chance) -> Arc<str> {
    let mut text = [0; RequestId::PREFIX.len() + Simple::LENGTH];
    let (prefix, digits) = text.split_at_mut(RequestId::PREFIX.len());
    prefix.copy_from_slice(RequestId::PREFIX.as_bytes());
    chance.uuid().simple().encode_lower(digits);
    str::from_utf8(&text).expect("a prefix and digits are ASCII").into()
}

fn is_good(id: &str) -> bool {
    (1..=MAX_BYTES).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use wharf_core::chance::SystemChance;

    use super::*;

    #[test]
    fn one_that_we_make_is_an_id_of_ours_and_is_made_once() {
        let (one, other) = (of(&HeaderMap::new(), &SystemChance), of(&HeaderMap::new(), &SystemChance));
        assert!(RequestId::parse(&one).is_some() && RequestId::parse(&other).is_some(), "{one} {other}");
        assert_ne!(one, other);
    }

    #[test]
    fn only_a_short_visible_id_is_taken_over() {
        assert!(is_good("a"));
        assert!(is_good(&"x".repeat(128)));
        for bad in ["", "two words", "é", "tab\t", &"x".repeat(129)] {
            assert!(!is_good(bad), "{bad:?}");
        }
    }
}
