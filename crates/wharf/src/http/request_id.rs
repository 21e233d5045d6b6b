//! The name of a request: the caller's own, or one that we make.

use std::sync::Arc;

use http::HeaderMap;
use wharf_api::ids::RequestId;
use wharf_core::Chance;

use super::envelope::X_REQUEST_ID;

const MAX_BYTES: usize = 128;

/// The request's id. A caller's id that is empty, long or not visible ASCII is replaced: it goes into logs and headers.
pub(super) fn of(headers: &HeaderMap, chance: &dyn Chance) -> Arc<str> {
    let given = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
    match given {
        Some(id) if is_good(id) => id.into(),
        _ => RequestId::from_uuid(chance.uuid()).as_str().into(),
    }
}

fn is_good(id: &str) -> bool {
    (1..=MAX_BYTES).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_visible_id_is_taken_over() {
        assert!(is_good("a"));
        assert!(is_good(&"x".repeat(128)));
        for bad in ["", "two words", "é", "tab\t", &"x".repeat(129)] {
            assert!(!is_good(bad), "{bad:?}");
        }
    }
}
