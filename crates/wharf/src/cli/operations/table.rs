//! What the command of each operation takes: read of the table of operations and of the schemas that the document is made of.

use std::sync::LazyLock;

use serde_json::Value;
use wharf_api::openapi;
use wharf_api::ops::{self, Operation};

use super::sort::Sort;
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
pub(in crate::cli) enum ValuePlace {
    Path,
    Query,
    Body,
}

/// One value that a command takes.
pub(in crate::cli) struct Taken {
    pub place: ValuePlace,
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
                Some("path") => ValuePlace::Path,
                Some("query") => ValuePlace::Query,
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
            verb.take(tag, ValuePlace::Body, wire, &schema["properties"][*wire], None, required.contains(wire));
        }
        verb
    }

    fn take(&mut self, tag: &str, place: ValuePlace, wire: &str, schema: &Value, about: Option<&str>, required: bool) {
        let mut flag = dashed(wire);
        if place == ValuePlace::Query && self.takes.iter().any(|other| other.place == ValuePlace::Query && other.flag == flag) {
            // Another spelling of the same, for readers that know no better.
            return;
        }
        if place != ValuePlace::Path && !self.leaves_free(&flag) {
            flag = format!("{}-{flag}", tag.trim_end_matches('s'));
        }
        let (sort, nullable) = Sort::of(schema);
        let mut help = words::of(wire, schema, about, &sort);
        if required && place == ValuePlace::Body {
            // Said here, for the usage shows only what stands in no body.
            help.push_str(" Required.");
        }
        let place_word = match place {
            ValuePlace::Path => "path",
            ValuePlace::Query => "query",
            ValuePlace::Body => "body",
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
        self.takes.iter().filter(move |taken| changes && taken.place == ValuePlace::Body && taken.nullable)
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
    use super::*;

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
