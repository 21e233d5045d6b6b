//! What operations are called, and where the verb stands in their paths.

use serde_json::{Value, json};
use wharf_api::openapi;
use wharf_api::ops::{self, Access, Method};

/// The verbs of those POSTs that make, give or bring what their path names. All others do something to it.
const MAKES: [&str; 6] = ["create", "fetch", "send", "set", "submit", "upload"];

/// The first word of an operation's name, behind what only says who calls it.
fn verb(id: &str) -> &str {
    let name = id.trim_start_matches("admin_").trim_start_matches("quick_");
    name.split('_').next().unwrap()
}

#[test]
fn an_operation_is_called_by_a_verb_of_the_list() {
    let verbs = [
        "list", "get", "create", "update", "set", "delete", "send", "edit", "forward", "read", "upload", "check", "block", "unblock",
        "change", "decide", "join", "leave", "rotate", "revoke", "retry", "recover", "test", "restart", "logout", "submit", "confirm",
        "fetch", "drain", "undrain", "move", "suspend", "resume",
    ];
    let method = |verb: &str| match verb {
        "list" | "get" => Method::Get,
        "update" | "edit" => Method::Patch,
        "delete" => Method::Delete,
        _ => Method::Post,
    };
    for op in ops::ALL {
        let verb = verb(op.id);
        assert!(verbs.contains(&verb) && op.id.contains(&format!("{verb}_")), "{}", op.id);
        let usual = op.method == method(verb) || (verb == "set" && op.method == Method::Put) || op.id.starts_with("revoke_api");
        assert!(usual, "{}: {:?}", op.id, op.method);
        assert!(op.access != Access::Operator || op.id.starts_with("admin_"), "{}", op.id);
    }
}

/// The POSTs that do something to a thing, and whose path ends neither in their verb nor in a closed parameter.
fn without_their_verb(document: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let post = &operations["post"];
        let Some(id) = post["operationId"].as_str() else { continue };
        let last = path.rsplit('/').next().unwrap();
        let ends_well = match last.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => {
                let mut parameters = post["parameters"].as_array().into_iter().flatten();
                parameters.any(|one| one["name"] == name && one["schema"]["enum"].is_array())
            }
            // `rotate-secret` says of what, too.
            None => last.split('-').next() == Some(verb(id)),
        };
        if !ends_well && !MAKES.contains(&verb(id)) {
            wrong.push(id.to_owned());
        }
    }
    wrong
}

#[test]
fn what_is_done_to_a_thing_is_a_verb_at_the_end_of_its_path_or_a_closed_parameter() {
    let document = |path: &str, id: &str, schema: &Value| {
        let parameter = json!({"in": "path", "name": "action", "schema": schema});
        json!({"paths": {path: {"post": {"operationId": id, "parameters": [parameter]}}}})
    };
    let (free, closed) = (json!({"type": "string"}), json!({"type": "string", "enum": ["add", "remove"]}));
    assert_eq!(without_their_verb(&openapi::document()), Vec::<String>::new());
    for (path, id, schema) in [
        ("/v1/things/{thingId}", "restart_thing", &free),
        ("/v1/things/restart/{thingId}", "restart_thing", &free),
        ("/v1/things/{thingId}/status", "restart_thing", &free),
        ("/v1/things/{thingId}/parts/{action}", "change_thing_parts", &free),
    ] {
        assert_eq!(without_their_verb(&document(path, id, schema)), [id], "{path}");
    }
    for (path, id, schema) in [
        ("/v1/things/{thingId}/restart", "restart_thing", &free),
        ("/v1/things/{thingId}/rotate-secret", "rotate_thing_secret", &free),
        ("/v1/things/{thingId}/parts/{action}", "change_thing_parts", &closed),
        ("/v1/things", "create_thing", &free),
    ] {
        assert_eq!(without_their_verb(&document(path, id, schema)), Vec::<String>::new(), "{path}");
    }
}
