//! The first reading of a body: is it JSON as we take it, whatever it says?
//!
//! Refuses what parsers differ on or choke on (repeated keys, deep nesting, U+0000), because two readers of one
//! request must not see two requests. The parser's words name places, never contents.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use wharf_api::{ApiError, limits};

use crate::http::envelope::invalid;
use crate::http::query::shown;

/// Up to here a floating-point number can tell neighbouring whole numbers apart: 2^53.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The body as a JSON object.
pub(super) fn scan(body: &[u8]) -> Result<Value, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(invalid("the body is empty; a JSON object is expected"));
    }
    if let Err(error) = std::str::from_utf8(body) {
        return Err(invalid(format!("the body is not UTF-8 at byte {}", error.valid_up_to())));
    }
    if body.starts_with(BYTE_ORDER_MARK) {
        return Err(invalid("the body begins with a byte order mark; JSON is sent without one"));
    }
    let mut seen = ScanState { values: 0, fault: None };
    let mut reader = serde_json::Deserializer::from_slice(body);
    let node = Node { path: &Path::Root, depth: 0, seen: &mut seen };
    let read = node.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match (read, seen.fault) {
        (_, Some(fault)) => Err(fault),
        (Err(error), None) => Err(syntax(&error)),
        (Ok(value), None) if value.is_object() => Ok(value),
        (Ok(_), None) => Err(invalid("the body is not a JSON object")),
    }
}

fn syntax(error: &serde_json::Error) -> ApiError {
    let what = if error.is_eof() { "the JSON ends too early" } else { "the body is not JSON" };
    let hint = if error.to_string().starts_with("control character") { r"; a line break in a string is written \n, a tab \t" } else { "" };
    invalid(format!("{what}: line {}, column {}{hint}", error.line(), error.column()))
}

/// Where in the document we are.
enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Self::Root, key) => f.write_str(&shown(key)),
            Self::Key(parent, key) => write!(f, "{parent}.{}", shown(key)),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// What the whole document has shown so far.
struct ScanState {
    values: usize,
    /// What we refuse ourselves; the parser's own errors do not stand here.
    fault: Option<ApiError>,
}

/// One value of the document.
struct Node<'a> {
    path: &'a Path<'a>,
    depth: usize,
    seen: &'a mut ScanState,
}

impl Node<'_> {
    fn refuse<E: serde::de::Error>(self, reason: &str) -> E {
        let path = self.path.to_string();
        let error = invalid(reason);
        self.seen.fault = Some(if path.is_empty() { error } else { error.field(path) });
        E::custom("refused")
    }

    fn enter<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth < limits::JSON_DEPTH {
            return Ok(Self { depth: self.depth + 1, ..self });
        }
        // The path would be as deep as the document: it helps nobody.
        self.seen.fault = Some(invalid(format!("JSON may nest {} deep", limits::JSON_DEPTH)));
        Err(E::custom("refused"))
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.seen.values += 1;
        if self.seen.values > limits::JSON_VALUES {
            self.seen.fault = Some(invalid(format!("JSON may hold {} values", limits::JSON_VALUES)));
            return Err(serde::de::Error::custom("refused"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    /// `10.0` is the whole number 10, as the schemas' words have it.
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        if value.fract() == 0.0 && value.abs() < WHOLE_MAX {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole, and smaller than an i64")]
            return Ok((value as i64).into());
        }
        Ok(value.into())
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        if value.contains('\0') {
            return Err(self.refuse("the character U+0000 cannot be stored"));
        }
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let node = self.enter()?;
        let mut list = Vec::new();
        loop {
            let path = Path::Index(node.path, list.len());
            match items.next_element_seed(Node { path: &path, depth: node.depth, seen: &mut *node.seen })? {
                Some(value) => list.push(value),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let node = self.enter()?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let path = Path::Key(node.path, &key);
            let entry = Node { path: &path, depth: node.depth, seen: &mut *node.seen };
            if map.contains_key(&key) {
                return Err(entry.refuse("the key stands there more than once"));
            }
            if key.contains('\0') {
                return Err(entry.refuse("the character U+0000 cannot be stored"));
            }
            let value = entries.next_value_seed(entry)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(body: impl AsRef<[u8]>) -> (String, Option<String>) {
        let error = scan(body.as_ref()).unwrap_err();
        assert_eq!(error.code, wharf_api::ErrorCode::InvalidRequest);
        (error.details.reason.unwrap(), error.details.field)
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let read = |number: &str| scan(format!("{{\"n\": {number}}}").as_bytes()).unwrap()["n"].take();
        for number in ["10.0", "1e1", "100e-1", "10"] {
            assert_eq!(read(number), json!(10), "{number}");
        }
        assert_eq!((read("-0.0"), read("-3.0")), (json!(0), json!(-3)));
        assert!(read("0.5").is_f64() && read("1e300").is_f64());
    }

    #[test]
    fn a_document_is_read_as_it_stands() {
        let body = r#" {"a": [1, -2, 2.5, true, null, "é\u00e9"], "b": {"c": {}}} "#;
        assert_eq!(scan(body.as_bytes()).unwrap(), json!({"a": [1, -2, 2.5, true, null, "éé"], "b": {"c": {}}}));
    }

    #[test]
    fn bad_json_is_placed_and_never_echoed() {
        assert_eq!(refused("{\n  \"secret\" 1}"), ("the body is not JSON: line 2, column 12".into(), None));
        assert_eq!(refused("{\"a\": 1"), ("the JSON ends too early: line 1, column 7".into(), None));
        for body in [
            "{a: 1}",
            "{'a': 1}",
            "{\"a\": 1,}",
            "{} {}",
            "{\"a\": 01}",
            "{\"a\": \"\\ud800\"}",
            "{\"a\": 1e999}",
            "{\"a\": NaN}",
            "{\"a\":\"\n\"}",
        ] {
            assert!(refused(body).0.contains("line"), "{body}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in ["[]", "1", "null", "\"x\"", "true"] {
            assert_eq!(refused(body), ("the body is not a JSON object".into(), None), "{body}");
        }
        for body in ["", " \r\n"] {
            assert!(refused(body).0.contains("empty"), "{body:?}");
        }
        assert!(refused(b"{\"a\": \"\xff\"}").0.contains("UTF-8 at byte 7"));
    }

    #[test]
    fn a_repeated_key_is_named_with_its_path() {
        assert_eq!(refused(r#"{"a": 1, "a": 1}"#).1.as_deref(), Some("a"));
        assert_eq!(refused(r#"{"a": [{}, {"b": 1, "\u0062": 2}]}"#).1.as_deref(), Some("a[1].b"));
    }

    #[test]
    fn sixty_four_levels_pass_and_one_more_does_not() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert!(scan(nested(64).as_bytes()).is_ok());
        assert!(refused(nested(65)).0.contains("64"));
        assert!(refused("[".repeat(100_000)).0.contains("64"));
    }

    #[test]
    fn a_hundred_thousand_values_pass_and_one_more_does_not() {
        // The object and its list are two of them.
        let of = |zeros: usize| format!("{{\"a\":[{}]}}", vec!["0"; zeros].join(","));
        assert!(scan(of(limits::JSON_VALUES - 2).as_bytes()).is_ok());
        assert!(refused(of(limits::JSON_VALUES - 1)).0.contains("100000"));
    }

    #[test]
    fn the_character_that_databases_refuse_is_refused_here() {
        assert_eq!(refused(r#"{"a": {"b": "x\u0000"}}"#).1.as_deref(), Some("a.b"));
    }
}
