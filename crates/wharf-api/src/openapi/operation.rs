//! One operation of the document.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::parameter::{self, Parameter};
use super::schema::{about, any_object, integer, otherwise, pattern, reference, request, text, word};
use super::{example, schemas, shared, tags};
use crate::ops::{self, Access, Answer, Body, Operation};
use crate::types::media::MediaKind;
use crate::{ErrorCode, limits};

const JSON: &str = "application/json";
/// A file, of whatever type it is.
const ANYTHING: &str = "*/*";
/// Bytes, for who does not ask of what type they are.
const BYTES: &str = "application/octet-stream";

pub(super) fn object(op: &Operation) -> Value {
    let mut object = json!({
        "operationId": op.id,
        "summary": op.summary,
        "tags": [tags::of(op.path)],
        "security": security(op),
        "parameters": parameters(op),
        "responses": responses(op),
    });
    match op.access {
        Access::Open => object["description"] = json!("Needs no key."),
        Access::Operator => object["description"] = json!("Needs an operator's key."),
        Access::Login => object["description"] = json!("Needs a log-in: the cookie of `create_login`, and no key."),
        Access::Key(permission) => {
            object["description"] = json!(format!("Needs the permission `{}`.", permission.as_str()));
            object["x-permission"] = json!(permission.as_str());
        }
    }
    if let Some(name) = op.request {
        let good = example::request::of(op);
        let content = shown(&reference(name), good.as_ref());
        object["requestBody"] = json!({ "required": op.body != Body::Optional, "content": { JSON: content } });
    }
    if op.body == Body::Stream {
        object["requestBody"] = file();
    }
    object
}

/// What opens it. A log-in opens what keys open, too; the description of its scheme says so, because programs that are made of this document
/// use keys.
fn security(op: &Operation) -> Value {
    match op.access {
        Access::Open => json!([]),
        Access::Key(_) | Access::Operator => json!([{ "bearer": [] }]),
        Access::Login => json!([{ "login": [] }]),
    }
}

/// What a body is, with one of a real run.
fn shown(schema: &Value, example: Option<&Value>) -> Value {
    let mut content = json!({ "schema": schema });
    if let Some(example) = example {
        content["example"] = example.clone();
    }
    content
}

/// A body that is a file, or a form with a file in it.
fn file() -> Value {
    let mut form = request(vec![("file", true, binary())]);
    form["properties"]["mediaType"] = word(MediaKind::ALL.iter().map(|kind| kind.as_str()));
    form["properties"]["fileName"] = text();
    json!({ "required": true, "content": {
        BYTES: { "schema": binary() },
        "multipart/form-data": { "schema": form },
    } })
}

pub(super) fn parameters(op: &Operation) -> Vec<Value> {
    let mut all = Vec::new();
    if op.idempotent() {
        // Without a pattern: programs that make requests of the document would make up a key by it, the same for every send, and the
        // second send would be answered and not sent. What they write without one is a placeholder, which is refused; the example is
        // a new key at each send in those that know the word, and a placeholder in the others.
        let key = json!({ "type": "string", "minLength": 1, "maxLength": limits::IDEMPOTENCY_KEY_BYTES });
        all.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false, "schema": key, "example": "{{$guid}}",
            "description": "The same key with the same body gets the first answer again. Visible ASCII characters, no placeholder.",
        }));
    }
    for name in path_names(op) {
        all.push(json!({ "name": name, "in": "path", "required": true, "schema": parameter::in_path(name) }));
    }
    for Parameter { name, schema, description } in query(op) {
        // Where nothing but the query string can be incomplete, it is the session that must stand in it.
        let incomplete = !op.method.has_body() && op.own_codes().any(|code| code == ErrorCode::MissingRequiredParameter);
        let required = incomplete && name == "sessionId";
        all.push(json!({ "name": name, "in": "query", "required": required, "schema": schema, "description": description }));
    }
    for parameter in &mut all {
        let example = example::recorded(op, "parameters").and_then(|all| all.get(parameter["name"].as_str()?));
        if let Some(example) = example {
            parameter["example"] = example.clone();
        }
    }
    all
}

/// All that the operation's query string may hold: its own parameters, and those of its kind.
pub(super) fn query(op: &Operation) -> Vec<Parameter> {
    if op.sends() {
        let wait = integer(0, Some(limits::SEND_WAIT_MAX_SECS));
        let sentence = "Seconds from the request on in which WhatsApp's word is waited for; 6.5 unless said otherwise.";
        return vec![parameter::parameter("wait", wait, sentence)];
    }
    let mut all = (op.query)();
    if matches!(op.answer, Answer::List(_)) {
        let limit = otherwise(integer(1, Some(limits::PAGE_MAX.into())), &json!(limits::PAGE_DEFAULT));
        all.push(parameter::parameter("limit", limit, "How many rows a page has at most."));
        // The log has a cursor of its own kind.
        if op.id != ops::list_events.id {
            let cursor = about(pattern("^[0-9A-Za-z_-]+$"), "Opaque.");
            all.push(parameter::parameter("cursor", cursor, "The `page.next` of the page before, unchanged."));
        }
    }
    all
}

fn responses(op: &Operation) -> Map<String, Value> {
    let mut all = Map::new();
    all.insert(op.success.to_string(), success(op));
    if op.may_be_dry() {
        let content = json!({ JSON: shown(&reference(shared::DRY_RUN_ANSWER), example::recorded(op, "dryRun")) });
        let what = "What would happen, where `dryRun` asks for it. Nothing was sent or counted.";
        all.insert("200".to_owned(), json!({ "description": what, "headers": headers(op), "content": content }));
    }
    if op.serves_files() {
        all.extend(of_a_file(op));
    }
    for (status, codes) in by_status(op) {
        all.insert(status.to_string(), failure(op, status, &codes));
    }
    all
}

/// How else a file is answered: in part, or not again.
fn of_a_file(op: &Operation) -> [(String, Value); 2] {
    let part = json!({
        "description": "The one part of the file that `Range` asks for.",
        "headers": headers(op),
        "content": bytes(),
    });
    let known = json!({ "description": "The file is the one that `If-None-Match` names.", "headers": headers(op) });
    [("206".to_owned(), part), ("304".to_owned(), known)]
}

/// A file comes as what it is, and nearly all programs that make clients of the document leave that out: they know bytes by one name.
fn bytes() -> Map<String, Value> {
    [ANYTHING, BYTES].into_iter().map(|kind| (kind.to_owned(), json!({ "schema": binary() }))).collect()
}

fn binary() -> Value {
    json!({ "type": "string", "format": "binary" })
}

fn success(op: &Operation) -> Value {
    let mut content = if op.serves_files() { bytes() } else { Map::new() };
    if let Some(name) = shared::envelope_name(op.answer) {
        content.insert(JSON.to_owned(), shown(&reference(&name), example::recorded(op, "answer")));
    }
    for kind in op.raw().iter().filter(|kind| **kind != ANYTHING) {
        let schema = if *kind == JSON { any_object() } else { text() };
        content.insert((*kind).to_owned(), json!({ "schema": schema }));
    }
    let mut headers = headers(op);
    if op.idempotent() {
        headers["Idempotent-Replayed"] = header("IdempotentReplayed");
    }
    let mut success =
        json!({ "description": if op.success == 201 { "Created." } else { "Success." }, "headers": headers, "content": content });
    let links = links(op);
    if !links.is_empty() {
        success["links"] = Value::Object(links);
    }
    success
}

/// Where one can go with what was created: the operations whose paths ask for no more than the ids in the answer.
fn links(op: &Operation) -> Map<String, Value> {
    let Answer::One(name) = op.answer else { return Map::new() };
    let answered = schemas::ALL.iter().find(|(known, _)| *known == name).map(|(_, schema)| schema()).unwrap_or_default();
    let mut links = Map::new();
    // What an operator makes belongs to another account, which the own key does not reach.
    let same = |target: &&&Operation| (target.access == Access::Operator) == (op.access == Access::Operator) && target.id != op.id;
    for target in ops::ALL.iter().filter(same).filter(|_| op.success == 201) {
        let asked: Vec<_> = path_names(target).collect();
        if !asked.is_empty() && asked.iter().all(|name| name.ends_with("Id") && answered["properties"][name].is_object()) {
            let parameters: Map<_, _> =
                asked.into_iter().map(|name| (name.to_owned(), json!(format!("$response.body#/data/{name}")))).collect();
            links.insert(target.id.to_owned(), json!({ "operationId": target.id, "parameters": parameters }));
        }
    }
    links
}

fn path_names(op: &Operation) -> impl Iterator<Item = &str> {
    op.path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

/// The headers that every answer has. A key that is refused has no limits yet.
fn headers(op: &Operation) -> Value {
    let mut headers = json!({ "X-Request-Id": header("RequestId") });
    if op.access != Access::Open {
        headers["X-RateLimit-Limit"] = header("RateLimit");
        headers["X-RateLimit-Remaining"] = header("RateLimitRemaining");
        headers["X-RateLimit-Reset"] = header("RateLimitReset");
    }
    headers
}

fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

fn by_status(op: &Operation) -> BTreeMap<u16, Vec<ErrorCode>> {
    let mut all: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in op.codes() {
        let codes = all.entry(code.status()).or_default();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    for codes in all.values_mut() {
        codes.sort_unstable();
    }
    all
}

fn failure(op: &Operation, status: u16, codes: &[ErrorCode]) -> Value {
    let names: Vec<_> = codes.iter().map(|code| code.name()).collect();
    let schema = shared::failure_of(&names);
    let examples: Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), json!({ "$ref": format!("#/components/examples/{name}") }))).collect();
    let mut headers = headers(op);
    headers["Link"] = header("Help");
    if matches!(status, 429 | 503) || codes.contains(&ErrorCode::IdempotencyKeyInUse) {
        headers["Retry-After"] = header("RetryAfter");
    }
    let listed: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    json!({ "description": listed.join(", "), "headers": headers, "content": { JSON: { "schema": schema, "examples": examples } } })
}
