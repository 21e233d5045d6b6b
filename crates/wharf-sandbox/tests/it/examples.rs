//! The examples of the document are what a run in the sandbox says: its requests are sent as they stand there, and each answer has the
//! members of its example.
//!
//! `WHARF_RECORD_EXAMPLES=1` writes the answers of this run into the file instead.

mod steady;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use wharf_api::ops::{Access, Operation};
use wharf_api::{openapi, ops};

use crate::harness::schema::Document;
use crate::harness::{Api, Backend, ECHO, Hook, OWNER, Reply, SILENT, World, api, eventually};
use crate::media;
use steady::{Steady, members};

/// Requests as they were written by hand, answers as they came.
const RECORDED: &str = include_str!("../../../wharf-api/src/openapi/examples.json");

const JSON: &str = "application/json";

fn operation(id: &str) -> &'static Operation {
    ops::ALL.iter().find(|operation| operation.id == id).unwrap_or_else(|| panic!("no operation {id}"))
}

struct Run<'a> {
    world: &'a World,
    steady: Steady,
    /// Of whoever is signed in.
    cookie: String,
    recorded: Value,
    /// What this run would record.
    seen: Value,
}

impl Run<'_> {
    /// Asks what the example of the operation asks; gives the answer as the example would show it. A send is asked again, for what it would
    /// do.
    async fn call(&mut self, id: &str) -> Value {
        let mut body = self.recorded["operations"][id]["request"].clone();
        let answer = self.call_with(id, self.written(&body), JSON).await;
        if operation(id).may_be_dry() {
            body["dryRun"] = json!(true);
            let told = self.ask(id, self.written(&body), JSON).await;
            told.ok(200);
            let shown = self.steady.shown(&told.json);
            self.seen["operations"][id]["dryRun"] = shown;
        }
        answer
    }

    /// A body of this run, where the example has one.
    fn written(&self, body: &Value) -> Option<Vec<u8>> {
        (!body.is_null()).then(|| self.steady.live(&body.to_string()).into_bytes())
    }

    async fn call_with(&mut self, id: &str, body: Option<Vec<u8>>, kind: &str) -> Value {
        let reply = self.ask(id, body, kind).await;
        assert_eq!(reply.status, operation(id).success, "{id}: {reply:?}");
        self.keep_cookie(&reply);
        let answer = self.steady.shown(&reply.json);
        self.seen["operations"][id] = self.recorded["operations"][id].clone();
        self.seen["operations"][id]["answer"] = answer.clone();
        answer
    }

    async fn ask(&self, id: &str, body: Option<Vec<u8>>, kind: &str) -> Reply {
        let operation = operation(id);
        let (mut path, mut query) = (operation.path.to_owned(), url::form_urlencoded::Serializer::new(String::new()));
        for (name, value) in self.recorded["operations"][id]["parameters"].as_object().into_iter().flatten() {
            let value = self.steady.live(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            let place = format!("{{{name}}}");
            if path.contains(&place) {
                path = path.replace(&place, &value);
            } else {
                query.append_pair(name, &value);
            }
        }
        let request = self.asker(operation.access).request(operation.method.as_str(), &format!("{path}?{}", query.finish()));
        let signed = matches!(operation.access, Access::Login) || operation.id == ops::create_login.id;
        let request = if signed { self.signed(request) } else { request };
        let request = if let Some(body) = body { request.header("content-type", kind).body(body) } else { request };
        api::read(request).await
    }

    /// Whose key opens what is asked.
    fn asker(&self, access: Access) -> Api {
        match access {
            Access::Key(_) => self.world.api(),
            Access::Operator => self.world.operator(),
            Access::Login | Access::Open => self.world.api().with_key(""),
        }
    }

    /// The request as a browser sends it.
    fn signed(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let request = request.header("x-wharf-dashboard", "1").header("user-agent", "Mozilla/5.0 (X11; Linux x86_64)");
        if self.cookie.is_empty() { request } else { request.header("cookie", &self.cookie) }
    }

    fn keep_cookie(&mut self, reply: &Reply) {
        if let Some((cookie, _)) = reply.header("set-cookie").split_once(';') {
            cookie.clone_into(&mut self.cookie);
        }
    }

    /// Waits until the message of that example has come so far.
    async fn until(&self, id: &str, status: &str) {
        let message = &self.seen["operations"][id]["answer"]["data"]["messageId"];
        self.world.until_message(&self.steady.live(message.as_str().unwrap()), status).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_run_asks_and_answers_what_the_examples_show() {
    let world = World::start(Backend::Sqlite).await;
    let hook = Hook::start().await;
    let mut steady = Steady::default();
    steady.place(hook.url("").trim_end_matches('/'), "https://shop.example.com");
    let recorded: Value = serde_json::from_str(RECORDED).unwrap();
    let mut run = Run { world: &world, steady, cookie: String::new(), recorded, seen: json!({"operations": {}, "events": {}}) };
    journey(&mut run).await;
    if std::env::var_os("WHARF_RECORD_EXAMPLES").is_some() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wharf-api/src/openapi/examples.json");
        std::fs::write(file, format!("{:#}\n", run.seen)).unwrap();
        return;
    }
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    for part in ["operations", "events"] {
        assert_eq!(names(&run.seen[part]), names(&run.recorded[part]), "the examples are those of the run");
        for name in names(&run.seen[part]) {
            let (seen, shown) = (members(&run.seen[part][&name]), members(&run.recorded[part][&name]));
            let (gone, new): (Vec<_>, Vec<_>) = (shown.difference(&seen).collect(), seen.difference(&shown).collect());
            assert!(
                gone.is_empty() && new.is_empty(),
                "{name}: run this test with WHARF_RECORD_EXAMPLES=1. Not any more: {gone:?}; new: {new:?}"
            );
        }
    }
}

/// A newcomer's way: a phone is linked, a webhook made, things are sent and come in, and are looked at.
async fn journey(run: &mut Run<'_>) {
    let world = run.world;
    let created = world_session(run).await;
    run.call("get_session_qr").await;
    let shown = world.api().get(&format!("/v1/sessions/{created}")).await;
    shown.ok(200);
    let qr = world.api().get(&format!("/v1/sessions/{created}/qr")).await.ok(200)["qr"].as_str().unwrap().to_owned();
    world.scan(&qr, OWNER).await;
    world.until_connected(&created).await;
    for id in ["get_session", "list_sessions", "create_webhook", "list_webhooks", "get_webhook", "test_webhook", "check_contacts"] {
        run.call(id).await;
    }
    run.call("send_text").await;
    run.until("send_text", "read").await;
    // The answer of the one who was written to.
    eventually("the answer came in", async || {
        let list = world.api().get(&format!("/v1/messages?sessionId={created}&direction=incoming")).await;
        (list.data().as_array().map(Vec::len) == Some(1)).then_some(()).ok_or(format!("{list:?}"))
    })
    .await;
    for id in ["get_message", "list_messages", "read_message", "send_reaction"] {
        run.call(id).await;
    }
    run.call_with("upload_media", Some(media::file("document", 4_000)), "application/pdf").await;
    for id in ["send_media", "send_location", "send_contact", "send_poll", "forward_message"] {
        run.call(id).await;
        run.until(id, "delivered").await;
    }
    // What is edited and deleted was sent as an example too.
    run.call("edit_message").await;
    run.call("delete_message").await;
    assert!(!world.ledger(SILENT).await.is_empty() && !world.ledger(ECHO).await.is_empty());
    events(run, &created).await;
    for id in [
        "list_deliveries",
        "list_events",
        "update_webhook",
        "rotate_webhook_secret",
        "delete_webhook",
        "list_chats",
        "read_chat",
        "set_typing",
        "list_contacts",
        "get_contact",
        "create_group",
        "list_groups",
        "get_group",
        "create_api_key",
        "list_api_keys",
        "rotate_api_key",
        "revoke_api_key",
        "get_account",
        "get_usage",
        "quick_send_text",
    ] {
        run.call(id).await;
    }
    people(run).await;
    operator(run, &created).await;
    for id in ["quick_create_session", "create_pairing_code", "delete_session"] {
        run.call(id).await;
    }
}

/// Somebody gets a user, signs in and out, and is deleted in the end.
async fn people(run: &mut Run<'_>) {
    for id in ["create_user", "create_login", "get_current_login", "delete_current_login"] {
        run.call(id).await;
    }
    // Signed in again, as whoever has the log-ins listed is.
    let body = run.recorded["operations"]["create_login"]["request"].clone();
    let again = api::read(run.signed(run.asker(Access::Open).request("POST", "/v1/login")).json(&body)).await;
    again.ok(201);
    run.keep_cookie(&again);
    for id in ["list_logins", "set_password", "delete_login", "get_user", "list_users", "update_user", "delete_user"] {
        run.call(id).await;
    }
    for id in ["admin_create_user", "admin_get_user", "admin_list_users", "admin_update_user", "admin_delete_user"] {
        run.call(id).await;
    }
}

/// What an operator looks at while something waits.
async fn operator(run: &mut Run<'_>, session: &str) {
    let operator = run.world.operator();
    operator.put("/v1/admin/whatsapp/switches", &json!({"sendingPaused": true})).await.ok(200);
    let waits = json!({"sessionId": session, "to": ECHO, "text": "later", "async": true});
    run.world.api().post("/v1/messages/text", &waits).await.ok(201);
    for id in ["admin_list_nodes", "admin_list_queues"] {
        run.call(id).await;
    }
    operator.put("/v1/admin/whatsapp/switches", &json!({"sendingPaused": false})).await.ok(200);
}

/// Makes the session of all that follows; gives its id in this run.
async fn world_session(run: &mut Run<'_>) -> String {
    let created = run.call("create_session").await;
    run.steady.live(created["data"]["sessionId"].as_str().unwrap())
}

/// One of each kind of event, the first that there was.
async fn events(run: &mut Run<'_>, session: &str) {
    let deliveries = run.steady.live(run.recorded["operations"]["list_deliveries"]["parameters"]["webhookId"].as_str().unwrap());
    let api = run.world.api();
    eventually("all that is owed was delivered", async || {
        let owed = api.get(&format!("/v1/webhooks/{deliveries}/deliveries?status=pending")).await;
        (owed.data() == &json!([])).then_some(()).ok_or(format!("{owed:?}"))
    })
    .await;
    for event in api.log().await.iter().filter(|event| event["sessionId"] == session) {
        let kind = event["event"].as_str().unwrap();
        if run.seen["events"][kind].is_null() {
            let shown = run.steady.shown(event);
            run.seen["events"][kind] = shown;
        }
    }
}

#[test]
fn every_example_is_what_its_schema_says() {
    let document = Document(openapi::document());
    let recorded: Value = serde_json::from_str(RECORDED).unwrap();
    let mut seen = 0;
    for operation in ops::ALL {
        let shown = &document.0["paths"][operation.path][operation.method.as_str().to_ascii_lowercase()];
        let answer = &shown["responses"][operation.success.to_string()]["content"]["application/json"];
        let Some(example) = answer.get("example") else { continue };
        assert_eq!(example, &recorded["operations"][operation.id]["answer"], "{}", operation.id);
        assert_eq!(document.faults(&answer["schema"], example), Vec::<String>::new(), "{}", operation.id);
        seen += 1;
        if operation.may_be_dry() {
            let dry = &shown["responses"]["200"]["content"]["application/json"];
            let example = &recorded["operations"][operation.id]["dryRun"];
            assert_eq!((&dry["example"], &example["data"]["dryRun"]), (example, &json!(true)), "{}", operation.id);
            assert_eq!(document.faults(&dry["schema"], example), Vec::<String>::new(), "{}", operation.id);
        }
    }
    assert!(seen >= 20 && seen == recorded["operations"].as_object().unwrap().len(), "{seen}");
    for (kind, event) in recorded["events"].as_object().unwrap() {
        assert_eq!(document.faults(document.of_event(kind), event), Vec::<String>::new(), "{kind}");
    }
}
