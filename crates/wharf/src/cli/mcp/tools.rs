//! Which operations are tools, and what a tool takes: the parameters and the members of the body as one object, as the API's document has
//! them.

use std::sync::Arc;

use anyhow::bail;
use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Map, Value, json};
use wharf_api::ops::{self, Access, Method, Operation};
use wharf_api::{ErrorCode, Permission, openapi};

use crate::cli::operations::{Client, Content, Refused, Request, ValuePlace, Verb, ask_with, verb_of};

/// What an assistant does for its user: it reads and writes, and sees how the sessions are. Keys, plans, webhooks and people of the account
/// are no tools.
static TOOLS: &[(&Operation, &str)] = &[
    (&ops::list_sessions, "List sessions"),
    (&ops::get_session, "Show a session"),
    (&ops::list_chats, "List chats"),
    (&ops::list_messages, "Search messages"),
    (&ops::get_message, "Show a message"),
    (&ops::list_contacts, "List contacts"),
    (&ops::get_contact, "Show a contact"),
    (&ops::check_contacts, "Check numbers for WhatsApp"),
    (&ops::list_groups, "List groups"),
    (&ops::get_group, "Show a group"),
    (&ops::get_usage, "Show usage"),
    (&ops::send_text, "Send a text"),
    (&ops::send_media, "Send a file"),
    (&ops::send_location, "Send a place"),
    (&ops::send_poll, "Send a poll"),
    (&ops::send_reaction, "React to a message"),
    (&ops::edit_message, "Edit a message"),
    (&ops::delete_message, "Delete a message for everyone"),
    (&ops::read_chat, "Mark a chat as read"),
    (&ops::restart_session, "Restart a session"),
];
/// How deep a schema names others.
const DEPTH: usize = 12;
/// The letters of a key that is made for one call.
const KEY_LETTERS: usize = 24;

pub(super) struct Offered {
    pub name: &'static str,
    title: &'static str,
    verb: &'static Verb,
}

pub(super) struct Asked(pub Request);

/// Those whose permission the key has. Asked by calls that do nothing: without it every one is refused before its body is looked at.
pub(super) async fn offered(client: &Client, read_only: bool) -> anyhow::Result<Vec<Offered>> {
    let mut known: Vec<(Permission, bool)> = Vec::new();
    let mut all = Vec::new();
    for (op, title) in TOOLS.iter().filter(|(op, _)| !read_only || reads(op)) {
        let Access::Key(permission) = op.access else { continue };
        if !known.iter().any(|(asked, _)| *asked == permission) {
            known.push((permission, may(client, op).await?));
        }
        if known.contains(&(permission, true)) {
            all.push(Offered { name: op.id, title, verb: verb_of(op) });
        }
    }
    Ok(all)
}

fn reads(op: &Operation) -> bool {
    op.method == Method::Get || op.id == ops::check_contacts.id
}

async fn may(client: &Client, op: &'static Operation) -> anyhow::Result<bool> {
    let mut request = Request::of(op);
    for taken in verb_of(op).takes.iter().filter(|taken| taken.place == ValuePlace::Path) {
        request.fill(&taken.wire, "none".to_owned());
    }
    if op.request.is_some() {
        request.body = Content::Json(json!({}));
    }
    match ask_with(client, &request).await {
        Ok(_) => Ok(true),
        Err(error) => match error.downcast_ref::<Refused>() {
            // Whose key is none may nothing at all.
            Some(refused) if refused.is(ErrorCode::InvalidApiKey) || refused.is(ErrorCode::ExpiredApiKey) => Err(error),
            // A gateway that is busy has said nothing of the key.
            Some(refused) if refused.later() => Err(error),
            Some(refused) => Ok(!refused.is(ErrorCode::InsufficientPermissions)),
            None => Err(error),
        },
    }
}

impl Offered {
    /// The tool as clients see it, with hints of what it does to the world.
    pub(super) fn shown(&self) -> Tool {
        let op = self.verb.op;
        let hints = ToolAnnotations::with_title(self.title)
            .read_only(reads(op))
            .destructive(op.method == Method::Delete || op.id == ops::edit_message.id)
            // Each call has a key of its own: the same text twice is two messages.
            .idempotent(op.method != Method::Post)
            .open_world(true);
        let schema = Arc::new(self.takes());
        Tool::new(op.id, op.summary, schema).with_title(self.title).with_annotations(hints)
    }

    fn takes(&self) -> Map<String, Value> {
        let mut properties = Map::new();
        let of_parameters = openapi::parameters(self.verb.op);
        for taken in &self.verb.takes {
            let mut schema = match taken.place {
                ValuePlace::Body => member(self.verb.op, &taken.wire),
                _ => of_parameters
                    .iter()
                    .find(|parameter| parameter["name"] == taken.wire.as_str())
                    .map_or(json!({}), |found| found["schema"].clone()),
            };
            schema = whole(schema, DEPTH);
            if let Some(schema) = schema.as_object_mut() {
                schema.entry("description").or_insert_with(|| taken.help.clone().into());
            }
            properties.insert(taken.wire.clone(), schema);
        }
        let required: Vec<_> = self.verb.takes.iter().filter(|taken| taken.required).map(|taken| taken.wire.clone()).collect();
        let schema = json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false});
        match schema {
            Value::Object(schema) => schema,
            _ => Map::new(),
        }
    }

    /// The call as a request. Its tries are one.
    pub(super) fn asked(&self, arguments: &Map<String, Value>) -> anyhow::Result<Asked> {
        let mut request = Request::of(self.verb.op);
        let mut body = Map::new();
        for (name, value) in arguments {
            let Some(taken) = self.verb.takes.iter().find(|taken| taken.wire == *name) else {
                bail!("{name}: this tool takes no such argument");
            };
            match taken.place {
                ValuePlace::Path => request.fill(name, segment(name, value)?),
                ValuePlace::Query => request.query.push((name.clone(), word(value))),
                ValuePlace::Body => drop(body.insert(name.clone(), value.clone())),
            }
        }
        if let Some(missing) = self.verb.takes.iter().find(|taken| taken.required && !arguments.contains_key(&taken.wire)) {
            bail!("{}: this argument is missing", missing.wire);
        }
        if self.verb.op.request.is_some() {
            request.body = Content::Json(Value::Object(body));
        }
        if self.verb.op.idempotent() {
            let chance: &dyn wharf_core::Chance = &wharf_core::chance::SystemChance;
            request.key = Some(format!("mcp-{}", chance.base62(KEY_LETTERS)));
        }
        Ok(Asked(request))
    }
}

fn member(op: &Operation, name: &str) -> Value {
    let schema = op.request.and_then(openapi::schema).unwrap_or_default();
    schema["properties"].get(name).cloned().unwrap_or_else(|| json!({}))
}

/// The schema with what it names in the place of the names: a tool has no document beside it.
fn whole(schema: Value, depth: usize) -> Value {
    match schema {
        Value::Object(members) => {
            let named = members.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next()).map(str::to_owned);
            match named.filter(|_| depth > 0).and_then(|name| openapi::schema(&name)) {
                Some(named) => whole(named, depth - 1),
                None => Value::Object(
                    members.into_iter().filter(|(name, _)| name != "$ref").map(|(name, part)| (name, whole(part, depth))).collect(),
                ),
            }
        }
        Value::Array(parts) => Value::Array(parts.into_iter().map(|part| whole(part, depth)).collect()),
        other => other,
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(word).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// A part of the path; what a path has a meaning of its own for would lead to another operation.
fn segment(name: &str, value: &Value) -> anyhow::Result<String> {
    let word = word(value);
    if matches!(word.as_str(), "" | "." | "..") {
        bail!("{name}: an id is expected");
    }
    Ok(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Offered> {
        TOOLS.iter().map(|(op, title)| Offered { name: op.id, title, verb: verb_of(op) }).collect()
    }

    #[test]
    fn a_tool_says_what_it_takes_without_naming_anything_that_is_not_there() {
        for offered in all() {
            let shown = serde_json::to_value(offered.shown()).unwrap();
            assert!(!shown.to_string().contains("$ref"), "{shown}");
            assert_eq!(shown["inputSchema"]["type"], "object");
            let properties = shown["inputSchema"]["properties"].as_object().unwrap();
            assert!(properties.values().all(|one| one["description"].is_string()), "{shown}");
        }
    }

    #[test]
    fn only_what_reads_says_that_it_reads() {
        for offered in all() {
            let hints = serde_json::to_value(offered.shown()).unwrap()["annotations"].clone();
            assert_eq!(hints["readOnlyHint"], reads(offered.verb.op), "{}", offered.name);
            assert_eq!(hints["destructiveHint"], ["edit_message", "delete_message"].contains(&offered.name), "{}", offered.name);
        }
    }

    #[test]
    fn nothing_that_is_done_twice_when_it_is_called_twice_says_that_it_is_not() {
        for offered in all() {
            let hints = serde_json::to_value(offered.shown()).unwrap()["annotations"].clone();
            let twice = offered.name.starts_with("send_") || ["check_contacts", "read_chat", "restart_session"].contains(&offered.name);
            assert_eq!(hints["idempotentHint"], !twice, "{}", offered.name);
        }
    }

    #[test]
    fn arguments_go_where_the_operation_has_them_and_strangers_are_refused() {
        let tool = |name: &str| all().into_iter().find(|offered| offered.name == name).unwrap();
        let arguments = |value: Value| value.as_object().cloned().unwrap();
        let Asked(asked) = tool("edit_message").asked(&arguments(json!({"messageId": "msg_1", "text": "a"}))).unwrap();
        assert!(matches!(&asked.body, Content::Json(body) if *body == json!({"text": "a"})));
        assert!(asked.path.contains(&"msg_1".to_owned()));
        let Asked(asked) = tool("send_text").asked(&arguments(json!({"sessionId": "s", "to": "1", "text": "a"}))).unwrap();
        assert!(asked.key.is_some());
        for wrong in [json!({"messageId": "msg_1", "text": "a", "other": 1}), json!({"messageId": "..", "text": "a"}), json!({"text": "a"})]
        {
            assert!(tool("edit_message").asked(&arguments(wrong.clone())).is_err(), "{wrong}");
        }
    }
}
