//! Every operation that names a session, asked at a node that does not have it, answers as the one that has: from the table of operations,
//! so that a new one is asked for its row here by name.

use std::sync::LazyLock;

use serde_json::{Value, json};
use wharf_api::openapi;
use wharf_api::ops::{self, Access, Operation};

use crate::harness::api::read;
use crate::harness::nats::Fleet;
use crate::harness::{Api, ECHO, OWNER, Reply, SILENT, World, eventually};

const SECOND: &str = "15550000002";
const FRIEND: &str = "15551000001";
const OTHER: &str = "15551000002";

/// What an answer may have otherwise at its second asking, besides ids and times. The `code` is an invitation's: a failure's is compared
/// beside the answer.
const FRESH: [&str; 10] = ["whatsappId", "qr", "qrCode", "pairingCode", "link", "code", "pictureId", "sequence", "token", "cursor"];

/// How often two answers are compared: between them something may have happened, such as a receipt.
const TRIES: usize = 5;

/// What is asked for, made anew for each question as far as its operation has to do with it.
#[derive(Default)]
struct Things {
    session: String,
    group: String,
    message: String,
}

fn id(reply: &Reply, name: &str) -> String {
    reply.ok(201)[name].as_str().unwrap().to_owned()
}

impl Things {
    async fn make(world: &World, operation: &Operation, session: &str, text: &str) -> Self {
        let api = world.api();
        let mut things = Self { session: session.to_owned(), ..Self::default() };
        match operation.id {
            // For a session that waits for its scan.
            "get_session_qr" | "create_pairing_code" | "get_session_passkey" | "submit_session_passkey" | "confirm_session_passkey" => {
                things.session = id(&api.post("/v1/sessions", &json!({"name": "unlinked"})).await, "sessionId");
            }
            "logout_session" | "delete_session" => things.session = world.pair(SECOND).await,
            "read_message" => {
                world.phone_sends(FRIEND, OWNER, text).await;
                things.message = eventually("it came in", async || {
                    let list = api.get(&format!("/v1/messages?sessionId={session}&direction=incoming&text={text}")).await;
                    list.ok(200)[0]["messageId"].as_str().map(str::to_owned).ok_or(format!("{list:?}"))
                })
                .await;
            }
            "send_reaction" => things.message = Self::say(world, session).await,
            _ if operation.path.contains("{messageId}") => things.message = Self::say(world, session).await,
            _ if operation.path.contains("{groupId}") => {
                let group = json!({"sessionId": session, "subject": "Many", "participants": [FRIEND]});
                things.group = id(&api.post("/v1/groups", &group).await, "groupId");
            }
            _ => {}
        }
        things
    }

    async fn say(world: &World, session: &str) -> String {
        let message = id(&world.send(session, SILENT, "to be shown").await, "messageId");
        world.until_message(&message, "delivered").await;
        message
    }
}

/// A good body; null where it takes none.
fn body(operation: &Operation, things: &Things) -> Value {
    let mut body = match operation.id {
        "quick_send_text" => return json!({"to": SILENT, "message": "x"}),
        "update_session" => return json!({"name": "y"}),
        "create_pairing_code" => return json!({"phoneNumber": OTHER}),
        "submit_session_passkey" => {
            let response = json!({"clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA", "userHandle": null});
            return json!({"id": "AA", "rawId": "AA", "type": "public-key", "response": response});
        }
        "confirm_session_passkey" => return json!({"code": "ABCD1234"}),
        "send_reaction" => return json!({"messageId": things.message, "emoji": "👍"}),
        "forward_message" => return json!({"to": ECHO}),
        "edit_message" => return json!({"text": "y"}),
        "send_text" => json!({"to": SILENT, "text": "x"}),
        "send_location" => json!({"to": SILENT, "latitude": 1.5, "longitude": 2.5}),
        "send_contact" => json!({"to": SILENT, "contacts": [{"name": "x", "phoneNumbers": ["14155552671"]}]}),
        "send_poll" => json!({"to": SILENT, "question": "x", "options": ["a", "b"]}),
        "send_media" => json!({"to": SILENT, "mediaType": "document", "data": "JVBERi0xLjcK", "fileName": "a.pdf"}),
        "check_contacts" => json!({"phoneNumbers": [SILENT, "15550009999"]}),
        "set_typing" => json!({"status": "typing"}),
        "set_presence" => json!({"status": "available"}),
        "create_group" => json!({"subject": "x", "participants": [FRIEND]}),
        "update_group" => json!({"subject": "y"}),
        "change_group_participants" | "decide_group_requests" => json!({"participants": [OTHER]}),
        "set_group_picture" => json!({"data": "/9j/4AAQSkZJRgABAQAAAQABAAD/2Q=="}),
        "join_group" => json!({"code": "AbCdEfGhIjKlMnOpQrStUv"}),
        "create_webhook" => json!({"url": "http://127.0.0.1:9/hook", "events": ["*"]}),
        "block_contact" | "unblock_contact" | "read_chat" | "revoke_group_invite" | "leave_group" | "create_event_token" => json!({}),
        _ => return Value::Null,
    };
    body["sessionId"] = json!(things.session);
    body
}

async fn ask(api: &Api, operation: &Operation, things: &Things) -> Reply {
    let Things { session, group, message } = things;
    let mut path = operation.path.replace("{sessionId}", session).replace("{messageId}", message).replace("{groupId}", group);
    let words = [("{contactId}", SILENT), ("{chatId}", SILENT), ("{action}", "add"), ("{decision}", "approve")];
    for (name, word) in words {
        path = path.replace(name, word);
    }
    assert!(!path.contains('{'), "say in fleet_table.rs what stands in {path}");
    if has(operation, "sessionId") && !operation.path.contains("{sessionId}") && !operation.method.has_body() {
        path = format!("{path}?sessionId={session}");
    }
    let body = body(operation, things);
    let takes_json = shown(operation)["requestBody"]["content"]["application/json"].is_object();
    assert_eq!(takes_json, body.is_object(), "say in fleet_table.rs what a good body of {} looks like", operation.id);
    let request = api.request(operation.method.as_str(), &path);
    read(if body.is_null() { request } else { request.json(&body) }).await
}

/// The document, made once.
fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(openapi::document);
    &DOCUMENT
}

fn shown(operation: &Operation) -> &'static Value {
    &document()["paths"][operation.path][operation.method.as_str().to_ascii_lowercase()]
}

/// Whether requests of the operation have that member, in the address or in the body.
fn has(operation: &Operation, member: &str) -> bool {
    let schema = &shown(operation)["requestBody"]["content"]["application/json"]["schema"];
    let schema = schema["$ref"].as_str().and_then(|reference| document().pointer(reference.trim_start_matches('#'))).unwrap_or(schema);
    let in_address = shown(operation)["parameters"].as_array().unwrap().iter().any(|parameter| parameter["name"] == member);
    in_address || schema["properties"][member].is_object()
}

/// The answer without what is another one each time.
fn bare(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let fresh = FRESH.contains(&name.as_str()) && !value.is_null() && !value.is_object();
                (name.clone(), if fresh { json!("fresh") } else { bare(value) })
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(bare).collect(),
        Value::String(text) if is_id(text) => json!("id"),
        Value::String(text) if text.ends_with('Z') && text.contains('T') && text.starts_with("20") => json!("time"),
        Value::String(text) if text.ends_with("@g.us") => json!("group"),
        other => other.clone(),
    }
}

fn is_id(text: &str) -> bool {
    text.split_once('_')
        .is_some_and(|(kind, rest)| kind.len() == 3 && rest.len() >= 8 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_names_a_session_is_answered_by_another_node_as_by_its_owner() {
    let fleet = Fleet::start().await;
    let (owner, [second, third]) = (fleet.world.api(), fleet.others());
    let session = fleet.world.pair(OWNER).await;
    let named = |operation: &&Operation| {
        matches!(operation.access, Access::Key(_)) && ["sessionId", "messageId"].iter().any(|member| has(operation, member))
    };
    let (mut asked, mut apart) = (0, Vec::new());
    for (number, operation) in ops::ALL.iter().copied().filter(named).enumerate() {
        let other = if number % 2 == 0 { &second } else { &third };
        let mut seen = Vec::new();
        for attempt in 0..TRIES {
            let mut answers = Vec::new();
            for (place, api) in [("other", other), ("owner", &owner)] {
                let text = format!("{place}-{attempt}");
                let things = Things::make(&fleet.world, operation, &session, &text).await;
                let reply = ask(api, operation, &things).await;
                let shown = serde_json::from_str(&reply.json.to_string().replace(&text, "text")).unwrap();
                answers.push((reply.status, reply.code().to_owned(), bare(&shown)));
            }
            asked += 1;
            seen = answers;
            if seen[0] == seen[1] && seen[0].0 < 500 {
                break;
            }
        }
        if seen[0] != seen[1] || seen[0].0 >= 500 {
            apart.push(format!("{}: {:?}\n  owner: {:?}", operation.id, seen[0], seen[1]));
        }
        fleet.world.until_connected(&session).await;
    }
    assert!(asked > 40, "{asked}");
    assert!(apart.is_empty(), "{}", apart.join("\n"));
    fleet.end().await;
}
