//! A good request for every operation, and every place in it where an id stands. Made from the table of operations and the
//! document, so that a new operation is asked for its row by name.

use std::sync::LazyLock;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use wharf_api::openapi;
use wharf_api::ops::{self, Access, Operation};

use super::{Ask, Gateway, Reply, engine};

/// A file as small as one can be.
const FILE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55";

/// What one account has, by id.
pub struct Objects {
    /// A key that may do everything.
    pub api_key: String,
    /// A connected session.
    pub session: String,
    /// A session that waits for its scan.
    pub unlinked: String,
    pub message: String,
    pub key: String,
    pub media: String,
    /// Somebody who signs in.
    pub user: String,
    /// A webhook, and the delivery of one event to it that waits for a courier.
    pub webhook: String,
    pub delivery: String,
    /// An account that nobody misses.
    pub doomed: String,
    /// Where somebody answers 200 to everything.
    pub receiver: String,
}

/// Where in a request an id stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Path(String),
    Query(String),
    /// A member of the body; the id itself, or a list of ids.
    Body(String),
}

/// An id's place, and the prefix that tells its kind.
#[derive(Clone, Debug)]
pub struct Id {
    pub place: Place,
    pub kind: String,
}

impl Objects {
    /// Makes an account named `name` with one of everything.
    pub async fn of(gateway: &Gateway, name: &str) -> Self {
        let account = wharf_core::account::find_or_create(&gateway.services, name, "enterprise").await.unwrap();
        let api_key = gateway.make_key_of(account, wharf_api::Permission::ALL, None, None).await;
        let post = async |path: &str, body: Value| gateway.post(path, body).key(&api_key).send().await.ok(201).clone();
        let id = |made: &Value, name: &str| made[name].as_str().unwrap().to_owned();
        let session = id(&post("/v1/sessions", json!({"name": "linked"})).await, "sessionId");
        gateway.engine.connect(&wharf_api::ids::SessionId::parse(&session).unwrap());
        let unlinked = id(&post("/v1/sessions", json!({"name": "unlinked"})).await, "sessionId");
        let receiver = receiver().await;
        let made = post("/v1/webhooks", json!({"url": receiver, "events": ["*"]})).await;
        let webhook = id(&made, "webhookId");
        let sent = post("/v1/messages/text", json!({"sessionId": session, "to": engine::SILENT, "text": "x"})).await;
        let key = id(&post("/v1/api-keys", json!({"name": "k", "permissions": ["sessions:read"]})).await, "keyId");
        let user = json!({"name": user_name(&session), "password": PASSWORD, "role": "member"});
        let user = id(&post("/v1/users", user).await, "userId");
        let file = gateway.ask("POST", "/v1/media").key(&api_key).body(FILE).send().await;
        let doomed = wharf_core::account::create(&gateway.services, "doomed", "free").await.unwrap().id;
        let deliveries = gateway.get(&format!("/v1/webhooks/{webhook}/deliveries")).key(&api_key).send().await;
        Self {
            session,
            unlinked,
            user,
            message: id(&sent, "messageId"),
            key,
            media: id(file.ok(201), "mediaId"),
            delivery: id(&deliveries.ok(200)[0], "deliveryId"),
            doomed: doomed.to_string(),
            webhook,
            receiver,
            api_key,
        }
    }

    /// The object whose ids begin with `kind`.
    pub fn id(&self, kind: &str) -> &str {
        match kind {
            "ses" => &self.session,
            "msg" => &self.message,
            "key" => &self.key,
            "med" => &self.media,
            "usr" => &self.user,
            "whk" => &self.webhook,
            "dlv" => &self.delivery,
            other => panic!("a new kind of object: make one in Objects::of and name it in Objects::id, `{other}_`"),
        }
    }
}

/// The address of a server that answers 200 to everything, for as long as the test runs.
async fn receiver() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let everything = axum::Router::new().fallback(async || {});
    tokio::spawn(async move { axum::serve(listener, everything).await });
    format!("http://{address}/hook")
}

/// A password that nothing is wrong with.
pub const PASSWORD: &str = "a long and quiet password";

/// The name of a user, which is one of a kind on the whole gateway.
fn user_name(session: &str) -> String {
    format!("u-{}", &session[session.len() - 16..])
}

/// An id of that kind that nothing has.
pub fn missing(kind: &str) -> String {
    let digits = if kind == "key" { 8 } else { 32 };
    format!("{kind}_{}", "0".repeat(digits))
}

/// Whether the answer says that nothing has the id in this place: not found, or a list in which nothing passes.
pub fn not_there(place: &Place, reply: &Reply) -> bool {
    reply.status == 404 || matches!(place, Place::Query(_)) && reply.json["data"] == json!([])
}

/// A body that the operation takes as it is, for an account with `own`; null where it takes none.
fn body(gateway: &Gateway, operation: &Operation, own: &Objects) -> Value {
    let session = &own.session;
    match operation.id {
        "update_session" => json!({"name": "y"}),
        "create_session" | "quick_create_session" => json!({"name": "x"}),
        "submit_session_passkey" => engine::signed(),
        "confirm_session_passkey" => json!({"code": engine::CODE}),
        "create_pairing_code" => json!({"phoneNumber": "14155552671"}),
        "send_text" => json!({"sessionId": session, "to": engine::SILENT, "text": "x"}),
        "send_location" => json!({"sessionId": session, "to": engine::SILENT, "latitude": 1.5, "longitude": 2.5}),
        "send_contact" => {
            json!({"sessionId": session, "to": engine::SILENT, "contacts": [{"name": "x", "phoneNumbers": ["14155552671"]}]})
        }
        "send_poll" => json!({"sessionId": session, "to": engine::SILENT, "question": "x", "options": ["a", "b"]}),
        "send_reaction" => json!({"messageId": own.message, "emoji": "👍"}),
        "forward_message" => json!({"to": engine::SILENT}),
        "edit_message" => json!({"text": "y"}),
        "send_media" => json!({"sessionId": session, "to": engine::SILENT, "mediaType": "document", "mediaId": own.media}),
        "quick_send_text" => json!({"to": engine::SILENT, "message": "x"}),
        "check_contacts" => json!({"sessionId": session, "phoneNumbers": [engine::SILENT]}),
        "create_api_key" | "admin_create_api_key" => json!({"name": "k", "permissions": ["sessions:read"], "sessionIds": [session]}),
        "create_user" => json!({"name": format!("{}+2", user_name(session)), "password": PASSWORD, "role": "member"}),
        "admin_create_user" => {
            json!({"accountId": gateway.account, "name": format!("{}+3", user_name(session)), "password": PASSWORD, "role": "operator"})
        }
        "update_user" | "admin_update_user" => json!({"role": "read_only"}),
        "rotate_api_key" | "rotate_webhook_secret" => json!({"overlapSeconds": 60}),
        "admin_move_session" => json!({"nodeId": super::NODE}),
        "admin_set_switches" => json!({"sendingPaused": false}),
        "admin_set_plan" => json!({"callsPerMinute": 1000, "concurrentRequests": 10}),
        "admin_create_account" | "admin_update_account" => json!({"name": "x", "plan": "free"}),
        "block_contact" | "unblock_contact" | "read_chat" | "revoke_group_invite" | "leave_group" | "create_event_token" => {
            json!({"sessionId": session})
        }
        "set_typing" => json!({"sessionId": session, "status": "typing"}),
        "set_presence" => json!({"sessionId": session, "status": "available"}),
        "create_group" => json!({"sessionId": session, "subject": "x", "participants": [engine::SILENT]}),
        "update_group" => json!({"sessionId": session, "subject": "x"}),
        "change_group_participants" | "decide_group_requests" => json!({"sessionId": session, "participants": [engine::SILENT]}),
        "set_group_picture" => json!({"sessionId": session, "data": "/9j/4AAQSkZJRgABAQAAAQABAAD/2Q=="}),
        "create_webhook" => json!({"url": own.receiver, "events": ["*"], "sessionId": session}),
        "update_webhook" => json!({"description": "x"}),
        "recover_webhook" => json!({"since": "2026-01-01T00:00:00Z"}),
        "join_group" => json!({"sessionId": session, "code": "AbCdEfGhIjKlMnOpQrStUv"}),
        _ => Value::Null,
    }
}

/// What stands in the path for WhatsApp's own things and in closed sets of words.
fn word(name: &str, gateway: &Gateway) -> String {
    match name {
        "accountId" => gateway.account.to_string(),
        "name" => "odd".to_owned(),
        "nodeId" => super::NODE.to_owned(),
        "contactId" | "chatId" => engine::SILENT.to_owned(),
        "groupId" => "120363000000000001@g.us".to_owned(),
        "action" => "add".to_owned(),
        "decision" => "approve".to_owned(),
        other => panic!("say in harness/requests.rs what stands in a path for {{{other}}}"),
    }
}

/// A good request for an account with `own`, with `ids` put in the places that they name.
pub fn good(gateway: &Gateway, operation: &Operation, own: &Objects, operator: &str, ids: &[(&Place, &str)]) -> Ask {
    let shown = shown(operation);
    let mut body = body(gateway, operation, own);
    let asked = shown["requestBody"]["content"]["application/json"].is_object();
    assert!(asked == body.is_object(), "say in harness/requests.rs what a good body of {} looks like", operation.id);
    let (mut path, mut query) = (operation.path.to_owned(), String::new());
    for (place, id) in ids {
        match place {
            Place::Path(name) => path = path.replace(&format!("{{{name}}}"), id),
            Place::Query(name) => query = format!("?{name}={id}"),
            Place::Body(name) if body[name].is_array() => body[name] = json!([id]),
            Place::Body(name) => body[name] = json!(id),
        }
    }
    for Id { place, kind } in &places(operation) {
        match place {
            Place::Path(name) => path = path.replace(&format!("{{{name}}}"), own.id(kind)),
            Place::Query(name) if query.is_empty() && is_required(operation, name) => query = format!("?{name}={}", own.id(kind)),
            Place::Query(_) | Place::Body(_) => {}
        }
    }
    // An operator's, whose they all are.
    path = path.replace("{userId}", &own.user).replace("{sessionId}", &own.session);
    if [&ops::admin_delete_account, &ops::admin_suspend_account, &ops::admin_resume_account].iter().any(|op| op.id == operation.id) {
        path = path.replace("{accountId}", &own.doomed);
    }
    while let Some((before, (name, after))) = path.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
        path = format!("{before}{}{after}", word(name, gateway));
    }
    let key = if operation.access == Access::Operator { operator } else { &own.api_key };
    let ask = gateway.ask(operation.method.as_str(), &(path + &query)).key(key);
    match body {
        Value::Null if operation.id == ops::upload_media.id => ask.body(FILE),
        Value::Null => ask,
        body => ask.json(&body),
    }
}

/// Every place of an id of a tenant's own things.
pub fn places(operation: &Operation) -> Vec<Id> {
    let (document, shown) = (document(), shown(operation));
    let mut found = Vec::new();
    // People who are signed in have tests of their own.
    if operation.access == Access::Login {
        return found;
    }
    for parameter in shown["parameters"].as_array().unwrap() {
        let name = parameter["name"].as_str().unwrap().to_owned();
        if let Some(kind) = kind(document, &parameter["schema"])
            .filter(|kind| !["usr", "ses"].contains(&kind.as_str()) || operation.access != Access::Operator)
        {
            found.push(Id { place: if parameter["in"] == "path" { Place::Path(name) } else { Place::Query(name) }, kind });
        }
    }
    let request = resolved(document, &shown["requestBody"]["content"]["application/json"]["schema"]);
    for (name, schema) in request["properties"].as_object().into_iter().flatten() {
        let items = &resolved(document, schema)["items"];
        if let Some(kind) = kind(document, schema).or_else(|| kind(document, items)) {
            found.push(Id { place: Place::Body(name.clone()), kind });
        }
    }
    found
}

/// The members of the operation's body that may be left out.
pub fn optional_members(operation: &Operation) -> Vec<String> {
    let request = resolved(document(), &shown(operation)["requestBody"]["content"]["application/json"]["schema"]);
    let required = |name: &str| request["required"].as_array().is_some_and(|all| all.iter().any(|known| known == name));
    let members = request["properties"].as_object().into_iter().flatten();
    members.map(|(name, _)| name.clone()).filter(|name| !required(name)).collect()
}

/// The parameters of the operation's query, and whether each must be there.
pub fn parameters(operation: &Operation) -> Vec<(String, bool)> {
    let all = shown(operation)["parameters"].as_array().unwrap().iter().filter(|parameter| parameter["in"] == "query");
    let name = |parameter: &Value| parameter["name"].as_str().unwrap().to_owned();
    all.map(|parameter| (name(parameter), parameter["required"] == true)).collect()
}

/// The document, made once.
fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(openapi::document);
    &DOCUMENT
}

fn shown(operation: &Operation) -> &'static Value {
    &document()["paths"][operation.path][operation.method.as_str().to_ascii_lowercase()]
}

fn is_required(operation: &Operation, name: &str) -> bool {
    let parameters = shown(operation)["parameters"].as_array().unwrap();
    parameters.iter().any(|parameter| parameter["name"] == name && parameter["required"] == true)
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// `ses` where the schema's pattern is that of session ids. Accounts are an operator's, whose they all are.
fn kind(document: &Value, schema: &Value) -> Option<String> {
    let pattern = resolved(document, schema)["pattern"].as_str()?.strip_prefix('^')?;
    let (kind, _) = pattern.split_once('_')?;
    (kind.len() == 3 && kind.bytes().all(|b| b.is_ascii_lowercase()) && kind != "acc").then(|| kind.to_owned())
}
