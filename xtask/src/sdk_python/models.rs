//! The types: a class for each object, a closed set of words for each list of them, an event of its own type for each kind.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};
use wharf_api::ops::{self, Answer, Operation};

use super::NOTE;
use super::hints::{self, Way};
use super::words::{camel, docstring, listed, pascal, snake};

const HEAD: &str = r#""""What the API takes and answers.

Members without a value are `None`. Moments are `datetime` in UTC. A word that a newer server says and this file does not know comes
as it is, so compare words, and do not count on having seen them all. Members that this file does not know are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, Union

from ._codes import ErrorCode
from ._model import Model

"#;
/// What shows a thing and more of it: the same members, and some.
const MORE_OF: &[(&str, &str)] = &[("SessionWithQr", "Session"), ("CreatedKey", "Key"), ("CreatedWebhook", "Webhook")];
/// What all events of sessions tell has one shape; the umbrella's name is the shape's.
const SESSION_EVENTS: &str = "session.status";

/// `models.py`.
pub fn file(document: &Value) -> String {
    let schemas = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let mut words = String::new();
    let mut classes: Vec<(String, String)> = Vec::new();
    for (name, schema) in schemas.iter().filter(|(name, _)| is_shown(name)) {
        if schema["properties"].is_object() {
            let mut own = class(&schemas, name, schema, way(name));
            if ops::ALL.iter().any(|op| op.request == Some(name.as_str())) {
                // A request's members are the arguments of its method.
                own.pop();
            }
            classes.extend(own);
        } else {
            let hint = hints::of(schema, name, Way::Answered, &mut BTreeSet::new());
            let long = format!("{name} = {hint}\n");
            words += &if long.len() <= 118 { long } else { listed(0, &format!("{name} = Literal["), &members(&hint), "]") };
        }
    }
    // What is more of another comes after it: a class is made when Python comes to it.
    classes.sort_by_key(|(name, _)| MORE_OF.iter().any(|(more, _)| more == name));
    let classes: String = classes.into_iter().map(|(_, text)| text).collect();
    format!("{NOTE}{HEAD}{words}{classes}{}", events(document, &schemas))
}

/// Envelopes are opened before anybody sees them, the codes have a file of their own, and events have their own types.
fn is_shown(name: &str) -> bool {
    !name.ends_with("Answer") && !name.ends_with("Page") && !matches!(name, "Error" | "Failure" | "ErrorCode" | "PageInfo" | "Event")
}

/// Parts of requests are given; everything else is answered.
fn way(name: &str) -> Way {
    let given = ["ContactCard", "PasskeyAssertion", "PutFeatures", "PutPace"];
    if given.contains(&name) { Way::Given } else { Way::Answered }
}

fn members(hint: &str) -> Vec<String> {
    hint.trim_start_matches("Literal[").trim_end_matches(']').split(", ").map(str::to_owned).collect()
}

/// The class of an object, behind those of the objects in it that have no name of their own.
fn class(schemas: &Map<String, Value>, name: &str, schema: &Value, way: Way) -> Vec<(String, String)> {
    let all = schema["properties"].as_object().cloned().unwrap_or_default();
    let mut classes = Vec::new();
    for (member, inner) in all.iter().filter(|(_, inner)| inner["properties"].is_object()) {
        classes.extend(class(schemas, &hints::inner(name, member), inner, way));
    }
    let base = MORE_OF.iter().find(|(more, _)| *more == name).map(|(_, base)| *base);
    let known = base.and_then(|base| schemas[base]["properties"].as_object()).cloned().unwrap_or_default();
    let mut text = format!("\n\n@dataclass(frozen=True, kw_only=True, repr=False)\nclass {name}({}):\n", base.unwrap_or("Model"));
    let about = schema["description"].as_str().map(str::to_owned).or_else(|| answered_by(name));
    if let Some(about) = about {
        text += &(docstring(4, &[about]) + "\n");
    }
    for (member, schema_of) in all.iter().filter(|(member, _)| !known.contains_key(*member)) {
        let required = schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == member));
        text += &attribute(name, member, schema_of, required, way);
    }
    classes.push((name.to_owned(), text));
    classes
}

/// The operation that answers it.
fn answered_by(name: &str) -> Option<String> {
    let answers = |op: &&&Operation| matches!(op.answer, Answer::One(of) | Answer::Whole(of) | Answer::List(of) if of == name);
    ops::ALL.iter().find(answers).map(|op| format!("What `{}` answers.", op.id))
}

fn attribute(owner: &str, member: &str, schema: &Value, required: bool, way: Way) -> String {
    let name = snake(member);
    let mut hint = hints::of(schema, &hints::inner(owner, member), way, &mut BTreeSet::new());
    if !required || hints::nullable(schema) {
        hint += " | None";
    }
    let mut told = Vec::new();
    if !required {
        told.push("default=None".to_owned());
    }
    if camel(&name) != member {
        told.push(format!("metadata={{\"json\": \"{member}\"}}"));
    }
    let value = match told.as_slice() {
        [] => String::new(),
        [one] if !required && one == "default=None" => " = None".to_owned(),
        told => format!(" = field({})", told.join(", ")),
    };
    let about = schema["description"].as_str().map(|about| docstring(4, &[about.to_owned()])).unwrap_or_default();
    format!("    {name}: {hint}{value}\n{about}")
}

/// A class for each kind of event, and one for what this file does not know.
fn events(document: &Value, schemas: &Map<String, Value>) -> String {
    let mut base = schemas["Event"].clone();
    for own in ["event", "data"] {
        base["properties"].as_object_mut().expect("an event has members").remove(own);
    }
    base["description"] = "What every event tells.".into();
    let mut text: String = class(schemas, "EventFrame", &base, Way::Answered).into_iter().map(|(_, text)| text).collect();
    let webhooks = document["webhooks"].as_object().cloned().unwrap_or_default();
    let data = |kind: &str| {
        webhooks[kind]["post"]["requestBody"]["content"]["application/json"]["schema"]["allOf"][1]["properties"]["data"].clone()
    };
    let shared = data(SESSION_EVENTS);
    let shape = pascal(SESSION_EVENTS) + "Data";
    let mut names = Vec::new();
    let mut kinds: Vec<_> = webhooks.keys().collect();
    kinds.sort_by_key(|kind| *kind != SESSION_EVENTS);
    for kind in kinds {
        let own = data(kind);
        let owner = if own == shared { shape.clone() } else { pascal(kind) + "Data" };
        if own["properties"].is_object() && !text.contains(&format!("class {owner}(")) {
            text.extend(class(schemas, &owner, &own, Way::Answered).into_iter().map(|(_, text)| text));
        }
        let hint = hints::of(&own, &owner, Way::Answered, &mut BTreeSet::new());
        let name = pascal(kind) + "Event";
        let about = webhooks[kind.as_str()]["post"]["summary"].as_str().unwrap_or_default();
        let _ = write!(
            text,
            "\n\n@dataclass(frozen=True, kw_only=True, repr=False)\nclass {name}(EventFrame):\n{}\n    event: Literal[\"{kind}\"]\n    data: {hint}\n",
            docstring(4, &[about.to_owned()])
        );
        names.push(name);
    }
    text += "\n\n@dataclass(frozen=True, kw_only=True, repr=False)\nclass OtherEvent(EventFrame):\n    \
             \"\"\"An event of a kind that this version does not know, or one that came truncated; `data` is as it came.\"\"\"\n\n    \
             event: str\n    data: dict[str, Any]\n\n\n";
    names.sort();
    names.push("OtherEvent".to_owned());
    text + &listed(0, "Event = Union[", &names, "]")
}
