//! A collection for the programs in which people try requests by hand: each operation once, ready to be sent.
//!
//! Converters make one out of the document too, with literal keys and placeholders in every field; this one works after import, address
//! and key. Its form is version 2.1 of the format that these programs share.

use serde_json::{Value, json};
use wharf_api::openapi;
use wharf_api::ops::{self, Access, Operation};

/// What a person sets, and what the answers set: the name, what it begins as, and a word about it.
const VARIABLES: &[(&str, &str, &str)] = &[
    ("baseUrl", "http://127.0.0.1:8080", "Where Wharf is, without a slash at the end."),
    ("apiKey", "", "A key of your account."),
    ("operatorKey", "", "An operator's key, for the folder admin alone."),
    ("to", "15550001001", "Whom messages go to; at first one of the pretend network's people, who answers."),
    ("sessionId", "", "Set by the answer that makes a session, and by the list of sessions while it is empty."),
    ("messageId", "", "Set by each answer to a send."),
    ("mediaId", "", "Set by the answer to an upload."),
    ("webhookId", "", "Set by the answer that makes a webhook."),
    ("deliveryId", "", "Set by the list of deliveries while it is empty."),
    ("groupId", "", "Set by the answer that makes a group."),
    ("keyId", "", "Set by the answer that makes a key."),
    ("accountId", "", "Set by the answer that makes an account."),
];

/// What is created is what the next requests are about; a reaction is about another message. A list fills what is still empty, and only with what nobody mourns: a listed
/// key may be the one in use, and a listed message somebody's.
const REMEMBER: &str = r#"const told = (pm.response.headers.get("Content-Type") || "").startsWith("application/json") ? pm.response.json().data : null;
const made = pm.response.code === 201 && told ? told : {};
if (made.type === "reaction") delete made.messageId;
for (const name of ["sessionId", "messageId", "mediaId", "webhookId", "groupId", "keyId", "accountId"]) {
  if (made[name]) pm.collectionVariables.set(name, made[name]);
}
const first = Array.isArray(told) && told.length > 0 ? told[0] : {};
for (const name of ["sessionId", "deliveryId"]) {
  if (first[name] && !pm.collectionVariables.get(name)) pm.collectionVariables.set(name, first[name]);
}"#;

/// The collection of all operations that the document shows.
pub fn of(document: &Value) -> Value {
    let folders: Vec<_> = document["tags"].as_array().into_iter().flatten().map(|tag| folder(document, tag)).collect();
    let variables: Vec<_> = VARIABLES
        .iter()
        .map(|(name, value, about)| json!({ "key": name, "value": value, "type": "string", "description": about }))
        .collect();
    json!({
        "info": {
            "name": "Wharf",
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
            "description": "Every operation of Wharf once. Set `baseUrl` and `apiKey` among the collection's variables, then send: create a session, \
                scan its code, send a text. What an answer creates is remembered for the next requests.",
            "version": document["info"]["version"],
        },
        "auth": bearer("apiKey"),
        "event": [{ "listen": "test", "script": { "type": "text/javascript", "exec": REMEMBER.lines().collect::<Vec<_>>() } }],
        "variable": variables,
        "item": folders,
    })
}

fn folder(document: &Value, tag: &Value) -> Value {
    let shown = |op: &&&Operation| of_document(document, op)["tags"][0] == tag["name"];
    let items: Vec<_> = ops::ALL.iter().filter(shown).map(|op| item(document, op, of_document(document, op))).collect();
    json!({ "name": tag["name"], "description": tag["description"], "item": items })
}

fn of_document<'a>(document: &'a Value, op: &Operation) -> &'a Value {
    &document["paths"][op.path][op.method.as_str().to_ascii_lowercase()]
}

fn item(document: &Value, op: &Operation, shown: &Value) -> Value {
    let needs = match op.access {
        Access::Open => "Needs no key.".to_owned(),
        Access::Operator => "Needs an operator's key.".to_owned(),
        Access::Login => "Needs a log-in: the cookie of `POST /v1/login`.".to_owned(),
        Access::Key(permission) => format!("Needs the permission `{}`.", permission.as_str()),
    };
    let mut request = json!({
        "method": op.method.as_str(),
        "description": format!("{} {needs}", op.summary),
        "url": url(document, op, shown),
        "header": headers(op, shown),
    });
    match op.access {
        Access::Open | Access::Login => request["auth"] = json!({ "type": "noauth" }),
        Access::Operator => request["auth"] = bearer("operatorKey"),
        Access::Key(_) => {}
    }
    if let Some((raw, language)) = body(op) {
        request["body"] = json!({ "mode": "raw", "raw": raw, "options": { "raw": { "language": language } } });
    }
    json!({ "id": op.id, "name": op.summary.trim_end_matches('.'), "request": request, "response": [] })
}

fn bearer(variable: &str) -> Value {
    json!({ "type": "bearer", "bearer": [{ "key": "token", "value": placed(variable), "type": "string" }] })
}

/// How the value of a variable is written.
fn placed(variable: &str) -> String {
    format!("{{{{{variable}}}}}")
}

fn url(document: &Value, op: &Operation, shown: &Value) -> Value {
    let path = op.path.replace('{', ":").replace('}', "");
    let parameters = || shown["parameters"].as_array().into_iter().flatten();
    let one = |parameter: &Value| {
        let name = parameter["name"].as_str().unwrap_or_default();
        let mut one = json!({ "key": name, "value": value(document, op, name, &parameter["schema"]) });
        if let Some(about) = parameter["description"].as_str() {
            one["description"] = json!(about);
        }
        one
    };
    let variables: Vec<_> = parameters().filter(|parameter| parameter["in"] == "path").map(one).collect();
    let asked = |parameter: &Value| parameter["required"] == true || is_file(op) && parameter["name"] == "fileName";
    let query = parameters().filter(|parameter| parameter["in"] == "query");
    let query: Vec<_> = query
        .map(|parameter| {
            let mut query = one(parameter);
            query["disabled"] = json!(!asked(parameter));
            query
        })
        .collect();
    let written: Vec<_> =
        query.iter().filter(|one| one["disabled"] == false).map(|one| format!("{}={}", text(&one["key"]), text(&one["value"]))).collect();
    let raw = [format!("{}{path}", placed("baseUrl")), written.join("&")];
    let raw = raw.join(if written.is_empty() { "" } else { "?" });
    json!({
        "raw": raw,
        "host": [placed("baseUrl")],
        "path": path.trim_start_matches('/').split('/').collect::<Vec<_>>(),
        "query": query,
        "variable": variables,
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What stands for a parameter at first.
fn value(document: &Value, op: &Operation, name: &str, schema: &Value) -> String {
    match name {
        "contactId" | "chatId" => placed("to"),
        "fileName" => "hello.txt".to_owned(),
        // The name of a plan that nobody is on.
        "name" => "trial".to_owned(),
        "action" if op.path.contains("audit") => ops::send_text.id.to_owned(),
        "events" => "message.received".to_owned(),
        "limit" | "wait" => "5".to_owned(),
        name if VARIABLES.iter().any(|(known, ..)| *known == name) => placed(name),
        _ => {
            let named = schema["$ref"].as_str().and_then(|name| document.pointer(name.trim_start_matches('#'))).unwrap_or(schema);
            text(&named["enum"][0]).to_owned()
        }
    }
}

fn headers(op: &Operation, shown: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    if is_file(op) {
        all.push(json!({ "key": "Content-Type", "value": "text/plain" }));
    } else if shown["requestBody"].is_object() {
        all.push(json!({ "key": "Content-Type", "value": "application/json" }));
    }
    if op.access == Access::Login {
        // The cookie itself is kept by the program once `create_login` gave it.
        all.push(json!({ "key": "X-Wharf-Dashboard", "value": "1" }));
    }
    if op.idempotent() {
        // Off, and of another value each time it is on: a literal key would have the second send answered and not sent.
        all.push(json!({
            "key": "Idempotency-Key", "value": "{{$guid}}", "disabled": true,
            "description": "The same key with the same body gets the first answer again. Put a key of your own here to try it.",
        }));
    }
    all
}

fn is_file(op: &Operation) -> bool {
    op.id == ops::upload_media.id
}

/// The body and the language that it is shown in.
fn body(op: &Operation) -> Option<(String, &'static str)> {
    if is_file(op) {
        return Some(("A file of a few words. Choose «binary» or «form-data» to send one of your own.\n".to_owned(), "text"));
    }
    let mut example = openapi::good_body(op)?;
    for (name, member) in example.as_object_mut()? {
        if VARIABLES.iter().any(|(known, ..)| known == name) {
            *member = json!(placed(name));
        }
    }
    Some((format!("{example:#}"), "json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collection() -> Value {
        of(&wharf_api::openapi::document())
    }

    fn items(collection: &Value) -> Vec<&Value> {
        collection["item"].as_array().unwrap().iter().flat_map(|folder| folder["item"].as_array().unwrap()).collect()
    }

    #[test]
    fn each_operation_stands_in_it_once() {
        let collection = collection();
        let mut shown: Vec<_> = items(&collection).iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
        let mut all: Vec<_> = ops::ALL.iter().map(|op| op.id.to_owned()).collect();
        shown.sort_unstable();
        all.sort_unstable();
        assert_eq!(shown, all);
    }

    #[test]
    fn every_variable_in_use_is_one_of_its_own() {
        let written = collection().to_string();
        let used = written.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(name, _)| name);
        for name in used.filter(|name| *name != "$guid") {
            assert!(VARIABLES.iter().any(|(known, ..)| *known == name), "{name}");
        }
    }

    #[test]
    fn no_idempotency_key_is_sent_unless_somebody_asks_for_it() {
        let collection = collection();
        let items = items(&collection);
        let headers = items.iter().flat_map(|item| item["request"]["header"].as_array().unwrap());
        let keys: Vec<_> = headers.filter(|header| header["key"] == "Idempotency-Key").collect();
        assert_eq!(keys.len(), ops::ALL.iter().filter(|op| op.idempotent()).count());
        assert!(keys.iter().all(|key| key["disabled"] == true && key["value"] == "{{$guid}}"), "{keys:?}");
    }
}
