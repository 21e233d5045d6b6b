//! Every kind of event, provoked in one run, and each body against its schema in the document that the gateway serves.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use wharf_api::types::event::EventKind;
use wharf_api::types::group::GroupChange;

use crate::harness::schema::Document;
use crate::harness::{Api, Hook, Mode, OWNER, READER, SILENT, World, both_backends, eventually};
use crate::media::file;

const FRIEND: &str = "15551000001";
/// The network refuses what is sent to it, for good.
const REFUSED: &str = "15550007479";
/// So small that both warnings come within one run.
const GUARDED: &str = "15550000071";
const MESSAGES_PER_DAY: u64 = 10;

/// An account with one session, as this run drives it.
struct Account<'world> {
    world: &'world World,
    api: Api,
    session: String,
}

impl<'world> Account<'world> {
    async fn pair(world: &'world World, api: Api) -> Self {
        let created = api.post("/v1/sessions", &json!({"name": "all events"})).await;
        let session = created.ok(201)["sessionId"].as_str().unwrap().to_owned();
        world.scan(created.data()["qr"].as_str().unwrap(), OWNER).await;
        let account = Self { world, api, session };
        account.until("connected").await;
        account
    }

    async fn until(&self, status: &str) {
        eventually(&format!("the session is {status}"), async || {
            let shown = self.api.get(&format!("/v1/sessions/{}", self.session)).await;
            (shown.data()["status"] == status).then_some(()).ok_or(format!("{shown:?}"))
        })
        .await;
    }

    async fn post(&self, path: &str, mut body: Value) -> Value {
        body["sessionId"] = json!(self.session);
        let reply = self.api.post(path, &body).await;
        reply.ok(if ["/participants/", "/invite/", "/requests/"].iter().any(|part| path.contains(part)) { 200 } else { 201 }).clone()
    }

    async fn send(&self, kind: &str, to: &str, mut body: Value) -> Value {
        body["to"] = json!(to);
        self.post(&format!("/v1/messages/{kind}"), body).await
    }

    /// The row of what a phone wrote, once it is there.
    async fn row(&self, wa_id: &str, is: impl Fn(&Value) -> bool) -> Value {
        eventually("the message is there", async || {
            let list = self.api.get(&format!("/v1/messages?sessionId={}&limit=200", self.session)).await;
            let rows = list.data().as_array().cloned().unwrap_or_default();
            rows.into_iter().find(|row| row["whatsappId"] == wa_id && is(row)).ok_or(format!("{list:?}"))
        })
        .await
    }

    async fn hears(&self, from: &str, body: Value) -> String {
        let wa_id = self.world.writes_as(from, OWNER, body).await;
        self.row(&wa_id, |_| true).await;
        wa_id
    }

    /// Messages out and in, and what is done to them.
    async fn write(&self) {
        let text = self.send("text", READER, json!({"text": "read this", "mentions": [READER]})).await;
        let place = self.send("location", SILENT, json!({"latitude": 1.5, "longitude": 2.5, "name": "here"})).await;
        let poll = self.send("poll", SILENT, json!({"question": "which?", "options": ["this", "that"]})).await;
        let refused = self.api.post("/v1/messages/text", &json!({"sessionId": self.session, "to": REFUSED, "text": "no"})).await;
        assert_eq!(refused.status, 500, "{refused:?}");
        let on_wire = |message: &Value| message["whatsappId"].as_str().unwrap().to_owned();
        self.row(&on_wire(&text), |row| row["status"] == "read").await;
        for message in [&place, &poll] {
            self.row(&on_wire(message), |row| row["status"] == "delivered").await;
        }
        self.hears(SILENT, json!({"type": "reaction", "target": on_wire(&place), "emoji": "👍"})).await;
        self.hears(SILENT, json!({"type": "vote", "target": on_wire(&poll), "options": ["that"]})).await;
        let theirs = self.hears(SILENT, json!({"text": "thier words", "replyTo": on_wire(&place), "forwarded": true})).await;
        self.hears(SILENT, json!({"type": "edit", "target": theirs, "text": "their words"})).await;
        self.hears(SILENT, json!({"type": "delete", "target": theirs})).await;
        self.hears(SILENT, json!({"type": "contact", "name": "Ada", "phone": FRIEND})).await;
        self.hears(SILENT, json!({"type": "location", "latitude": 1.5, "longitude": 2.5, "address": "there"})).await;
        self.hears(SILENT, json!({"type": "poll", "question": "when?", "options": ["now", "never"]})).await;
        let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, file("image", 2_000));
        for body in [json!({"type": "image", "data": data, "caption": "look"}), json!({"type": "audio", "size": 2_000, "voice": true})] {
            let wa_id = self.hears(SILENT, body).await;
            self.row(&wa_id, |row| row["mediaStatus"] == "stored").await;
        }
        // Whoever has sent four of ten sends the rest of the day's messages.
        for left in 4..MESSAGES_PER_DAY {
            self.send("text", SILENT, json!({"text": format!("{left} were sent")})).await;
        }
    }

    /// Everything that one can do to a group.
    async fn change_a_group(&self) {
        let group = self.post("/v1/groups", json!({"subject": "all changes", "participants": [FRIEND, SILENT]})).await;
        let path = format!("/v1/groups/{}", group["groupId"].as_str().unwrap());
        let edits = json!({"sessionId": self.session, "subject": "renamed", "description": "about it", "announcement": true, "locked": true,
            "approvalRequired": true, "membersCanAdd": false, "disappearingSeconds": 86_400});
        self.api.patch(&path, &edits).await.ok(200);
        self.api.patch(&path, &json!({"sessionId": self.session, "description": ""})).await.ok(200);
        let picture = json!({"sessionId": self.session, "data": "/9j/4AECAw=="});
        self.api.put(&format!("{path}/picture"), &picture).await.ok(200);
        self.api.delete(&format!("{path}/picture?sessionId={}", self.session)).await.ok(200);
        for action in ["promote", "demote", "remove", "add"] {
            self.post(&format!("{path}/participants/{action}"), json!({"participants": [FRIEND]})).await;
        }
        let invite = self.post(&format!("{path}/invite/revoke"), json!({})).await;
        let join = json!({"phone": READER, "code": invite["code"]});
        self.world.control().post("/control/groups/join", &join).await.ok(200);
        self.post(&format!("{path}/requests/reject"), json!({"participants": [READER]})).await;
    }
}

fn kinds<'event>(events: impl IntoIterator<Item = &'event Value>) -> BTreeSet<&'event str> {
    events.into_iter().map(|event| event["event"].as_str().unwrap()).collect()
}

both_backends! {
    async fn every_kind_of_event_comes_by_webhook_and_by_pull_as_the_document_says(backend) {
        let world = World::start_with(backend, &[("WHARF_WEBHOOK_RETRY_PAUSES_SECS", "0.05,0.05,0.05")]).await;
        let limits = json!({"messagesPerDay": MESSAGES_PER_DAY, "callsPerMinute": 20_000, "sessions": 1, "concurrentRequests": 100});
        let (api, _) = world.tenant("small", &limits).await;
        let hook = Hook::start().await;
        hook.judge(|got| Mode::Answer(if got.path == "/gone" && got.kind() != "webhook.test" { 410 } else { 204 }));
        let made = api.post("/v1/webhooks", &json!({"url": hook.url("/all"), "events": ["*"]})).await;
        let webhook = made.ok(201)["webhookId"].as_str().unwrap().to_owned();
        api.post("/v1/webhooks", &json!({"url": hook.url("/gone"), "events": ["session.connected"]})).await.ok(201);
        api.post(&format!("/v1/webhooks/{webhook}/test"), &json!({})).await.ok(200);

        let account = Account::pair(&world, api.clone()).await;
        account.change_a_group().await;
        let called = world.control().post(&format!("/control/phones/{SILENT}/call"), &json!({"to": OWNER, "video": true})).await;
        let taken = json!({"callId": called.ok(200)["callId"], "accept": true});
        world.control().post(&format!("/control/phones/{OWNER}/take-call"), &taken).await.ok(200);
        account.write().await;
        let status = json!({"to": "status@broadcast", "audience": [OWNER], "text": "my day"});
        world.control().post(&format!("/control/phones/{FRIEND}/send"), &status).await.ok(200);
        eventually("the status is there before its account is gone", async || {
            let log = api.log().await;
            kinds(&log).contains("status.received").then_some(()).ok_or(format!("{:?}", kinds(&log)))
        })
        .await;
        world.control().post(&format!("/control/phones/{OWNER}/logout"), &json!({})).await.ok(200);
        account.until("disconnected").await;
        // The same session once more, for an account that WhatsApp asks for a passkey.
        world.control().put(&format!("/control/phones/{GUARDED}/passkey"), &json!({})).await.ok(200);
        let fresh = api.post(&format!("/v1/sessions/{}/restart", account.session), &json!({})).await;
        world.scan(fresh.ok(200)["qr"].as_str().expect("a QR code"), GUARDED).await;

        let wanted: BTreeSet<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let logged: BTreeSet<&str> = wanted.iter().copied().filter(|kind| *kind != "webhook.test").collect();
        let pulled = eventually("every kind stands in the log", async || {
            let pulled = api.log().await;
            let missing: Vec<_> = logged.difference(&kinds(&pulled)).map(|kind| (*kind).to_owned()).collect();
            if missing.is_empty() { Ok(pulled) } else { Err(format!("no {missing:?}")) }
        })
        .await;
        let posted = eventually("the webhook has all of it", async || {
            let posted: Vec<Value> = hook.got("/all").iter().map(crate::harness::Got::event).collect();
            let steps = api.steps().await.len();
            (posted.len() >= steps).then_some(posted).ok_or_else(|| format!("{} of {steps}", hook.got("/all").len()))
        })
        .await;
        let tests: Vec<Value> = hook.tests("/all").iter().map(crate::harness::Got::event).collect();
        assert_eq!(kinds(&pulled), logged);
        assert_eq!(kinds(posted.iter().chain(&tests)), wanted);

        let document = Document(api.with_key("").get("/openapi.json").await.json);
        let bodies = pulled.iter().map(|event| ("pulled", event)).chain(posted.iter().chain(&tests).map(|event| ("posted", event)));
        let faults: Vec<_> = bodies
            .map(|(way, event)| (way, event, document.faults(document.of_event(event["event"].as_str().unwrap()), event)))
            .filter(|(.., faults)| !faults.is_empty())
            .collect();
        assert!(faults.is_empty(), "{faults:#?}");
        let by_id = |events: &[Value]| events.iter().map(|event| (event["eventId"].to_string(), event.clone())).collect::<BTreeMap<_, _>>();
        assert_eq!(by_id(&api.steps().await), by_id(&posted), "one event is one body, whichever way it comes");

        // All that a group can tell, but for what nobody here does or the network does not tell.
        let told: BTreeSet<&str> =
            pulled.iter().filter(|event| event["event"] == "group.updated").map(|event| event["data"]["type"].as_str().unwrap()).collect();
        let untold = ["join_request_withdrawn", "deleted", "other"];
        let all: BTreeSet<&str> = GroupChange::WORDS.into_iter().filter(|word| !untold.contains(word)).collect();
        assert_eq!(told, all);
    }
}
