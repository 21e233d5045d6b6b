//! What a value that does not fit its request type is told: the code, the path, and a reason that echoes nothing.
//!
//! The error is our own, so that a code follows from what kind of fault it was and not from how serde words it.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor};
use serde_json::Value;
use serde_path_to_error::Path;
use wharf_api::{ApiError, ErrorCode};

use crate::http::query::shown;

/// Why a value does not fit its type.
#[derive(Debug)]
pub(super) enum Fault {
    Missing(String),
    Unknown(String),
    /// Another type of value; the two in JSON's words.
    Kind {
        expected: String,
        found: &'static str,
    },
    /// The right type, and a value that cannot be; what is expected, where that is known.
    Value(Option<String>),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Value(None)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Kind { expected: plain(&expected.to_string()).to_owned(), found: kind(found) }
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Value(Some(plain(&expected.to_string()).to_owned()))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::Value(Some(plain(&expected.to_string()).to_owned()))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Value(Some(one_of(expected)))
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::Unknown(field.to_owned())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field.to_owned())
    }
}

/// The fault as the customer sees it.
pub(super) fn of(error: serde_path_to_error::Error<Fault>) -> ApiError {
    let path = path(error.path());
    match error.into_inner() {
        Fault::Missing(field) => ApiError::new(ErrorCode::MissingRequiredParameter).field(child(&path, &field)),
        Fault::Unknown(name) => {
            let name = shown(&name);
            let path = if path == name || path.ends_with(&format!(".{name}")) { path } else { child(&path, &name) };
            ApiError::new(ErrorCode::InvalidRequest).field(path).reason("there is no such parameter")
        }
        Fault::Kind { expected, found } => {
            ApiError::new(ErrorCode::InvalidParameterType).field(path).reason(format!("{expected} is expected, not {found}"))
        }
        Fault::Value(Some(expected)) => ApiError::new(ErrorCode::InvalidRequest).field(path).reason(format!("{expected} is expected")),
        Fault::Value(None) => ApiError::new(ErrorCode::InvalidRequest).field(path).reason("the value cannot be used"),
    }
}

/// A value to be read as a type, whose faults are ours.
pub(super) struct Tree(pub Value);

impl IntoDeserializer<'_, Fault> for Tree {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Tree {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter().map(Tree));
                let value = visitor.visit_seq(&mut items)?;
                items.end().map(|()| value)
            }
            Value::Object(members) => {
                let mut members = MapDeserializer::new(members.into_iter().map(|(name, value)| (name, Tree(value))));
                let value = visitor.visit_map(&mut members)?;
                members.end().map(|()| value)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    /// Serde takes a list for an object whose members lack their names.
    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        if self.0.is_array() {
            return Err(Fault::Kind { expected: "an object".to_owned(), found: "an array" });
        }
        self.deserialize_any(visitor)
    }

    /// A word out of a closed set.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::String(word) => IntoDeserializer::<Fault>::into_deserializer(word).deserialize_enum(name, variants, visitor),
            other => Err(Fault::Kind { expected: "a string".to_owned(), found: kind(unexpected(&other)) }),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        identifier ignored_any
    }
}

/// The path without the `.` that stands for the whole document.
fn path(path: &Path) -> String {
    let text = path.to_string();
    if text == "." { String::new() } else { shown(&text) }
}

fn child(parent: &str, field: &str) -> String {
    if parent.is_empty() { field.to_owned() } else { format!("{parent}.{field}") }
}

fn unexpected(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(value) => Unexpected::Bool(*value),
        Value::Number(_) => Unexpected::Float(0.0),
        Value::String(text) => Unexpected::Str(text),
        Value::Array(_) => Unexpected::Seq,
        Value::Object(_) => Unexpected::Map,
    }
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [one] => one.clone(),
        [one, other] => format!("{one} or {other}"),
        all => format!("one of {}", all.join(", ")),
    }
}

/// What was found, in JSON's words and without the value itself.
fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "a string",
        Unexpected::Seq => "an array",
        Unexpected::Map => "an object",
        Unexpected::Unit | Unexpected::Option => "null",
        _ => "this",
    }
}

/// What serde's own readers expect, in JSON's words.
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
        let error = of(serde_path_to_error::deserialize::<_, T>(Tree(value)).unwrap_err());
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
