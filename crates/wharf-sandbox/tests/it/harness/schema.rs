//! Whether a value is what a schema of the served document says: as a validator would see it, and with nothing in it that the document
//! does not name.

use serde_json::{Value, json};
use wharf_api::Timestamp;

/// The words of JSON Schema that are understood here; another one in a schema fails the test that met it.
const WORDS: [&str; 22] = [
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "default",
    "description",
    "enum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "oneOf",
    "pattern",
    "properties",
    "type",
    "x-required-by-type",
];

/// One document with its schemas.
pub struct Document(pub Value);

impl Document {
    /// The schema of an event's body.
    pub fn of_event(&self, kind: &str) -> &Value {
        &self.0["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]["schema"]
    }

    /// What is wrong with the value, one line each.
    pub fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(schema, value, "", &mut faults);
        self.unnamed(&[schema], value, "", &mut faults);
        faults
    }

    fn target<'a>(&'a self, schema: &'a Value) -> Option<&'a Value> {
        let path = schema["$ref"].as_str()?.strip_prefix('#').expect("a reference into the document");
        Some(self.0.pointer(path).expect("a reference that leads somewhere"))
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let words = schema.as_object().unwrap_or_else(|| panic!("no schema at {at}"));
        let unknown: Vec<_> = words.keys().filter(|word| *word != "required" && !WORDS.contains(&word.as_str())).collect();
        assert!(unknown.is_empty(), "teach harness/schema.rs what {unknown:?} means");
        let mut refuse = |why: &str| faults.push(format!("{at}: {why}: {value}"));
        if schema.get("const").is_some_and(|only| only != value) || schema["enum"].as_array().is_some_and(|all| !all.contains(value)) {
            refuse("not one of the values");
        }
        let kinds: Vec<&str> = match &schema["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap()).collect(),
            _ => Vec::new(),
        };
        if !kinds.is_empty() && !kinds.iter().any(|kind| is(kind, value)) {
            refuse("another type");
        }
        if let Some(text) = value.as_str() {
            if schema["pattern"].as_str().is_some_and(|pattern| !fits(pattern, text)) {
                refuse("not as the pattern says");
            }
            if schema["format"] == "date-time" && text.parse::<Timestamp>().is_err() {
                refuse("no time");
            }
            between(schema, "Length", &json!(text.chars().count()), &mut refuse);
        }
        if value.is_number() {
            between(schema, "imum", value, &mut refuse);
        }
        if let Some(members) = value.as_object() {
            let by_type = members.get("type").and_then(Value::as_str).map(|kind| &schema["x-required-by-type"][kind]);
            let required = [Some(&schema["required"]), by_type].into_iter().flatten();
            for name in required.filter_map(Value::as_array).flatten().filter_map(Value::as_str) {
                if !members.contains_key(name) {
                    refuse(&format!("{name} is missing"));
                }
            }
        }
        if let Some(items) = value.as_array() {
            between(schema, "Items", &json!(items.len()), &mut refuse);
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let fitting = choices.iter().filter(|choice| {
                let mut faults = Vec::new();
                self.check(choice, value, at, &mut faults);
                faults.is_empty()
            });
            if fitting.count() != 1 {
                faults.push(format!("{at}: not exactly one of the choices: {value}"));
            }
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            let fits = |choice: &Value| {
                let mut faults = Vec::new();
                self.check(choice, value, at, &mut faults);
                faults.is_empty()
            };
            if !choices.iter().any(fits) {
                faults.push(format!("{at}: none of the choices: {value}"));
            }
        }
        for part in schema["allOf"].as_array().into_iter().flatten().chain(self.target(schema)) {
            self.check(part, value, at, faults);
        }
        for (name, member) in value.as_object().into_iter().flatten() {
            if let Some(schema) = schema["properties"].get(name) {
                self.check(schema, member, &format!("{at}/{name}"), faults);
            }
        }
        if let (Some(schema), Some(items)) = (schema.get("items"), value.as_array()) {
            for item in items {
                self.check(schema, item, &format!("{at}/*"), faults);
            }
        }
    }

    /// Finds members that none of the schemas names. One that names no members at all says nothing about them.
    fn unnamed(&self, schemas: &[&Value], value: &Value, at: &str, faults: &mut Vec<String>) {
        let mut all: Vec<&Value> = schemas.to_vec();
        let mut next = 0;
        while let Some(schema) = all.get(next).copied() {
            let choices = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|word| schema[word].as_array()).flatten();
            all.extend(choices.chain(self.target(schema)));
            next += 1;
        }
        for item in value.as_array().into_iter().flatten() {
            let items: Vec<&Value> = all.iter().filter_map(|schema| schema.get("items")).collect();
            self.unnamed(&items, item, &format!("{at}/*"), faults);
        }
        if all.iter().all(|schema| schema.get("properties").is_none()) {
            return;
        }
        for (name, member) in value.as_object().into_iter().flatten() {
            let named: Vec<&Value> = all.iter().filter_map(|schema| schema["properties"].get(name)).collect();
            if named.is_empty() {
                faults.push(format!("{at}/{name}: the document does not name it"));
            }
            self.unnamed(&named, member, &format!("{at}/{name}"), faults);
        }
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type {other}"),
    }
}

fn between(schema: &Value, of: &str, found: &Value, refuse: &mut impl FnMut(&str)) {
    let found = found.as_f64().unwrap();
    if schema[format!("min{of}")].as_f64().is_some_and(|least| found < least) {
        refuse("too little");
    }
    if schema[format!("max{of}")].as_f64().is_some_and(|most| found > most) {
        refuse("too much");
    }
}

/// The patterns of ids: a prefix and so many lower hexadecimal digits; of keys so many letters and digits; and that of what people call
/// a thing.
fn fits(pattern: &str, text: &str) -> bool {
    if pattern == "^key_[0-9A-Za-z]{8}$" {
        let letters = text.strip_prefix("key_").unwrap_or_default();
        return letters.len() == 8 && letters.bytes().all(|byte| byte.is_ascii_alphanumeric());
    }
    if pattern.starts_with(r"^[^\u0000-\u001F") {
        return text.chars().any(|one| !one.is_whitespace()) && !text.chars().any(char::is_control);
    }
    let parts = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix("}$")).and_then(|rest| rest.split_once("[0-9a-f]{"));
    let (prefix, count) = parts.unwrap_or_else(|| panic!("teach harness/schema.rs the pattern {pattern}"));
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    digits.len() == count.parse::<usize>().unwrap() && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[test]
fn a_value_that_is_not_as_the_document_says_has_faults() {
    let document = Document(wharf_api::openapi::document());
    let kind = "usage.warning";
    let good = json!({"eventId": "evt_00000000000000000000000000000007", "event": kind, "createdAt": "2026-01-01T00:00:00.000Z",
        "accountId": "acc_00000000000000000000000000000007", "sessionId": null, "sequence": 1,
        "data": {"metric": "messages", "percent": 80, "used": 8, "limit": 10, "resetAt": "2026-01-01T00:00:00.000Z"}});
    let faults = |value: &Value| document.faults(document.of_event(kind), value);
    assert_eq!(faults(&good), Vec::<String>::new());
    let bad = [
        ("/eventId", json!("evt_7")),
        ("/event", json!("usage.warned")),
        ("/createdAt", json!("yesterday")),
        ("/sessionId", json!(7)),
        ("/sequence", json!(-1)),
        ("/data/metric", json!("calls")),
        ("/data/percent", json!(101)),
        ("/data/used", json!("8")),
        ("/data", json!({})),
    ];
    for (at, value) in bad {
        let mut event = good.clone();
        *event.pointer_mut(at).unwrap() = value;
        assert!(!faults(&event).is_empty(), "{at} of {event}");
    }
    for at in ["", "/data"] {
        let mut event = good.clone();
        event.pointer_mut(at).unwrap()["unheardOf"] = json!(1);
        assert_eq!(faults(&event), [format!("{at}/unheardOf: the document does not name it")]);
    }
}
