//! The operations as methods, a class for each group. What takes or gives bytes is written by hand beside them.

use std::fmt::Write as _;

use serde_json::Value;
use wharf_api::ErrorCode;
use wharf_api::ops::{self, Access, Answer, Body, Operation, Patience};

use super::{
    HEAD, comment,
    types::{about, named, of, pascal},
};

/// Spellings of `cursor` for readers of streams that can say nothing else.
const OTHERS_SPELLINGS: [&str; 2] = ["lastEventId", "last_event_id"];

/// What the form of a request meets, or its `Idempotency-Key`, whatever the operation.
const OF_THE_FORM: [&str; 4] = ["missing_required_parameter", "invalid_parameter_type", "idempotency_key_in_use", "idempotency_key_reused"];

/// The classes, and a table of where each operation stands.
pub fn page(document: &Value) -> String {
    let mut classes = String::new();
    let mut queries = String::new();
    let mut table =
        String::from("\n/** Where each operation is called: the group of the client and its method. */\nexport const OPERATIONS = {\n");
    for tag in document["tags"].as_array().into_iter().flatten() {
        let name = tag["name"].as_str().unwrap_or_default();
        let group = group(name);
        classes.push('\n');
        classes.push_str(&comment("", &[tag["description"].as_str().unwrap_or_default().to_owned()]));
        let _ = writeln!(classes, "export class {}Api extends Resource {{", pascal(group));
        let mut first = true;
        for op in ops::ALL {
            let shown = &document["paths"][op.path][op.method.as_str().to_ascii_lowercase()];
            if shown["tags"][0] != name {
                continue;
            }
            let method = method(name, op.id);
            let _ = writeln!(table, "  {}: {{ group: {group:?}, method: {method:?} }},", op.id);
            if op.body == Body::Stream || op.answer == Answer::File {
                continue;
            }
            let one = One { op, method, query: query(shown) };
            queries.push_str(&one.query_type());
            if !std::mem::take(&mut first) {
                classes.push('\n');
            }
            classes.push_str(&one.written(shown["responses"]["200"].is_object() && op.success == 201));
        }
        classes.push_str("}\n");
    }
    let imports =
        "import type { Paged } from \"../paging.js\";\nimport { Resource, type CallOptions, type KeyedOptions } from \"../resource.js\";\n";
    let used = names(&(queries.clone() + &classes), document);
    format!("{HEAD}{imports}import type {{\n{used}}} from \"./types.js\";\n{queries}{classes}{table}}} as const;\n")
}

/// The types that the text speaks of.
fn names(text: &str, document: &Value) -> String {
    let words: std::collections::BTreeSet<&str> = text.split(|letter: char| !letter.is_alphanumeric()).collect();
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten().map(|(name, _)| named(name));
    let used: Vec<_> = schemas.filter(|name| words.contains(name)).map(|name| format!("  {name},\n")).collect();
    used.concat()
}

/// What needs no key is the server's own.
fn group(tag: &str) -> &str {
    if tag == "open" { "server" } else { tag }
}

/// The operation's name without what the group says already: `create_session` among `sessions` is `create`.
fn method(tag: &str, id: &str) -> String {
    let own = |word: &&str| match tag {
        "admin" => *word == "admin",
        "keys" => ["api", "key", "keys"].contains(word),
        tag => *word == tag || *word == tag.trim_end_matches('s'),
    };
    let name = pascal(&id.split('_').filter(|word| !own(word)).collect::<Vec<_>>().join("_"));
    name[..1].to_ascii_lowercase() + &name[1..]
}

fn query(shown: &Value) -> Vec<&Value> {
    let all = shown["parameters"].as_array().into_iter().flatten();
    all.filter(|one| one["in"] == "query" && !OTHERS_SPELLINGS.iter().any(|other| one["name"] == *other)).collect()
}

struct One<'a> {
    op: &'a Operation,
    method: String,
    query: Vec<&'a Value>,
}

impl One<'_> {
    fn query_name(&self) -> String {
        format!("{}Query", pascal(self.op.id))
    }

    fn query_type(&self) -> String {
        if self.query.is_empty() {
            return String::new();
        }
        let mut text = format!("\n/** What `{}` is asked by. */\nexport interface {} {{\n", self.op.id, self.query_name());
        for one in &self.query {
            let name = one["name"].as_str().unwrap_or_default();
            let words = [one["description"].as_str().unwrap_or_default(), about(&one["schema"]).as_str()].join(" ");
            let kind = if name == "events" { "readonly EventChoice[]".to_owned() } else { of(&one["schema"], 1) };
            let mark = if one["required"] == true { "" } else { "?" };
            let _ = writeln!(text, "{}  {name}{mark}: {kind};", comment("  ", &[words.trim().to_owned()]));
        }
        text + "}\n"
    }

    /// The method with its comment; `tried` where it may answer what would happen instead.
    fn written(&self, tried: bool) -> String {
        let answer = match self.op.answer {
            Answer::One(name) => format!("Promise<{}>", named(name)),
            Answer::Whole(name) | Answer::List(name) => format!("Paged<{}>", named(name)),
            Answer::Raw(types) if types.contains(&"application/json") => "Promise<unknown>".to_owned(),
            Answer::Raw(_) | Answer::File => "Promise<string>".to_owned(),
        };
        let mut text = self.comment();
        if let (true, Some(body)) = (tried, self.op.request) {
            let would = self.parameters(&format!("{body} & {{ dryRun: true }}"), true);
            let does = self.parameters(&format!("{body} & {{ dryRun?: false | null }}"), true);
            let either = self.parameters(body, false);
            let _ = writeln!(text, "  {}({would}): Promise<DryRun>;", self.method);
            let _ = writeln!(text, "  {}({does}): {answer};", self.method);
            let _ = writeln!(text, "  {}({either}): Promise<Message | DryRun> {{", self.method);
        } else {
            let _ = writeln!(text, "  {}({}): {answer} {{", self.method, self.parameters(self.op.request.unwrap_or_default(), false));
        }
        let call = match self.op.answer {
            Answer::One(_) => "one",
            Answer::Whole(_) | Answer::List(_) => "pages",
            Answer::Raw(types) if types.contains(&"application/json") => "json",
            Answer::Raw(_) | Answer::File => "text",
        };
        let _ = writeln!(text, "    return this.call.{call}({{ {} }}, options);\n  }}", self.request());
        text
    }

    fn comment(&self) -> String {
        let access = match self.op.access {
            Access::Open => "needs no key".to_owned(),
            Access::Operator => "needs an operator's key".to_owned(),
            Access::Login => "needs a log-in".to_owned(),
            Access::Key(permission) => format!("needs `{}`", permission.as_str()),
        };
        let keyed = if self.op.idempotent() { "; one `Idempotency-Key` holds over all its tries" } else { "" };
        let usual =
            |code: &ErrorCode| ops::COMMON_CODES.contains(code) || ops::KEYED_CODES.contains(code) || OF_THE_FORM.contains(&code.name());
        let mut codes: Vec<_> = self.op.codes().filter(|code| !usual(code)).map(|code| format!("`{}`", code.name())).collect();
        codes.sort_unstable();
        codes.dedup();
        codes.push("what any call meets".to_owned());
        comment(
            "  ",
            &[
                self.op.summary.to_owned(),
                format!("`{} {}` {access}{keyed}.", self.op.method.as_str(), self.op.path),
                format!("@throws ApiError {}", codes.join(", ")),
            ],
        )
    }

    fn places(&self) -> impl Iterator<Item = &str> {
        self.op.path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
    }

    /// Ids, then the body, then what is asked for, then the options of the call; what a request with a body asks for stands among these.
    fn parameters(&self, body: &str, overload: bool) -> String {
        let mut all: Vec<String> = self.places().map(|name| format!("{name}: {}", place(name))).collect();
        let mut options = if self.op.idempotent() { "KeyedOptions" } else { "CallOptions" }.to_owned();
        let has_body = self.op.request.is_some();
        if has_body {
            all.push(if self.op.body == Body::Optional { format!("body: {body} = {{}}") } else { format!("body: {body}") });
        }
        if !self.query.is_empty() {
            let name = self.query_name();
            if has_body {
                options = format!("{options} & {name}");
            } else if self.query.iter().any(|one| one["required"] == true) {
                all.push(format!("query: {name}"));
            } else {
                all.push(format!("query: {name} = {{}}"));
            }
        }
        all.push(if overload { format!("options?: {options}") } else { format!("options: {options} = {{}}") });
        all.join(", ")
    }

    /// What the core is told.
    fn request(&self) -> String {
        let path = self.op.path.replace('{', "${encodeURIComponent(").replace('}', ")}");
        let path = if path == self.op.path { format!("{path:?}") } else { format!("`{path}`") };
        let mut text = format!("id: {:?}, method: {:?}, path: {path}", self.op.id, self.op.method.as_str());
        if self.op.request.is_some() {
            text.push_str(", body");
        }
        if !self.query.is_empty() {
            if self.op.request.is_some() {
                let asked = self.query.iter().filter_map(|one| one["name"].as_str()).map(|name| format!("{name}: options.{name}"));
                let _ = write!(text, ", query: {{ {} }}", asked.collect::<Vec<_>>().join(", "));
            } else {
                text.push_str(", query: { ...query }");
            }
        }
        for (said, word) in [(self.op.idempotent(), "keyed"), (self.op.patience == Patience::Files, "files")] {
            if said {
                let _ = write!(text, ", {word}: true");
            }
        }
        text
    }
}

/// The words that a path takes in a place.
fn place(name: &str) -> &'static str {
    match name {
        "action" => r#""add" | "remove" | "promote" | "demote""#,
        "decision" => r#""approve" | "reject""#,
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_operations_of_a_group_have_one_name() {
        let document = wharf_api::openapi::document();
        let all: Vec<_> = ops::ALL
            .iter()
            .map(|op| {
                let tag = document["paths"][op.path][op.method.as_str().to_ascii_lowercase()]["tags"][0].as_str().unwrap();
                (tag, method(tag, op.id))
            })
            .collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), ops::ALL.len(), "{all:?}");
        assert!(all.contains(&("sessions", "create".to_owned())) && all.contains(&("messages", "sendText".to_owned())));
    }

    #[test]
    fn the_words_of_a_place_are_those_of_the_document() {
        let document = wharf_api::openapi::document();
        for op in ops::ALL {
            let shown = &document["paths"][op.path][op.method.as_str().to_ascii_lowercase()];
            let places = shown["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "path");
            for one in places {
                let schema = &one["schema"];
                let kind = if schema["enum"].is_array() { of(schema, 0) } else { "string".to_owned() };
                assert_eq!(place(one["name"].as_str().unwrap()), kind, "{}", op.id);
            }
        }
    }
}
