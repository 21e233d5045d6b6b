//! One word for one thing: the rules of `docs/api.md`, «The words», over every schema and operation of the published document.
//!
//! Each rule is a function from a document to what breaks it, so that each is also shown a document that breaks it.

mod verbs;

use serde_json::{Value, json};
use wharf_api::ops::{self, Access, Method, Operation};
use wharf_api::{Permission, openapi};

/// One member of a schema: whose, its name, and what it is.
struct Member<'a> {
    of: &'a str,
    name: &'a str,
    schema: &'a Value,
}

impl Member<'_> {
    fn is(&self, kind: &str) -> bool {
        let one = |schema: &Value| schema["type"] == kind || schema["type"].as_array().is_some_and(|all| all.iter().any(|one| one == kind));
        one(self.schema) || self.schema["anyOf"].as_array().is_some_and(|all| all.iter().any(one))
    }

    fn is_time(&self) -> bool {
        self.schema["format"] == "date-time"
    }

    fn is_object(&self) -> bool {
        self.schema["$ref"].is_string() || self.is("object")
    }

    fn place(&self) -> String {
        format!("{}.{}", self.of, self.name)
    }
}

fn members(document: &Value) -> Vec<Member<'_>> {
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let all = schemas.iter().filter_map(|(of, schema)| Some((of, schema["properties"].as_object()?)));
    all.flat_map(|(of, members)| members.iter().map(move |(name, schema)| Member { of, name, schema })).collect()
}

fn broken(document: &Value, breaks: impl Fn(&Member) -> bool) -> Vec<String> {
    members(document).iter().filter(|member| breaks(member)).map(Member::place).collect()
}

/// A document with one schema that has one member.
fn with(name: &str, schema: &Value) -> Value {
    json!({"components": {"schemas": {"Thing": {"properties": {name: schema}}}}})
}

/// Nothing in our document breaks the rule; each of these members would.
fn holds(rule: impl Fn(&Value) -> Vec<String>, wrong: &[(&str, Value)]) {
    assert_eq!(rule(&openapi::document()), Vec::<String>::new());
    for (name, schema) in wrong {
        assert_eq!(rule(&with(name, schema)), [format!("Thing.{name}")]);
    }
}

fn text() -> Value {
    json!({"type": "string"})
}

fn number() -> Value {
    json!({"type": "integer"})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

/// The parts of a name, in lower case: `phoneNumber` is `phone` and `number`.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            parts.push(String::new());
        }
        parts.last_mut().unwrap().push(letter.to_ascii_lowercase());
    }
    parts
}

#[test]
fn a_persons_number_is_phone_number_and_a_list_of_them_phone_numbers() {
    let rule = |document: &Value| {
        broken(document, |member| member.name.to_lowercase().contains("phone") && !["phoneNumber", "phoneNumbers"].contains(&member.name))
    };
    holds(rule, &[("phone", text()), ("phones", json!({"type": "array"})), ("telephone", text())]);
}

#[test]
fn an_id_says_of_what_it_is() {
    // What a browser's passkey is called is not ours to say.
    let rule = |document: &Value| broken(document, |member| member.name == "id" && member.of != "PasskeyAssertion");
    holds(rule, &[("id", text())]);
    for op in ops::ALL {
        let named = openapi::query_names(op);
        assert!(!named.contains(&"id") && !named.contains(&"chat"), "{}: {named:?}", op.id);
    }
}

#[test]
fn a_name_that_ends_in_id_is_text_and_one_that_ends_in_ids_is_a_list_of_them() {
    let rule = |document: &Value| {
        broken(document, |member| {
            let last = parts(member.name).pop().unwrap();
            let reference = member.schema["$ref"].is_string();
            (last == "id" && !member.is("string")) || (last == "ids" && !member.is("array")) || (last == "ids" && reference)
        })
    };
    holds(rule, &[("fromId", json!({"$ref": "#/components/schemas/Party"})), ("voterIds", text())]);
}

#[test]
fn who_did_something_is_an_object() {
    let people = ["from", "by", "participant", "owner", "chat"];
    let rule = |document: &Value| broken(document, |member| people.contains(&member.name) && !member.is_object());
    holds(rule, &[("from", text()), ("chat", text())]);
}

#[test]
fn where_a_thing_stands_is_its_status_and_the_protocols_number_is_http_status() {
    let rule = |document: &Value| {
        broken(document, |member| {
            let last = parts(member.name).pop().unwrap();
            last == "state" || (member.name == "status" && member.is("integer")) || (member.name == "httpStatus" && !member.is("integer"))
        })
    };
    holds(rule, &[("state", text()), ("mediaState", text()), ("status", number()), ("httpStatus", text())]);
    for op in ops::ALL {
        assert!(!openapi::query_names(op).contains(&"state"), "{}", op.id);
    }
}

#[test]
fn what_sort_a_thing_is_is_its_type() {
    let rule = |document: &Value| {
        broken(document, |member| parts(member.name).pop().unwrap() == "kind" || (member.name == "change" && !member.is_object()))
    };
    holds(rule, &[("kind", text()), ("callKind", text()), ("change", text())]);
}

#[test]
fn a_moment_ends_in_at_or_says_since_or_until_when() {
    let rule = |document: &Value| {
        broken(document, |member| {
            let last = parts(member.name).pop().unwrap();
            let named = ["at", "since", "until"].contains(&last.as_str());
            member.name == "timestamp" || named != (member.is_time() || member.schema["anyOf"][0]["format"] == "date-time")
        })
    };
    // A step, an attempt and the like are the moment itself and have `at`.
    holds(rule, &[("timestamp", time()), ("created", time()), ("resets", time()), ("createdAt", number())]);
}

#[test]
fn what_is_counted_in_a_unit_ends_in_it() {
    let of_time =
        ["seconds", "second", "milliseconds", "ms", "minutes", "hours", "days", "duration", "took", "timeout", "overlap", "bytes", "size"];
    let units = ["seconds", "ms", "days", "bytes"];
    let rule = |document: &Value| {
        broken(document, |member| {
            let all = parts(member.name);
            // `retryAfter` is the header's word and promised; `messagesPerDay` counts messages.
            let counts = all.iter().any(|part| part == "per");
            let speaks = all.iter().any(|part| of_time.contains(&part.as_str()));
            let plain = all.len() == 1 && speaks && member.name != "days";
            (member.is("integer") || member.is("number"))
                && !counts
                && member.name != "retryAfter"
                && (plain || speaks && !units.contains(&all.last().unwrap().as_str()))
        })
    };
    holds(rule, &[("seconds", number()), ("size", number()), ("timeout", number()), ("durationMinutes", number()), ("tookTime", number())]);
}

#[test]
fn a_failure_is_an_error_and_why_is_a_reason() {
    let rule = |document: &Value| {
        broken(document, |member| {
            let last = parts(member.name).pop().unwrap();
            (last == "error" && !member.is_object()) || last == "failure"
        })
    };
    holds(rule, &[("error", text()), ("mediaError", text()), ("failure", text())]);
}

#[test]
fn what_is_secret_is_an_api_key_or_a_webhooks_secret_and_is_shown_where_it_is_made() {
    let rule = |document: &Value| {
        broken(document, |member| {
            let last = parts(member.name).pop().unwrap();
            match member.name {
                "apiKey" => member.of != "CreatedKey",
                "secret" => !["CreateWebhook", "CreatedWebhook"].contains(&member.of),
                // What a passkey is checked by is nobody's secret.
                name => last == "secret" || (last == "key" && name != "publicKey"),
            }
        })
    };
    holds(rule, &[("apiKey", text()), ("secret", text()), ("signingSecret", text()), ("key", text())]);
    let document = openapi::document();
    let shown = members(&document).iter().map(Member::place).collect::<Vec<_>>();
    for place in ["CreatedKey.apiKey", "CreateWebhook.secret", "CreatedWebhook.secret"] {
        assert!(shown.iter().any(|known| known == place), "{place}");
    }
}

#[test]
fn a_plan_is_its_name_limits_are_its_numbers_and_only_a_group_has_a_subject() {
    let rule = |document: &Value| {
        broken(document, |member| {
            let of_group = member.of.contains("Group");
            match member.name {
                "plan" => !member.is("string"),
                "limits" => !member.is_object(),
                "subject" => !of_group || !member.is("string"),
                "name" => of_group || !member.is("string"),
                // A page of the web has a title.
                "title" => member.of != "LinkPreview",
                name => ["label", "displayName"].contains(&name),
            }
        })
    };
    let numbers = json!({"$ref": "#/components/schemas/PlanLimits"});
    holds(rule, &[("plan", numbers), ("limits", text()), ("subject", text()), ("name", number()), ("title", text()), ("label", text())]);
    let group = json!({"components": {"schemas": {"CreateGroup": {"properties": {"name": text()}}}}});
    assert_eq!(rule(&group), ["CreateGroup.name"]);
}

#[test]
fn what_is_null_says_something_by_it() {
    // A limit that there is not, an event or a webhook of the account itself, a description or a picture that was taken away, the end of a list.
    let meant = [
        "PlanLimits",
        "Plan",
        "PlanPace",
        "Event.sessionId",
        "Delivery.sessionId",
        "Webhook.sessionId",
        "CreatedWebhook.sessionId",
        "GroupUpdated.description",
        "GroupUpdated.pictureId",
        "PageInfo.next",
        // Said in requests too.
        "ContactCard.organization",
        "LinkPreview.description",
        "PasskeyAssertion.authenticatorAttachment",
        "PasskeyAssertion.clientExtensionResults",
    ];
    let requests = |of: &str| {
        ["Create", "Update", "Put", "Set", "Send", "Forward", "Edit", "Rotate", "Quick", "By", "Name", "Join", "Recover", "Move"]
            .iter()
            .any(|word| of.starts_with(word))
            && !of.starts_with("Created")
    };
    let rule = |document: &Value| {
        broken(document, |member| {
            let nullable = member.is("null");
            nullable && !requests(member.of) && !meant.contains(&member.of) && !meant.contains(&member.place().as_str())
        })
    };
    holds(rule, &[("name", json!({"type": ["string", "null"]}))]);
}

fn answers_a_list(document: &Value, op: &Operation) -> Option<bool> {
    let method = op.method.as_str().to_lowercase();
    let answer = &document["paths"][op.path][method]["responses"][op.success.to_string()]["content"]["application/json"]["schema"];
    let name = answer["$ref"].as_str()?.rsplit('/').next()?;
    let members = &document["components"]["schemas"][name]["properties"];
    (members["data"]["type"] == "array").then(|| members["page"].is_object())
}

#[test]
fn every_list_is_a_page_and_its_next_one_is_asked_for_by_cursor() {
    let document = openapi::document();
    let lists: Vec<_> = ops::ALL.iter().filter_map(|op| Some((op, answers_a_list(&document, op)?))).collect();
    assert!(lists.len() > 15, "{}", lists.len());
    for (op, paged) in lists {
        assert!(paged, "{}", op.id);
        let named = openapi::query_names(op);
        assert_eq!(named.contains(&"limit"), named.contains(&"cursor"), "{}: {named:?}", op.id);
        assert!(!named.contains(&"after"), "{}", op.id);
    }
}

#[test]
fn a_session_is_named_in_the_query_where_there_is_no_body_and_in_the_body_where_there_is_one() {
    let document = openapi::document();
    for op in ops::ALL {
        let operation = &document["paths"][op.path][op.method.as_str().to_lowercase()];
        let body =
            operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str().and_then(|name| name.rsplit('/').next());
        let in_body = body.is_some_and(|name| document["components"]["schemas"][name]["properties"]["sessionId"].is_object());
        let in_query = openapi::query_names(op).contains(&"sessionId");
        let in_path = op.path.contains("{sessionId}");
        assert!(u8::from(in_body) + u8::from(in_query) + u8::from(in_path) <= 1, "{}: named twice", op.id);
        assert!(!in_query || !op.method.has_body(), "{}: in the query of a request with a body", op.id);
    }
}

#[test]
fn what_answers_201_made_something_and_takes_an_idempotency_key() {
    for op in ops::ALL {
        // Whoever signs in twice is signed in twice, and no cookie is told again.
        let made = op.method == Method::Post && (op.idempotent() || op.id == "create_login");
        assert!(op.success != 201 || made, "{}", op.id);
        // What is changed in its place takes one too where doing it twice would show the second secret only.
        assert!(!op.idempotent() || op.success == 201 || op.id == "rotate_webhook_secret", "{}", op.id);
    }
}

/// Whose right an operation is, by the first word of its path.
fn noun(path: &str) -> &str {
    match path.trim_start_matches("/v1/").split('/').next().unwrap() {
        // What is said in a chat, a file and being there are part of writing messages.
        "chats" | "media" | "presence" | "messages" => "messages",
        "api-keys" => "keys",
        "audit" | "usage" | "account" => "account",
        other => other,
    }
}

#[test]
fn a_permission_is_the_noun_of_the_path_and_whether_it_only_looks() {
    for op in ops::ALL {
        let Access::Key(permission) = op.access else { continue };
        if op.path.starts_with("/api/") {
            continue;
        }
        let (of, right) = permission.as_str().split_once(':').unwrap();
        assert_eq!(of, noun(op.path), "{}", op.id);
        // A number is asked for by what changes nothing, and so is a token that lets in to look; an invite lets in whoever has it.
        let looks = op.method == Method::Get && op.id != "get_group_invite" || ["check_contacts", "create_event_token"].contains(&op.id);
        let expected: &[&str] = if looks { &["read", "manage"] } else { &["write", "send", "manage"] };
        assert!(expected.contains(&right), "{}: {right}", op.id);
    }
    for permission in Permission::ALL {
        let used = ops::ALL.iter().any(|op| op.access == Access::Key(*permission));
        assert!(used, "{} opens nothing", permission.as_str());
    }
}

#[test]
fn what_requests_are_checked_against_is_made_once_for_each_operation() {
    for op in ops::ALL {
        assert!(std::ptr::eq(openapi::query_names(op), openapi::query_names(op)), "{}", op.id);
        assert!(std::ptr::eq(openapi::never_empty(op), openapi::never_empty(op)), "{}", op.id);
    }
    assert!(
        ops::ALL.iter().any(|op| !openapi::query_names(op).is_empty()) && ops::ALL.iter().any(|op| !openapi::never_empty(op).is_empty())
    );
}
