//! What a value that does not fit its request type is told: the code, the path, and a reason that echoes nothing.

use serde_path_to_error::Path;
use wharf_api::{ApiError, ErrorCode};

use crate::http::query::shown;

/// Serde's error as the customer sees it. Serde says in words what it found; the words are its own and stable.
pub(super) fn of(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let path = path(error.path());
    let words = error.inner().to_string();
    if let Some(field) = between(&words, "missing field `", "`") {
        return ApiError::new(ErrorCode::MissingRequiredParameter).field(child(&path, field));
    }
    if let Some(name) = unknown_field(&words) {
        let path = if path == name || path.ends_with(&format!(".{name}")) { path } else { child(&path, &name) };
        return ApiError::new(ErrorCode::InvalidRequest).field(path).reason("there is no such parameter");
    }
    let expected = words.rsplit_once(", expected ").map(|(_, expected)| expected);
    if let Some(found) = words.strip_prefix("invalid type: ") {
        let reason = format!("{} is expected, not {}", plain(expected.unwrap_or("another type")), kind(found));
        return ApiError::new(ErrorCode::InvalidParameterType).field(path).reason(reason);
    }
    // Serde takes a list for an object whose members lack their names.
    if words.starts_with("invalid length ") && expected.is_some_and(|expected| expected.starts_with("struct ")) {
        return ApiError::new(ErrorCode::InvalidParameterType).field(path).reason("an object is expected, not an array");
    }
    let reason = match expected {
        Some(expected) => format!("{} is expected", plain(expected)),
        None => "the value cannot be used".to_owned(),
    };
    ApiError::new(ErrorCode::InvalidRequest).field(path).reason(reason)
}

/// The path without the `.` that stands for the whole document.
fn path(path: &Path) -> String {
    let text = path.to_string();
    if text == "." { String::new() } else { shown(&text) }
}

fn child(parent: &str, field: &str) -> String {
    if parent.is_empty() { field.to_owned() } else { format!("{parent}.{field}") }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.strip_suffix(after)
}

fn unknown_field(words: &str) -> Option<String> {
    let rest = words.strip_prefix("unknown field `")?;
    let end = rest.rfind("`, expected ").or_else(|| rest.rfind("`, there are no fields"))?;
    Some(shown(&rest[..end]))
}

/// What was found, in JSON's words and without the value itself.
fn kind(found: &str) -> &'static str {
    match found.split(['`', '"', ',']).next().unwrap_or_default().trim() {
        "boolean" => "a boolean",
        "integer" | "floating point" | "number" => "a number",
        "string" => "a string",
        "sequence" => "an array",
        "map" => "an object",
        "null" | "unit value" | "Option value" => "null",
        _ => "this",
    }
}

/// What was expected, in JSON's words.
fn plain(expected: &str) -> &str {
    match expected {
        "a sequence" => "an array",
        "a map" => "an object",
        "u8" | "u16" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64" | "usize" => "a whole number",
        "f32" | "f64" => "a number",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;
    use wharf_api::types::key::CreateKey;
    use wharf_api::types::message::SendText;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only their shape matters")]
    struct Outer {
        list: Vec<Inner>,
        mode: Option<Mode>,
        count: Option<u8>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only their shape matters")]
    struct Inner {
        display_name: String,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        Fast,
    }

    fn fault<T: serde::de::DeserializeOwned + std::fmt::Debug>(value: serde_json::Value) -> (ErrorCode, String, String) {
        let error = of(&serde_path_to_error::deserialize::<_, T>(value).unwrap_err());
        (error.code, error.details.field.unwrap_or_default(), error.details.reason.unwrap_or_default())
    }

    #[test]
    fn a_missing_field_is_named_with_its_path() {
        use ErrorCode::MissingRequiredParameter as Missing;
        assert_eq!(fault::<SendText>(json!({})), (Missing, "sessionId".into(), String::new()));
        assert_eq!(fault::<SendText>(json!({"sessionId": "s", "to": "t"})).1, "text");
        assert_eq!(fault::<Outer>(json!({"list": [{"displayName": "a"}, {}]})), (Missing, "list[1].displayName".into(), String::new()));
    }

    #[test]
    fn a_wrong_type_is_named_with_its_path_and_nothing_of_the_value() {
        use ErrorCode::InvalidParameterType as Wrong;
        let send = |field: &str, value: serde_json::Value| {
            let mut body = json!({"sessionId": "s", "to": "t", "text": "x"});
            body[field] = value;
            fault::<SendText>(body)
        };
        assert_eq!(send("text", json!(4711)), (Wrong, "text".into(), "a string is expected, not a number".into()));
        assert_eq!(send("text", json!(4711.5)).2, "a string is expected, not a number");
        assert_eq!(send("text", json!(true)).2, "a string is expected, not a boolean");
        assert_eq!(send("text", json!(["a"])).2, "a string is expected, not an array");
        assert_eq!(send("text", json!({"a": 1})).2, "a string is expected, not an object");
        assert_eq!(send("async", json!("yes, expected `no`")), (Wrong, "async".into(), "a boolean is expected, not a string".into()));
        assert_eq!(fault::<Outer>(json!({"list": [{"displayName": 1}]})).1, "list[0].displayName");
        assert_eq!(fault::<Outer>(json!({"list": {}})), (Wrong, "list".into(), "an array is expected, not an object".into()));
        assert_eq!(fault::<Outer>(json!({"list": ["x"]})), (Wrong, "list[0]".into(), "an object is expected, not a string".into()));
        assert_eq!(fault::<CreateKey>(json!({"name": "n", "permissions": ["a", 2]})).1, "permissions[1]");
    }

    #[test]
    fn null_for_a_required_field_is_a_wrong_type_and_for_an_optional_one_is_nothing() {
        let null = fault::<SendText>(json!({"sessionId": null, "to": "t", "text": "x"}));
        assert_eq!(null, (ErrorCode::InvalidParameterType, "sessionId".into(), "a string is expected, not null".into()));
        assert!(serde_json::from_value::<CreateKey>(json!({"name": "n", "permissions": [], "expiresAt": null})).is_ok());
    }

    #[test]
    fn an_unknown_field_is_named_with_its_path() {
        let unknown = fault::<SendText>(json!({"sessionId": "s", "to": "t", "text": "x", "txet": 1}));
        assert_eq!(unknown, (ErrorCode::InvalidRequest, "txet".into(), "there is no such parameter".into()));
        assert_eq!(fault::<Outer>(json!({"list": [{"displayName": "a", "b`, expected `c": 1}]})).1, "list[0].b`, expected `c");
    }

    #[test]
    fn a_value_of_the_right_type_that_cannot_be_is_an_invalid_request() {
        let time = fault::<CreateKey>(json!({"name": "n", "permissions": [], "expiresAt": "tomorrow"}));
        assert_eq!(time, (ErrorCode::InvalidRequest, "expiresAt".into(), "an RFC 3339 time is expected".into()));
        let mode = fault::<Outer>(json!({"list": [], "mode": "slow"}));
        assert_eq!((mode.0, mode.1.as_str()), (ErrorCode::InvalidRequest, "mode"));
        assert!(!mode.2.contains("slow"));
        let count = fault::<Outer>(json!({"list": [], "count": 300}));
        assert_eq!(count, (ErrorCode::InvalidRequest, "count".into(), "a whole number is expected".into()));
    }
}
