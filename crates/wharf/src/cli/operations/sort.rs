//! What is read of a word of the command line, by the schema of what it stands for.

use serde_json::Value;
use wharf_api::openapi;

/// What is read of a word of the command line.
#[derive(Debug, PartialEq)]
pub(in crate::cli) enum Sort {
    Text,
    /// Bytes that travel in Base64, as they are or as `@FILE`.
    Base64,
    Whole,
    Number,
    Boolean,
    /// One word of a closed set.
    Word(Vec<String>),
    Json,
    /// May be said several times.
    Many(Box<Self>),
}

impl Sort {
    /// The sort of a schema's values, and whether `null` is one of them.
    pub(super) fn of(schema: &Value) -> (Self, bool) {
        if let Some(words) = schema["enum"].as_array() {
            return (Self::Word(words.iter().filter_map(Value::as_str).map(str::to_owned).collect()), false);
        }
        if let Some(word) = schema["const"].as_str() {
            return (Self::Word(vec![word.to_owned()]), false);
        }
        if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
            return openapi::schema(name).map_or((Self::Json, false), |schema| Self::of(&schema));
        }
        if let Some(parts) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
            let known: Vec<_> = parts.iter().filter(|part| part["type"] != "null").map(Self::of).collect();
            let nullable = known.len() < parts.len() || known.iter().any(|(_, nullable)| *nullable);
            let all_text = known.iter().all(|(sort, _)| *sort == Self::Text);
            let only = known.len() == 1;
            return match known.into_iter().next() {
                Some((sort, _)) if only || all_text => (sort, nullable),
                _ => (Self::Json, nullable),
            };
        }
        let kinds = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
        let nullable = kinds.iter().any(|kind| kind == "null");
        let kind = kinds.iter().find_map(|kind| kind.as_str().filter(|kind| *kind != "null"));
        let sort = match kind {
            Some("string") if schema["contentEncoding"] == "base64" => Self::Base64,
            Some("string") => Self::Text,
            Some("integer") => Self::Whole,
            Some("number") => Self::Number,
            Some("boolean") => Self::Boolean,
            Some("array") => match Self::of(&schema["items"]).0 {
                Self::Json | Self::Many(_) => Self::Json,
                one => Self::Many(Box::new(one)),
            },
            _ => Self::Json,
        };
        (sort, nullable)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_says_what_is_read_of_a_word() {
        let of = |schema: Value| Sort::of(&schema);
        assert_eq!(of(json!({"type": ["string", "null"]})), (Sort::Text, true));
        assert_eq!(of(json!({"anyOf": [{"enum": ["a"]}, {"type": "null"}]})), (Sort::Word(vec!["a".to_owned()]), true));
        assert_eq!(of(json!({"anyOf": [{"type": "string"}, {"type": "string"}]})), (Sort::Text, false));
        assert_eq!(of(json!({"oneOf": [{"type": "boolean"}, {"type": "object"}]})), (Sort::Json, false));
        assert_eq!(of(json!({"type": "array", "items": {"type": "integer"}})), (Sort::Many(Box::new(Sort::Whole)), false));
        assert_eq!(of(json!({"type": "array", "items": {"type": "object"}})), (Sort::Json, false));
        assert_eq!(of(json!({"$ref": "#/components/schemas/Message"})), (Sort::Json, false));
    }
}
