//! The words that schemas are written in.

use serde_json::{Map, Value, json};

use crate::ids::{KeyId, MessageId, SessionId};
use crate::limits;

/// One member of an object: its name, whether it must be there, and its schema.
pub(super) type Member = (&'static str, bool, Value);

/// A member that is always there.
pub(super) fn always(name: &'static str, schema: Value) -> Member {
    (name, true, schema)
}

/// A member that may be left out.
pub(super) fn maybe(name: &'static str, schema: Value) -> Member {
    (name, false, schema)
}

/// What we answer: it may gain members later.
pub(super) fn answer(members: Vec<Member>) -> Value {
    let required: Vec<_> = members.iter().filter(|(_, required, _)| *required).map(|(name, ..)| *name).collect();
    let required = json!(required);
    let properties: Map<_, _> = members.into_iter().map(|(name, _, schema)| (name.to_owned(), schema)).collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

/// What we are asked: a member that we do not know is refused, and one that may be left out may be null.
pub(super) fn request(members: Vec<Member>) -> Value {
    let or_null = |(name, required, schema): Member| (name, required, if required { schema } else { nullable(schema) });
    let mut schema = answer(members.into_iter().map(or_null).collect());
    schema["additionalProperties"] = json!(false);
    schema
}

/// An object that somebody else says the members of.
pub(super) fn any_object() -> Value {
    json!({ "type": "object", "additionalProperties": true })
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

/// A text with so many characters.
pub(super) fn chars(min: usize, max: usize) -> Value {
    json!({ "type": "string", "minLength": min, "maxLength": max })
}

/// What people call a thing.
pub(super) fn name(max: usize) -> Value {
    let control = r"\u0000-\u001F\u007F-\u009F";
    let mut schema = chars(1, max);
    schema["pattern"] = json!(format!(r"^[^{control}]*[^\s{control}][^{control}]*$"));
    schema
}

pub(super) fn pattern(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

/// A point in time.
pub(super) fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

pub(super) fn boolean() -> Value {
    json!({ "type": "boolean" })
}

pub(super) fn integer(min: u64, max: Option<u64>) -> Value {
    let mut schema = json!({ "type": "integer", "minimum": min });
    if let Some(max) = max {
        schema["maximum"] = json!(max);
    }
    schema
}

/// A number that may have a fraction.
pub(super) fn number(min: i64, max: i64) -> Value {
    json!({ "type": "number", "minimum": min, "maximum": max })
}

/// One word out of a closed set.
pub(super) fn word<'a>(words: impl IntoIterator<Item = &'a str>) -> Value {
    json!({ "type": "string", "enum": words.into_iter().collect::<Vec<_>>() })
}

pub(super) fn list(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// The schema, or null.
pub(super) fn nullable(mut schema: Value) -> Value {
    if let Some(choices) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        choices.push(json!({ "type": "null" }));
    } else if schema.get("$ref").is_some() || schema.get("enum").is_some() || schema["type"] == "object" {
        // A closed set of words and an object keep their names so, and generators make one type of each. What is said of it is said of the
        // place too.
        let sentence = schema.get("description").cloned();
        let mut either = json!({ "anyOf": [schema, { "type": "null" }] });
        if let Some(sentence) = sentence {
            either["description"] = sentence;
        }
        return either;
    } else if schema.get("anyOf").is_none() && !schema["type"].is_array() {
        let kind = schema["type"].take();
        schema["type"] = json!([kind, "null"]);
    }
    schema
}

/// The schema with a sentence about it.
pub(super) fn about(mut schema: Value, sentence: &str) -> Value {
    schema["description"] = json!(sentence);
    schema
}

/// The schema of a member that has a value also where it is left out, said in words: generators take a `default` for a member that is
/// always there, and demand it.
pub(super) fn otherwise(schema: Value, value: &Value) -> Value {
    let sentence = format!("{} `{value}` where it is left out.", schema["description"].as_str().unwrap_or_default());
    about(schema, sentence.trim_start())
}

/// A schema that stands among the components.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

pub(super) fn session_id() -> Value {
    id(SessionId::PREFIX)
}

pub(super) fn message_id() -> Value {
    id(MessageId::PREFIX)
}

pub(super) fn key_id() -> Value {
    pattern(&format!("^{}[0-9A-Za-z]{{{}}}$", KeyId::PREFIX, KeyId::LEN))
}

/// An id with that prefix.
pub(super) fn id(prefix: &str) -> Value {
    pattern(&format!("^{prefix}[0-9a-f]{{32}}$"))
}

/// A phone number as we show it.
pub(super) fn phone_digits() -> Value {
    about(text(), "The phone number in international format, digits only, such as `14155552671`; absent where it is not known.")
}

/// A linked identity as we show it.
pub(super) fn lid() -> Value {
    about(text(), "The LID, which names a person without the number, such as `98765432101234@lid`; absent where it is not known.")
}

/// A person's id as we show it.
pub(super) fn contact_id() -> Value {
    about(text(), "The person's id as WhatsApp writes it, such as `14155552671@s.whatsapp.net` or `98765432101234@lid`.")
}

/// A group's id as we show it.
pub(super) fn group_id() -> Value {
    about(text(), "The group's id as WhatsApp writes it, such as `120363012345678901@g.us`; `to` takes it as it is.")
}

/// What `to` says of a number, and every other field that takes one.
const SPELLING: &str = "Separators (space - . and one pair of brackets) are taken where people put them between groups of digits; \
    what cannot be a number that somebody wrote is refused, and the reason says what was seen.";

/// A phone number in international format, as it may be written.
pub(super) fn phone() -> Value {
    about(pattern(&format!("^ *{} *$", phone_pattern())), &format!("A phone number in international format. {SPELLING}"))
}

/// A number on a card, which may be one that WhatsApp does not know.
pub(super) fn card_number() -> Value {
    about(
        chars(1, limits::CARD_NUMBER_CHARS),
        "A phone number in international format, or one that people dial only inside a country, which stays as it is written.",
    )
}

/// Where a message may go.
pub(super) fn recipient() -> Value {
    let phone = phone_pattern();
    about(
        pattern(&format!(r"^ *(?:{phone}(?:@s\.whatsapp\.net|@c\.us)?|[0-9]{{1,20}}@lid|[0-9-]{{1,40}}@g\.us|status(?:@broadcast)?) *$")),
        &format!("A phone number in international format, a group id, a LID, or `status`. {SPELLING}"),
    )
}

/// A person, by number or LID.
pub(super) fn person() -> Value {
    let phone = phone_pattern();
    pattern(&format!(r"^ *(?:{phone}(?:@s\.whatsapp\.net|@c\.us)?|[0-9]{{1,20}}@lid) *$"))
}

fn phone_pattern() -> String {
    let (min, max) = (limits::PHONE_DIGITS.start() - 1, limits::PHONE_DIGITS.end() - 1);
    format!("[+]? *[(]?[1-9](?:[ .()-]{{0,4}}[0-9]){{{min},{max}}}")
}
