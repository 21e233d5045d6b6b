//! The OpenAPI 3.1 document, made from the table of operations, the error table, the limits and the schemas beside the types.
//!
//! The generator writes it into the docs and the server serves it: there is no second source.

mod example;
mod operation;
pub(crate) mod parameter;
mod schema;
mod schemas;
mod shared;
mod tags;
mod webhooks;

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use serde_json::{Map, Value, json};

use crate::ops::{self, Operation};
use crate::{ErrorCode, limits};

/// The whole document.
pub fn document() -> Value {
    let named = schemas::ALL.iter().map(|(name, schema)| ((*name).to_owned(), schema()));
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Wharf",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A WhatsApp API gateway",
            "description": description(),
            "contact": { "name": "The Wharf project" },
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        // Beside the document, wherever that is: a proxy may have put all of it below a path of its own.
        "servers": [{ "url": "." }],
        "tags": tags::section(),
        "paths": paths(ops::ALL),
        "webhooks": webhooks::section(),
        "components": {
            "schemas": named.collect::<Map<_, _>>(),
            "examples": codes().map(|code| (code.name().to_owned(), example::of(code))).collect::<Map<_, _>>(),
            "headers": headers(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "An API key." },
                "login": {
                    "type": "apiKey", "in": "cookie", "name": "wharf_login",
                    "description": "A log-in, which opens every operation that keys of its role's permissions open. Requests that change \
                        something also carry `X-Wharf-Dashboard: 1`.",
                },
            },
        },
    });
    let mut shared = shared::schemas();
    for schema in shared.values_mut() {
        // What has the name does not refer to itself.
        schema
            .get_mut("properties")
            .and_then(Value::as_object_mut)
            .into_iter()
            .flat_map(|members| members.values_mut())
            .for_each(shared::refer);
    }
    shared::refer(&mut document);
    document["components"]["schemas"].as_object_mut().expect("they stand above").append(&mut shared);
    document
}

/// A JSON body that the operation takes as it stands, once there is what its ids name; `None` where it takes none.
pub fn good_body(op: &Operation) -> Option<Value> {
    example::request::of(op)
}

/// The groups of operations with a sentence each, in the order in which a person learns them.
pub fn groups() -> &'static [(&'static str, &'static str)] {
    tags::ALL
}

/// The group that an operation belongs to.
pub fn group(op: &Operation) -> &'static str {
    tags::of(op.path)
}

/// What the operation takes in its path, its query string and its headers, as the document shows it.
pub fn parameters(op: &Operation) -> Vec<Value> {
    operation::parameters(op)
}

/// The schema of that name, with its closed sets spelled out where they stand.
pub fn schema(name: &str) -> Option<Value> {
    schemas::ALL.iter().find(|(known, _)| *known == name).map(|(_, schema)| schema())
}

/// The parameters that the operation's query string may have: what the document does not show is refused.
pub fn query_names(op: &Operation) -> &'static [&'static str] {
    known(op).query.get_or_init(|| operation::query(op).iter().map(|parameter| parameter.name).collect())
}

/// The ways to a file, of which empty ones are none.
const WAYS: &[&str] = &["mediaUrl", "mediaId", "data"];

/// What requests are checked against, by operation. Found once for each: the schemas that tell it are made anew every time.
struct Known {
    query: OnceLock<Vec<&'static str>>,
    never_empty: OnceLock<Vec<String>>,
}

fn known(op: &Operation) -> &'static Known {
    static ALL: LazyLock<HashMap<&str, Known>> = LazyLock::new(|| {
        let none = || Known { query: OnceLock::new(), never_empty: OnceLock::new() };
        ops::ALL.iter().map(|op| (op.id, none())).collect()
    });
    ALL.get(op.id).expect("every operation is a row of the table")
}

/// The optional members of the operation's body that are no empty text.
pub fn never_empty(op: &Operation) -> &'static [String] {
    known(op).never_empty.get_or_init(|| {
        let schema = op.request.and_then(|request| schemas::ALL.iter().find(|(name, _)| *name == request));
        schema.map_or_else(Vec::new, |(_, schema)| optional_texts(&schema()))
    })
}

fn optional_texts(schema: &Value) -> Vec<String> {
    let required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|known| known == name));
    let holds_letters =
        |schema: &Value| schema.get("pattern").is_some() || schema["minLength"].as_u64() > Some(0) || schema.get("format").is_some();
    let members = schema["properties"].as_object().into_iter().flatten();
    let members = members.filter(|(name, schema)| !required(name) && !WAYS.contains(&name.as_str()) && holds_letters(schema));
    members.map(|(name, _)| name.clone()).collect()
}

fn description() -> String {
    format!(
        "Success is `{{\"success\": true, \"data\": …}}`, failure `{{\"success\": false, \"error\": {{\"code\", \"message\", \"details\"}}}}`. \
         Every answer carries `X-Request-Id`; send your own (1 to 128 visible ASCII characters) and it comes back. \
         Every failure links its entry of the catalogue by `Link: <…>; rel=\"help\"`. Times are RFC 3339 in UTC. \
         A JSON body has at most {} bytes and nests at most {} deep. An unknown path answers 404 `{}`, an unknown method 405 `{}`.",
        limits::JSON_BODY_BYTES,
        limits::JSON_DEPTH,
        ErrorCode::ResourceNotFound.name(),
        ErrorCode::MethodNotAllowed.name(),
    )
}

/// The codes that some operation answers with. What no path has an operation for stands in the description.
fn codes() -> impl Iterator<Item = ErrorCode> {
    ErrorCode::ALL.iter().copied().filter(|code| ops::ALL.iter().any(|op| op.codes().any(|own| own == *code)))
}

fn paths(operations: &[&Operation]) -> Value {
    let mut paths = Map::new();
    for op in operations {
        let path = paths.entry(op.path).or_insert_with(|| json!({}));
        path[op.method.as_str().to_ascii_lowercase()] = operation::object(op);
    }
    Value::Object(paths)
}

fn headers() -> Value {
    json!({
        "RequestId": { "description": "Which request this was.", "required": true, "schema": { "type": "string" } },
        "RetryAfter": { "description": "Seconds to wait before the next try.", "schema": { "type": "integer", "minimum": 1 } },
        "Help": { "description": "The code's entry of the catalogue, `rel=\"help\"`.", "required": true, "schema": { "type": "string" } },
        "RateLimit": { "description": "How many calls the plan grants a minute.", "schema": { "type": "integer", "minimum": 0 } },
        "RateLimitRemaining": { "description": "How many calls are left now.", "schema": { "type": "integer", "minimum": 0 } },
        "RateLimitReset": { "description": "When all calls are there again, in seconds since 1970.", "schema": { "type": "integer" } },
        "IdempotentReplayed": {
            "description": "`true` where this is the answer to an earlier request with the same `Idempotency-Key`.",
            "schema": { "type": "string", "enum": ["true"] },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_stands_in_the_document_with_exactly_the_codes_that_it_declares() {
        let document = document();
        for op in ops::ALL {
            let shown = &document["paths"][op.path][op.method.as_str().to_ascii_lowercase()];
            assert_eq!(shown["operationId"], op.id);
            assert!(shown["responses"][op.success.to_string()].is_object(), "{}", op.id);
            let mut codes = Vec::new();
            for (status, response) in shown["responses"].as_object().unwrap().iter().filter(|(status, _)| status.as_str() >= "400") {
                let content = &response["content"]["application/json"];
                let closed = content["schema"]["properties"]["error"]["properties"]["code"]["enum"].as_array().unwrap();
                assert_eq!(content["schema"]["allOf"], json!([{ "$ref": "#/components/schemas/Failure" }]));
                assert_eq!(content["examples"].as_object().unwrap().len(), closed.len(), "{} {status}", op.id);
                for name in closed {
                    let code = ErrorCode::parse(name.as_str().unwrap()).unwrap();
                    assert_eq!(code.status().to_string(), *status, "{}", op.id);
                    codes.push(code);
                }
            }
            let mut declared: Vec<_> = op.codes().collect();
            declared.sort_unstable();
            declared.dedup();
            codes.sort_unstable();
            assert_eq!(codes, declared, "{}", op.id);
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        let references = text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap());
        for reference in references {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }

    #[test]
    fn what_is_created_links_the_operations_that_take_its_ids() {
        let document = document();
        let links = &document["paths"]["/v1/sessions"]["post"]["responses"]["201"]["links"];
        let link = json!({ "operationId": "get_session", "parameters": { "sessionId": "$response.body#/data/sessionId" } });
        assert_eq!(links["get_session"], link);
        assert!(links["delete_session"].is_object() && links["get_message"].is_null());
        let theirs = &document["paths"]["/v1/admin/accounts/{accountId}/api-keys"]["post"]["responses"]["201"];
        assert!(theirs["links"].is_null(), "another account's key is not reached with the own one");
    }

    #[test]
    fn a_file_stands_in_the_document_as_bytes_of_any_type_and_by_the_name_that_generators_know() {
        let document = document();
        let answers = &document["paths"]["/v1/media/{mediaId}"]["get"]["responses"];
        let bytes = json!({ "schema": { "type": "string", "format": "binary" } });
        for status in ["200", "206"] {
            assert_eq!(answers[status]["content"], json!({ "*/*": bytes, "application/octet-stream": bytes }), "{status}");
        }
        assert!(answers["304"]["content"].is_null());
    }

    #[test]
    fn a_key_and_an_idempotency_key_are_asked_for_where_they_count() {
        let document = document();
        assert_eq!(document["paths"]["/healthz"]["get"]["security"], json!([]));
        let send = &document["paths"]["/v1/messages/text"]["post"];
        assert_eq!(send["security"], json!([{"bearer": []}]));
        assert_eq!(send["parameters"][0]["name"], "Idempotency-Key");
        assert!(
            send["responses"]["429"]["headers"]["Retry-After"].is_object()
                && send["responses"]["503"]["headers"]["Retry-After"].is_object()
        );
    }
}
