//! The error table against the page that the customer was promised.

use std::collections::BTreeMap;

use wharf_api::ErrorCode;
use wharf_api::error::{ApiError, Group};

const PAGE: &str = include_str!("promised-error-codes.txt");

/// The page's rows: code → (heading, status, description and fix in one line).
fn promised() -> BTreeMap<String, (String, u16, String)> {
    let mut rows = BTreeMap::new();
    let mut heading = None;
    for line in PAGE.lines() {
        if let Some(name) = line.strip_suffix(" Errors") {
            heading = Some(name.to_owned());
            continue;
        }
        let mut words = line.splitn(3, ' ');
        let (Some(code), Some(status), Some(text)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let (Some(heading), Ok(status)) = (&heading, status.parse()) else {
            continue;
        };
        rows.insert(code.to_owned(), (heading.clone(), status, text.to_owned()));
    }
    rows
}

fn heading(group: Group) -> Option<&'static str> {
    match group {
        Group::Authentication => Some("Authentication"),
        Group::Session => Some("Session"),
        Group::Message => Some("Message"),
        Group::Webhook => Some("Webhook"),
        Group::RateLimiting => Some("Rate Limiting"),
        Group::General => Some("General"),
        Group::Additive => None,
    }
}

#[test]
fn every_code_status_and_sentence_is_the_promised_one() {
    let mut promised = promised();
    assert_eq!(promised.len(), 31, "the page lists 31 codes");
    for code in ErrorCode::ALL {
        let row = code.row();
        let Some(heading) = heading(row.group) else {
            continue;
        };
        let expected = promised.remove(row.name).unwrap_or_else(|| panic!("{} is not on the page", row.name));
        assert_eq!(expected, (heading.to_owned(), row.status, format!("{} {}", row.description, row.fix)), "{}", row.name);
    }
    assert!(promised.is_empty(), "promised and missing: {promised:?}");
}

#[test]
fn the_additive_codes_are_the_four_agreed_ones() {
    let additive: Vec<_> =
        ErrorCode::ALL.iter().map(|c| c.row()).filter(|row| row.group == Group::Additive).map(|row| (row.name, row.status)).collect();
    assert_eq!(
        additive,
        [("conflict", 409), ("idempotency_key_in_use", 409), ("idempotency_key_reused", 422), ("unsupported_operation", 422)]
    );
}

#[test]
fn the_additive_codes_use_statuses_that_the_page_lists() {
    for code in ErrorCode::ALL.iter().filter(|code| code.row().group == Group::Additive) {
        let line = format!("{} ", code.status());
        assert!(PAGE.lines().any(|l| l.starts_with(&line)), "{} has status {}", code.name(), code.status());
    }
}

#[test]
fn the_body_has_the_promised_shape_and_leaves_empty_details_out() {
    let bare = serde_json::to_value(ApiError::new(ErrorCode::InvalidApiKey).body()).unwrap();
    assert_eq!(
        bare,
        serde_json::json!({"success": false, "error": {"code": "invalid_api_key", "message": "The API key provided is invalid"}})
    );
    let full = serde_json::to_value(ApiError::new(ErrorCode::MessageTooLong).field("text").limit(4096, 4097).body()).unwrap();
    assert_eq!(full["error"]["details"], serde_json::json!({"field": "text", "limit": 4096, "actual": 4097}));
}

#[test]
fn a_code_is_found_by_its_name_and_nothing_else_is() {
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::parse(code.name()), Some(*code));
    }
    assert_eq!(ErrorCode::parse("Invalid_Api_Key"), None);
}
