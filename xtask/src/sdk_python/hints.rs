//! Schemas as Python's type hints.

use std::collections::BTreeSet;

use serde_json::Value;

use super::words::pascal;

/// Which way a value goes: what a caller gives may be spelled in more ways than what an answer has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Given,
    Answered,
}

/// The hint of a schema, without the `None` of what may be null. `owner` names the class of an object that has no name of its own;
/// classes that it needs are noted in `used`.
pub fn of(schema: &Value, owner: &str, way: Way, used: &mut BTreeSet<String>) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        used.insert(name.to_owned());
        return name.to_owned();
    }
    if let Some(any) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let mut hints: Vec<String> = Vec::new();
        for hint in any.iter().filter(|one| one["type"] != "null").map(|one| of(one, owner, way, used)) {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        return hints.join(" | ");
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<_> = words.iter().filter(|word| !word.is_null()).map(literal).collect();
        return format!("Literal[{}]", words.join(", "));
    }
    if let Some(word) = schema.get("const") {
        return format!("Literal[{}]", literal(word));
    }
    match kind(schema) {
        "string" if schema["format"] == "date-time" && way == Way::Given => "datetime | str".to_owned(),
        "string" if schema["format"] == "date-time" => "datetime".to_owned(),
        "string" if schema["format"] == "date" => "date".to_owned(),
        "string" if is_base64(schema) && way == Way::Given => "bytes | str".to_owned(),
        "string" => "str".to_owned(),
        "integer" => "int".to_owned(),
        "number" => "float".to_owned(),
        "boolean" => "bool".to_owned(),
        "array" => {
            let list = if way == Way::Given { "Sequence" } else { "list" };
            format!("{list}[{}]", of(&schema["items"], owner, way, used))
        }
        "object" if schema["properties"].is_object() => {
            used.insert(owner.to_owned());
            owner.to_owned()
        }
        "object" if schema["additionalProperties"]["type"].is_string() => {
            let table = if way == Way::Given { "Mapping" } else { "dict" };
            format!("{table}[str, {}]", of(&schema["additionalProperties"], owner, way, used))
        }
        "object" => "dict[str, Any]".to_owned(),
        _ => "Any".to_owned(),
    }
}

/// Whether null stands for something in an answer.
pub fn nullable(schema: &Value) -> bool {
    schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"))
        || [&schema["anyOf"], &schema["oneOf"]].into_iter().filter_map(Value::as_array).flatten().any(|one| one["type"] == "null")
}

/// The class of an object that stands in a member without a name of its own.
pub fn inner(owner: &str, member: &str) -> String {
    owner.to_owned() + &pascal(member)
}

fn kind(schema: &Value) -> &str {
    let kinds = schema["type"].as_array().map_or(std::slice::from_ref(&schema["type"]), Vec::as_slice);
    kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default()
}

/// The document says so, once by the keyword and once in words.
fn is_base64(schema: &Value) -> bool {
    schema["contentEncoding"] == "base64" || schema["description"].as_str().is_some_and(|about| about.contains("in base64"))
}

fn literal(word: &Value) -> String {
    match word {
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        word => word.to_string(),
    }
}
