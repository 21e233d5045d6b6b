//! Parts of lists: `?limit=` and `?cursor=`. A cursor is opaque to callers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wharf_api::{ApiError, limits};
use wharf_core::store::PageRequest;

use super::envelope::invalid;
use super::query::Query;

/// Which part of the list the query asks for.
pub(super) fn wanted(query: &Query) -> Result<PageRequest, ApiError> {
    let limit = query.number("limit", 1, u64::from(limits::PAGE_MAX))?;
    let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(limits::PAGE_DEFAULT);
    let after = match query.get("cursor") {
        None => None,
        Some(cursor) => Some(read(cursor).ok_or_else(|| invalid("a cursor is the page.next of an answer, unchanged").field("cursor"))?),
    };
    Ok(PageRequest { after, limit })
}

/// The cursor of the next page.
pub(super) fn next(number: Option<i64>) -> Option<String> {
    number.map(|number| URL_SAFE_NO_PAD.encode(number.to_string()))
}

pub(super) fn read(cursor: &str) -> Option<i64> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let number: i64 = text.parse().ok()?;
    // One number has one cursor: what we would not have written is not ours.
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_a_foreign_one_is_not() {
        for number in [0, 1, i64::MAX, -7] {
            assert_eq!(read(&next(Some(number)).unwrap()), Some(number));
        }
        for foreign in ["", "x", "MTIz=", "KzE", "MDE", "bm90IGEgbnVtYmVy", "!!"] {
            assert_eq!(read(foreign), None, "{foreign}");
        }
    }
}
