//! The schemas as TypeScript has them, with their limits in words.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{HEAD, comment};

/// Names of ours that mean something else in every program of TypeScript, or in the hand-written half.
const RENAMED: &[(&str, &str)] = &[("Error", "ErrorBody"), ("Event", "AnyEvent"), ("MessageError", "MessageFailure")];

/// All schemas but the envelopes, and the data of each kind of event.
pub fn page(document: &Value) -> String {
    let mut page = HEAD.to_owned();
    for (name, schema) in members(&document["components"]["schemas"]) {
        if !is_envelope(schema) {
            declare(&mut page, named(name), schema);
        }
    }
    page + &events(document)
}

/// The data of each kind of event; kinds that share a schema without a name share one of theirs.
fn events(document: &Value) -> String {
    let kinds: Vec<_> = members(&document["webhooks"])
        .map(|(kind, shown)| {
            let schema = &shown["post"]["requestBody"]["content"]["application/json"]["schema"];
            let data = &schema["allOf"][1]["properties"]["data"];
            (kind.as_str(), shown["post"]["summary"].as_str().unwrap_or_default(), data)
        })
        .collect();
    let shared = |data: &Value| data["properties"].is_object() && kinds.iter().filter(|(.., other)| *other == data).count() > 1;
    let name_of = |kind: &str| format!("{}EventData", pascal(kind.split('.').next().unwrap_or(kind)));
    let mut page = String::new();
    let mut told: Vec<String> = Vec::new();
    for (kind, _, data) in kinds.iter().filter(|(.., data)| shared(data)) {
        let name = name_of(kind);
        if !told.contains(&name) {
            declare(&mut page, &name, data);
            told.push(name);
        }
    }
    page.push_str("\n/** What an event of each kind tells. */\nexport interface EventData {\n");
    for (kind, summary, data) in &kinds {
        let data = if shared(data) { name_of(kind) } else { of(data, 1) };
        let _ = writeln!(page, "{}  {kind:?}: {data};", comment("  ", &[(*summary).to_owned()]));
    }
    page + "}\n"
}

/// Success and its data; the core unwraps them.
fn is_envelope(schema: &Value) -> bool {
    schema["properties"]["success"]["const"].is_boolean()
}

/// What the schema is called here.
pub fn named(name: &str) -> &str {
    RENAMED.iter().find(|(ours, _)| *ours == name).map_or(name, |(_, here)| *here)
}

pub fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// `send_text` as `SendText`.
pub fn pascal(words: &str) -> String {
    let up = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    words.split(['_', '.']).filter(|word| !word.is_empty()).map(up).collect()
}

fn declare(page: &mut String, name: &str, schema: &Value) {
    page.push('\n');
    page.push_str(&comment("", &[about(schema)]));
    let _ = match &schema["properties"] {
        Value::Object(properties) => writeln!(page, "export interface {name} {}", object(properties, schema, 0)),
        _ => writeln!(page, "export type {name} = {};", of(schema, 0)),
    };
}

/// The type of a value of the schema, `depth` steps in.
pub fn of(schema: &Value, depth: usize) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return named(reference.rsplit('/').next().unwrap_or_default()).to_owned();
    }
    if !schema["const"].is_null() {
        return schema["const"].to_string();
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(Value::to_string).collect::<Vec<_>>().join(" | ");
    }
    for (key, between) in [("oneOf", " | "), ("anyOf", " | "), ("allOf", " & ")] {
        if let Some(parts) = schema[key].as_array() {
            return parts.iter().map(|part| of(part, depth)).collect::<Vec<_>>().join(between);
        }
    }
    let one = |kind: &Value| match kind.as_str() {
        Some("string") if schema["format"] == "binary" => "Blob".to_owned(),
        Some("integer" | "number") => "number".to_owned(),
        Some("array") => list(&of(&schema["items"], depth)),
        Some("object") => match (&schema["properties"], &schema["additionalProperties"]) {
            (Value::Object(properties), _) => object(properties, schema, depth),
            (_, values @ Value::Object(_)) => format!("Record<string, {}>", of(values, depth)),
            _ => "Record<string, unknown>".to_owned(),
        },
        Some(same) => same.to_owned(),
        None => "unknown".to_owned(),
    };
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(one).collect::<Vec<_>>().join(" | "),
        kind => one(kind),
    }
}

fn list(item: &str) -> String {
    if item.contains(['|', '{', '&', ' ']) { format!("Array<{item}>") } else { format!("{item}[]") }
}

fn object(properties: &Map<String, Value>, schema: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth + 1);
    let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name));
    let mut text = String::from("{\n");
    for (name, member) in properties {
        text.push_str(&comment(&indent, &[about(member)]));
        let mark = if required(name) { "" } else { "?" };
        let _ = writeln!(text, "{indent}{}{mark}: {};", key(name), of(member, depth + 1));
    }
    text + &"  ".repeat(depth) + "}"
}

fn key(name: &str) -> String {
    if name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') { name.to_owned() } else { format!("{name:?}") }
}

/// What the schema says of itself, then its limits and units.
pub fn about(schema: &Value) -> String {
    let mut words: Vec<String> = schema["description"].as_str().map(str::to_owned).into_iter().collect();
    let number = |name: &str| schema[name].as_i64();
    if schema["format"] == "date-time" {
        words.push("RFC 3339, in UTC.".to_owned());
    }
    if schema["contentEncoding"] == "base64" {
        words.push("Base64.".to_owned());
    }
    for (least, most, unit) in [("minLength", "maxLength", " characters"), ("minimum", "maximum", ""), ("minItems", "maxItems", " of them")]
    {
        match (number(least), number(most)) {
            (Some(0) | None, Some(most)) if !unit.is_empty() => words.push(format!("At most {most}{unit}.")),
            (Some(least), Some(most)) => words.push(format!("{least} to {most}{unit}.")),
            (None, Some(most)) => words.push(format!("At most {most}.")),
            _ => {}
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_written_as_a_person_would_write_its_type() {
        let schema = json!({"type": "object", "required": ["a"], "properties": {
            "a": {"type": ["string", "null"], "minLength": 1, "maxLength": 9},
            "b": {"type": "array", "items": {"enum": ["x", "y"]}},
            "c": {"oneOf": [{"type": "boolean"}, {"$ref": "#/components/schemas/Error"}]},
        }});
        let written = "{\n  /** 1 to 9 characters. */\n  a: string | null;\n  b?: Array<\"x\" | \"y\">;\n  c?: boolean | ErrorBody;\n}";
        assert_eq!(of(&schema, 0), written);
    }

    #[test]
    fn every_kind_of_event_has_its_data_and_no_envelope_is_shown() {
        let page = page(&wharf_api::openapi::document());
        assert!(page.contains("\"message.received\": Message;") && page.contains("\"session.qr\": SessionEventData;"));
        assert!(!page.contains("success: true") && !page.contains(": unknown;"));
    }
}
