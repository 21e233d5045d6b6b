//! A method for each operation, in a class for each group of the document.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;
use wharf_api::ops::{self, Access, Answer, Method, Operation, Patience};

use super::NOTE;
use super::hints::{self, Way};
use super::words::{docstring, listed, pascal, snake};

/// Files and the stream of events are written by hand, in the helpers of their groups.
pub const BY_HAND: &[&str] = &["upload_media", "get_media", "list_events"];
/// Groups that have more than their operations.
const HELPED: &[&str] = &["sessions", "messages", "media", "events"];

/// What needs no key is the server's own.
fn group_of(tag: &str) -> &str {
    if tag == "open" { "server" } else { tag }
}

/// The operation's name without what its group says already: `create_session` among `sessions` is `create`.
pub fn name(tag: &str, op: &Operation) -> String {
    let said = |word: &&str| match tag {
        "admin" => *word == "admin",
        "keys" => ["api", "key", "keys"].contains(word),
        tag => *word == tag || *word == tag.trim_end_matches('s'),
    };
    op.id.split('_').filter(|word| !said(word)).collect::<Vec<_>>().join("_")
}

/// `resources.py`, or `async_resources.py`.
pub fn file(document: &Value, later: bool) -> String {
    let prefix = if later { "Async" } else { "" };
    let mut used = BTreeSet::new();
    let mut classes = String::new();
    let mut groups = Vec::new();
    for tag in document["tags"].as_array().into_iter().flatten() {
        let tag_name = tag["name"].as_str().unwrap_or_default();
        let group = group_of(tag_name);
        let own = ops::ALL.iter().filter(|op| tag_of(document, op) == tag_name && !BY_HAND.contains(&op.id));
        let base = format!("{prefix}Resource");
        let helpers = format!("{prefix}{}Helpers", pascal(group));
        let class = format!("{prefix}{}Api", pascal(group));
        let base = if HELPED.contains(&group) { helpers } else { base };
        let about = tag["description"].as_str().unwrap_or_default();
        let _ = write!(classes, "\n\nclass {class}({base}):\n{}", docstring(4, &[about.to_owned()]));
        for op in own {
            classes += &method(document, op, later, &mut used);
        }
        groups.push((group.to_owned(), class));
    }
    used.retain(|name| name != "ErrorCode");
    let names: Vec<_> = used.into_iter().collect();
    let mut imported = vec![format!("{prefix}Resource")];
    imported.extend(
        groups.iter().filter(|(group, _)| HELPED.contains(&group.as_str())).map(|(group, _)| format!("{prefix}{}Helpers", pascal(group))),
    );
    let (pages, caller, about) = if later {
        ("AsyncPages", "from ._async_caller import AsyncCaller", "Every operation, to be awaited.")
    } else {
        ("Pages", "from ._caller import Caller", "Every operation, by its group.")
    };
    let module = if later { "_async_helpers" } else { "_helpers" };
    let mut head = format!(
        "{NOTE}\"\"\"{about}\n\nEvery method raises an `ApiError` of its group for a refusal (the own ones are named below `Raises`), and `NetworkError` where no\n\
         answer came after the last try.\n\"\"\"\n\nfrom __future__ import annotations\n\nfrom collections.abc import Mapping, Sequence\n\
         from datetime import datetime\nfrom typing import Any, List, Literal, overload\n\n{caller}\nfrom ._codec import UNSET, Unset\n"
    );
    head += &listed(0, &format!("from .{module} import ("), &imported, ")");
    head += "from ._request import Request, path\n";
    head += &listed(0, "from .models import (", &names, ")");
    let _ = writeln!(head, "from .pages import {pages}");
    let mut all = format!("\n\nclass {prefix}Operations({prefix}Caller):\n    \"\"\"The groups of operations.\"\"\"\n\n");
    for (group, class) in &groups {
        let _ = writeln!(all, "    {group}: {class}");
    }
    all += "\n    def _open(self) -> None:\n";
    for (group, class) in &groups {
        let _ = writeln!(all, "        self.{group} = {class}(self)");
    }
    head + &classes + &all
}

/// The group that the document shows an operation in.
pub fn tag_of<'a>(document: &'a Value, op: &Operation) -> &'a str {
    of_document(document, op)["tags"][0].as_str().unwrap_or_default()
}

fn of_document<'a>(document: &'a Value, op: &Operation) -> &'a Value {
    &document["paths"][op.path][op.method.as_str().to_ascii_lowercase()]
}

/// An argument: its name, its name on the wire, its hint and default, what it is.
struct Argument {
    name: String,
    wire: String,
    hint: String,
    default: Option<&'static str>,
    about: String,
}

impl Argument {
    fn written(&self) -> String {
        let default = self.default.map(|value| format!(" = {value}")).unwrap_or_default();
        format!("{}: {}{default}", self.name, self.hint)
    }

    fn of(wire: &str, schema: &Value, about: &Value, required: bool, patch: bool, used: &mut BTreeSet<String>) -> Self {
        let mut hint = hints::of(schema, &pascal(wire), Way::Given, used);
        let default = match (required, patch) {
            (true, _) => None,
            (false, true) => {
                hint += " | None | Unset";
                Some("UNSET")
            }
            (false, false) => {
                hint += " | None";
                Some("None")
            }
        };
        let about = about.as_str().or(schema["description"].as_str()).unwrap_or_default().to_owned();
        Self { name: snake(wire), wire: wire.to_owned(), hint, default, about }
    }
}

fn parameters(shown: &Value, place: &str, used: &mut BTreeSet<String>) -> Vec<Argument> {
    let all = shown["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == place);
    all.map(|one| {
        let wire = one["name"].as_str().unwrap_or_default();
        Argument::of(wire, &one["schema"], &one["description"], one["required"] == true, false, used)
    })
    .collect()
}

/// The members of the body; those that must be there first, as the schema names them.
fn members(document: &Value, op: &Operation, used: &mut BTreeSet<String>) -> Vec<Argument> {
    let Some(name) = op.request else { return Vec::new() };
    let schema = &document["components"]["schemas"][name];
    let required: Vec<_> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let optional = properties.keys().map(String::as_str).filter(|wire| !required.contains(wire));
    let mut all = Vec::new();
    for wire in required.iter().copied().chain(optional) {
        let schema = &properties[wire];
        let mut one = Argument::of(wire, schema, &Value::Null, required.contains(&wire), op.method == Method::Patch, used);
        if schema["properties"].is_object() {
            let inner = hints::inner(name, wire);
            one.hint = one.hint.replace(&pascal(wire), &inner);
            used.remove(&pascal(wire));
            used.insert(inner);
        }
        all.push(one);
    }
    all
}

fn method(document: &Value, op: &Operation, later: bool, used: &mut BTreeSet<String>) -> String {
    let shown = of_document(document, op);
    let (places, query, body) = (parameters(shown, "path", used), parameters(shown, "query", used), members(document, op, used));
    let (hint, call, ending) = answer(op, later, used);
    let name = name(tag_of(document, op), op);
    let mut text = String::new();
    let dry = body.iter().any(|one| one.wire == "dryRun") && op.may_be_dry();
    let waits = later && !matches!(op.answer, Answer::List(_));
    let define = if waits { "async def" } else { "def" };
    let signature = |dry_run: Option<&str>, hint: &str| {
        let mut arguments = vec!["self".to_owned()];
        arguments.extend(places.iter().map(Argument::written));
        // What must be there first: a name may stand behind one with a default, and is read before it.
        let mut named: Vec<&Argument> = query.iter().filter(|one| one.default.is_none()).chain(&body).collect();
        named.extend(query.iter().filter(|one| one.default.is_some()));
        if !named.is_empty() || op.idempotent() {
            arguments.push("*".to_owned());
        }
        arguments.extend(named.iter().map(|one| match dry_run {
            Some(dry_run) if one.wire == "dryRun" => format!("dry_run: {dry_run}"),
            _ => one.written(),
        }));
        if op.idempotent() {
            arguments.push("idempotency_key: str | None = None".to_owned());
        }
        let ellipsis = if dry_run.is_some() { " ..." } else { "" };
        listed(4, &format!("{define} {name}("), &arguments, &format!(") -> {hint}:{ellipsis}"))
    };
    text.push('\n');
    if dry {
        used.insert("DryRun".to_owned());
        let would = signature(Some("Literal[True]"), "DryRun");
        let does = signature(Some("Literal[False] | None = None"), &hint);
        let _ = write!(text, "    @overload\n{would}\n    @overload\n{does}\n");
    }
    text += &signature(None, &if dry { format!("{hint} | DryRun") } else { hint });
    text += &documentation(op, shown, [&places, &query, &body]);
    text += &listed(8, "request = Request(", &request(op, &places, &query, &body), ")");
    let wait = if waits { "await " } else { "" };
    if dry {
        let _ = writeln!(text, "        if dry_run:\n            return {wait}self._client._one(request, DryRun)");
    }
    let _ = writeln!(text, "        return {wait}{call}(request{ending})");
    text
}

/// What is answered: its hint, who brings it, and the last of what that is told.
fn answer(op: &Operation, later: bool, used: &mut BTreeSet<String>) -> (String, String, String) {
    let mut named = |name: &str| {
        used.insert(name.to_owned());
        name.to_owned()
    };
    match op.answer {
        Answer::One(name) => (named(name), "self._client._one".to_owned(), format!(", {name}")),
        Answer::Whole(name) => (format!("List[{}]", named(name)), "self._client._list".to_owned(), format!(", {name}")),
        Answer::List(name) => {
            let pages = if later { "AsyncPages" } else { "Pages" };
            (format!("{pages}[{}]", named(name)), "self._client._pages".to_owned(), format!(", {name}"))
        }
        Answer::Raw(kinds) if kinds.contains(&"application/json") => {
            ("dict[str, Any]".to_owned(), "self._client._json".to_owned(), String::new())
        }
        Answer::Raw(_) | Answer::File => ("str".to_owned(), "self._client._text".to_owned(), String::new()),
    }
}

fn request(op: &Operation, places: &[Argument], query: &[Argument], body: &[Argument]) -> Vec<String> {
    let table = |all: &[Argument]| {
        let members: Vec<_> = all.iter().map(|one| format!("\"{}\": {}", one.wire, one.name)).collect();
        listed(12, "{", &members, "}").trim().to_owned()
    };
    let mut said = vec![format!("\"{}\"", op.method.as_str())];
    if places.is_empty() {
        said.push(format!("\"{}\"", op.path));
    } else {
        let names: Vec<_> = places.iter().map(|one| one.name.clone()).collect();
        let braces = places.iter().fold(op.path.to_owned(), |path, one| path.replace(&format!("{{{}}}", one.wire), "{}"));
        said.push(format!("path(\"{braces}\", {})", names.join(", ")));
    }
    if !query.is_empty() {
        said.push(format!("query={}", table(query)));
    }
    if op.request.is_some() {
        said.push(format!("body={}", table(body)));
    }
    if op.idempotent() {
        said.push("takes_key=True, idempotency_key=idempotency_key".to_owned());
    }
    if op.patience == Patience::Files {
        said.push("patience=\"files\"".to_owned());
    }
    if op.access == Access::Login || op.id == ops::create_login.id {
        said.push("login=True".to_owned());
    }
    said
}

fn documentation(op: &Operation, shown: &Value, arguments: [&Vec<Argument>; 3]) -> String {
    let mut paragraphs = vec![op.summary.to_owned()];
    paragraphs.extend(shown["description"].as_str().map(str::to_owned));
    let mut about: Vec<_> =
        arguments.into_iter().flatten().filter(|one| !one.about.is_empty()).map(|one| format!("    {}: {}", one.name, one.about)).collect();
    if op.idempotent() {
        about.push(
            "    idempotency_key: A key of your own, kept for 24 hours; unless given, one is made for the call and kept over its tries."
                .to_owned(),
        );
    }
    if !about.is_empty() {
        paragraphs.push(format!("Args:\n{}", about.join("\n")));
    }
    let mut raised: Vec<(String, Vec<String>)> = Vec::new();
    for code in op.own_codes() {
        let class = class_of(code.row().group.as_str());
        let name = format!("`{}`", code.name());
        match raised.iter_mut().find(|(known, _)| *known == class) {
            Some((_, codes)) if codes.contains(&name) => {}
            Some((_, codes)) => codes.push(name),
            None => raised.push((class, vec![name])),
        }
    }
    if !raised.is_empty() {
        let lines: Vec<_> = raised.into_iter().map(|(class, codes)| format!("    {class}: {}.", codes.join(", "))).collect();
        paragraphs.push(format!("Raises:\n{}", lines.join("\n")));
    }
    docstring(8, &paragraphs)
}

/// The exception class of a group.
fn class_of(group: &str) -> String {
    match group {
        "rate_limiting" => "RateLimitError".to_owned(),
        "general" => "GeneralError".to_owned(),
        "additive" => "StateError".to_owned(),
        group => pascal(group) + "Error",
    }
}
