//! What the command of each operation takes: read of the table of operations and of the schemas that the document is made of.

use std::sync::LazyLock;

use serde_json::Value;
use wharf_api::openapi;
use wharf_api::ops::{self, Operation};

use super::words;

/// The groups of the document, each with its operations as verbs.
pub(super) static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| openapi::groups().iter().map(Group::of).collect());

/// What every command of an operation takes besides: an operation's own must be called otherwise.
const COMMON: &[&str] = &[
    "accept",
    "all",
    "api-key",
    "config",
    "data",
    "file",
    "help",
    "idempotency-key",
    "json",
    "out",
    "profile",
    "tries",
    "unset",
    "url",
    "version",
    "yes",
];

pub(super) struct Group {
    /// The command's name.
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    pub verbs: Vec<Verb>,
}

/// An operation as a command.
pub(in crate::cli) struct Verb {
    pub name: String,
    pub op: &'static Operation,
    pub takes: Vec<Taken>,
}

/// Where the request carries a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Place {
    Path,
    Query,
    Body,
}

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

/// One value that a command takes.
pub(in crate::cli) struct Taken {
    pub place: Place,
    /// The name in the request.
    pub wire: String,
    /// The name among all that the command takes.
    pub id: String,
    /// The flag, without its dashes; a part of the path has its place instead.
    pub flag: String,
    pub required: bool,
    pub nullable: bool,
    pub sort: Sort,
    pub help: String,
}

/// The verb of a group, both by the names of their commands.
pub(super) fn find(group: &str, verb: &str) -> Option<&'static Verb> {
    let group = GROUPS.iter().find(|known| known.name == group)?;
    group.verbs.iter().find(|known| known.name == verb)
}

/// The operation's verb.
pub(in crate::cli) fn verb_of(op: &Operation) -> &'static Verb {
    GROUPS.iter().flat_map(|group| &group.verbs).find(|verb| verb.op.id == op.id).expect("every operation has a group")
}

impl Group {
    fn of(&(tag, about): &(&'static str, &'static str)) -> Self {
        let own = ops::ALL.iter().filter(|op| openapi::group(op) == tag);
        // What needs no key is the server's own.
        Self { name: if tag == "open" { "server" } else { tag }, about, verbs: own.map(|op| Verb::of(tag, op)).collect() }
    }
}

impl Verb {
    fn of(tag: &str, op: &'static Operation) -> Self {
        let mut verb = Self { name: name(tag, op), op, takes: Vec::new() };
        for parameter in openapi::parameters(op) {
            let place = match parameter["in"].as_str() {
                Some("path") => Place::Path,
                Some("query") => Place::Query,
                _ => continue,
            };
            let wire = parameter["name"].as_str().unwrap_or_default();
            verb.take(tag, place, wire, &parameter["schema"], parameter["description"].as_str(), parameter["required"] == true);
        }
        let schema = op.request.and_then(openapi::schema).unwrap_or_default();
        let required: Vec<_> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let members = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        let optional: Vec<_> = members.filter(|name| !required.contains(name)).collect();
        for wire in required.iter().chain(&optional) {
            verb.take(tag, Place::Body, wire, &schema["properties"][*wire], None, required.contains(wire));
        }
        verb
    }

    fn take(&mut self, tag: &str, place: Place, wire: &str, schema: &Value, about: Option<&str>, required: bool) {
        let mut flag = dashed(wire);
        if place == Place::Query && self.takes.iter().any(|other| other.place == Place::Query && other.flag == flag) {
            // Another spelling of the same, for readers that know no better.
            return;
        }
        if place != Place::Path && !self.leaves_free(&flag) {
            flag = format!("{}-{flag}", tag.trim_end_matches('s'));
        }
        let (sort, nullable) = Sort::of(schema);
        let mut help = words::of(wire, schema, about, &sort);
        if required && place == Place::Body {
            // Said here, for the usage shows only what stands in no body.
            help.push_str(" Required.");
        }
        let place_word = match place {
            Place::Path => "path",
            Place::Query => "query",
            Place::Body => "body",
        };
        self.takes.push(Taken { place, wire: wire.to_owned(), id: format!("{place_word}:{wire}"), flag, required, nullable, sort, help });
    }

    /// Whether nothing that the command takes is called so.
    pub(super) fn leaves_free(&self, flag: &str) -> bool {
        !COMMON.contains(&flag) && !self.takes.iter().any(|other| other.flag == flag)
    }

    /// The members that `null` may stand for, where it says something else than their absence.
    pub(super) fn clearable(&self) -> impl Iterator<Item = &Taken> {
        let changes = self.op.method == ops::Method::Patch;
        self.takes.iter().filter(move |taken| changes && taken.place == Place::Body && taken.nullable)
    }
}

impl Sort {
    /// The sort of a schema's values, and whether `null` is one of them.
    fn of(schema: &Value) -> (Self, bool) {
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

/// The operation's name without what its group says already: `create_session` among `sessions` is `create`.
fn name(tag: &str, op: &Operation) -> String {
    let said = |word: &&str| match tag {
        "admin" => *word == "admin",
        "keys" => ["api", "key", "keys"].contains(word),
        tag => *word == tag || *word == tag.trim_end_matches('s'),
    };
    op.id.split('_').filter(|word| !said(word)).collect::<Vec<_>>().join("-")
}

/// `sessionId` and `session_id` as `session-id`.
fn dashed(wire: &str) -> String {
    let mut flag = String::with_capacity(wire.len() + 2);
    for letter in wire.chars() {
        if letter.is_ascii_uppercase() && !flag.is_empty() {
            flag.push('-');
        }
        flag.push(if letter == '_' { '-' } else { letter.to_ascii_lowercase() });
    }
    flag
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

    #[test]
    fn a_flag_is_the_member_in_small_letters_with_dashes() {
        for (wire, flag) in [("sessionId", "session-id"), ("last_event_id", "last-event-id"), ("to", "to"), ("viewOnce", "view-once")] {
            assert_eq!(dashed(wire), flag);
        }
    }

    #[test]
    fn what_the_command_line_takes_for_itself_is_called_otherwise_in_an_operation() {
        let flag = |op: &Operation, wire: &str| verb_of(op).takes.iter().find(|taken| taken.wire == wire).map(|taken| taken.flag.as_str());
        assert_eq!(flag(&ops::create_webhook, "url"), Some("webhook-url"));
        assert_eq!(flag(&ops::send_media, "data"), Some("message-data"));
        assert_eq!(flag(&ops::send_text, "text"), Some("text"));
    }
}
