//! Statuses: posted for those whom they are for, seen, liked, answered and taken back; and those of others, where they are wanted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::checker::{Ground, Promise};
use crate::harness::{ABSENT, Backend, OWNER, READER, SILENT, World, both_backends, eventually};
use crate::kill::armed;
use crate::media::{file, hash};

const SECOND: &str = "15550000002";
const FRIEND: &str = "15551000001";
const CHAT: &str = "status@broadcast";

/// What the phone shows of this status; at most one entry has an id.
async fn seen(world: &World, phone: &str, wa_id: &str) -> Vec<Value> {
    let ledger = world.control().get(&format!("/control/phones/{phone}/messages?chat={CHAT}&id={wa_id}")).await;
    ledger.ok(200).as_array().unwrap().clone()
}

async fn until_seen(world: &World, phone: &str, wa_id: &str) -> Value {
    eventually(&format!("{phone} shows the status"), async || {
        let mut seen = seen(world, phone, wa_id).await;
        assert!(seen.len() <= 1, "{phone} shows it twice: {seen:?}");
        seen.pop().ok_or("not yet".to_owned())
    })
    .await
}

async fn post(world: &World, session: &str, mut body: Value) -> Value {
    body["sessionId"] = json!(session);
    body["to"] = json!("status");
    let kind = if body["text"].is_null() { "media" } else { "text" };
    world.api().post(&format!("/v1/messages/{kind}"), &body).await.ok(201).clone()
}

fn id(message: &Value) -> &str {
    message["messageId"].as_str().unwrap()
}

fn wa_id(message: &Value) -> &str {
    message["whatsappId"].as_str().unwrap()
}

/// The numbers of those who have given this receipt.
fn who(message: &Value, receipt: &str) -> Vec<String> {
    let receipts = message["receipts"].as_array().unwrap().iter().filter(|one| one[receipt].is_string());
    let mut who: Vec<_> = receipts.map(|one| one["participant"]["phoneNumber"].as_str().unwrap().to_owned()).collect();
    who.sort();
    who
}

both_backends! {
    async fn a_status_reaches_those_whom_it_is_for_and_tells_who_has_seen_it(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let text = post(&world, &session, json!({"text": "open until eight", "audience": [READER, SILENT], "backgroundColor": "#AA5500"})).await;
        assert_eq!((&text["chat"]["chatId"], &text["status"]), (&json!(CHAT), &json!("sent")), "{text}");
        let picture = file("image", 20_000);
        let image = json!({"mediaType": "image", "data": STANDARD.encode(&picture), "caption": "today", "audience": [READER, FRIEND]});
        let image = post(&world, &session, image).await;

        for phone in [READER, SILENT, OWNER] {
            let shown = until_seen(&world, phone, wa_id(&text)).await;
            assert_eq!((&shown["text"], &shown["background"]), (&json!("open until eight"), &json!("#AA5500")), "{shown}");
        }
        let shown = until_seen(&world, FRIEND, wa_id(&image)).await;
        assert_eq!((&shown["media"]["sha256"], &shown["media"]["caption"]), (&json!(hash(&picture)), &json!("today")), "{shown}");
        // The second one went out in the chain of the first, and its own people alone got it.
        assert!(seen(&world, SILENT, wa_id(&image)).await.is_empty());
        assert!(seen(&world, FRIEND, wa_id(&text)).await.is_empty());

        let found = world.until_message(id(&text), "read").await;
        assert_eq!(who(&found, "readAt"), [READER]);
        eventually("both have it", async || {
            let found = world.api().get(&format!("/v1/messages/{}", id(&text))).await;
            let who = who(found.ok(200), "deliveredAt");
            (who == [SILENT, READER]).then_some(()).ok_or(format!("{who:?}"))
        })
        .await;
    }

    async fn a_status_that_a_kill_met_is_posted_once_to_all_of_them(backend) {
        let (mut world, session, kill_file) = armed(backend).await;
        world.until_connected(&session).await;
        std::fs::write(&kill_file, "S3-written").unwrap();
        let body = json!({"sessionId": session, "to": "status", "text": "through the cut", "audience": [READER, SILENT, FRIEND], "async": true});
        let accepted = world.api().try_post("/v1/messages/text", &body).await;
        world.gateway().ended().await;
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        let list = world.api().get(&format!("/v1/messages?chatId={CHAT}")).await;
        let [row] = list.ok(200).as_array().unwrap().as_slice() else { panic!("{list:?} after {accepted:?}") };
        for phone in [READER, SILENT, FRIEND] {
            until_seen(&world, phone, wa_id(row)).await;
        }
        world.until_message(id(row), "read").await;
        let mut ground = Ground::of(OWNER, &session);
        for phone in [READER, SILENT, FRIEND] {
            ground.accepted.insert(id(row).to_owned(), Promise { at: phone, text: Some("through the cut".to_owned()) });
            ground.is_sound(&world, None).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_liked_answered_and_taken_back() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let status = post(&world, &session, json!({"text": "who comes?", "audience": [SILENT, FRIEND]})).await;
    until_seen(&world, SILENT, wa_id(&status)).await;

    let like = json!({"id": wa_id(&status), "emoji": "❤"});
    world.control().post(&format!("/control/phones/{SILENT}/react"), &like).await.ok(200);
    eventually("the like stands on the status", async || {
        let found = world.api().get(&format!("/v1/messages/{}", id(&status))).await;
        (found.ok(200)["reactions"][0]["emoji"] == "❤").then_some(()).ok_or(format!("{found:?}"))
    })
    .await;
    let answer = json!({"to": OWNER, "text": "I do", "replyTo": wa_id(&status)});
    world.control().post(&format!("/control/phones/{SILENT}/send"), &answer).await.ok(200);
    eventually("the answer names the status", async || {
        let list = world.api().get(&format!("/v1/messages?chatId={SILENT}&direction=incoming")).await;
        let rows = list.ok(200).as_array().unwrap().clone();
        rows.iter()
            .any(|row| row["text"] == "I do" && row["replyTo"]["messageId"] == status["messageId"])
            .then_some(())
            .ok_or(format!("{rows:?}"))
    })
    .await;

    let changed = world.api().patch(&format!("/v1/messages/{}", id(&status)), &json!({"text": "nobody"})).await;
    changed.refused(ErrorCode::UnsupportedOperation);
    let own = json!({"messageId": id(&status), "emoji": "❤"});
    world.api().post("/v1/messages/reaction", &own).await.refused(ErrorCode::UnsupportedOperation);
    world.api().delete(&format!("/v1/messages/{}", id(&status))).await.ok(200);
    for phone in [SILENT, FRIEND] {
        eventually(&format!("{phone} does not show it any more"), async || {
            let shown = until_seen(&world, phone, wa_id(&status)).await;
            (shown["deleted"] == true && shown["text"].is_null()).then_some(()).ok_or(format!("{shown}"))
        })
        .await;
    }
    assert_eq!(world.api().get(&format!("/v1/messages/{}", id(&status))).await.ok(200)["type"], "deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_status_is_refused_with_its_code() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let api = world.api();
    let text = async |mut body: Value| {
        body["sessionId"] = json!(session);
        body["to"] = body["to"].take().as_str().map_or(json!("status"), |to| json!(to));
        if body["text"].is_null() {
            body["text"] = json!("hello");
        }
        api.post("/v1/messages/text", &body).await
    };
    for (body, field) in [
        (json!({}), "audience"),
        (json!({"audience": []}), "audience"),
        (json!({"audience": (0..1025).map(|n| format!("1555200{n:04}")).collect::<Vec<_>>()}), "audience"),
        (json!({"audience": [SILENT], "backgroundColor": "green"}), "backgroundColor"),
        (json!({"audience": [SILENT], "mentions": [SILENT]}), "mentions"),
        (json!({"to": SILENT, "audience": [SILENT]}), "audience"),
        (json!({"to": SILENT, "backgroundColor": "#112233"}), "backgroundColor"),
    ] {
        assert_eq!(text(body).await.refused(ErrorCode::InvalidRequest)["field"], field);
    }
    let numbers = [
        (json!([SILENT, "nobody"]), "audience[1]"),
        (json!([SILENT, FRIEND, SILENT]), "audience[2]"),
        (json!(["120363000000000001@g.us"]), "audience[0]"),
    ];
    for (audience, field) in numbers {
        assert_eq!(text(json!({"audience": audience})).await.refused(ErrorCode::InvalidPhoneNumber)["field"], field);
    }
    assert_eq!(text(json!({"audience": [SILENT, ABSENT]})).await.refused(ErrorCode::RecipientNotOnWhatsapp)["field"], "audience[1]");

    for (kind, body) in [
        ("location", json!({"latitude": 1.0, "longitude": 2.0})),
        ("contact", json!({"contacts": [{"name": "Ada", "phoneNumbers": [FRIEND]}]})),
        ("poll", json!({"question": "which?", "options": ["this", "that"]})),
    ] {
        let mut body = body;
        (body["sessionId"], body["to"]) = (json!(session), json!("status"));
        api.post(&format!("/v1/messages/{kind}"), &body).await.refused(ErrorCode::UnsupportedOperation);
    }
    let media = |kind: &str, more: Value| {
        let mut body = json!({"sessionId": session, "to": "status", "audience": [SILENT], "mediaType": kind, "data": STANDARD.encode(file(kind, 2_000))});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for body in [media("document", json!({})), media("sticker", json!({})), media("audio", json!({}))] {
        api.post("/v1/messages/media", &body).await.refused(ErrorCode::UnsupportedOperation);
    }
    let once = media("image", json!({"viewOnce": true}));
    assert_eq!(api.post("/v1/messages/media", &once).await.refused(ErrorCode::InvalidRequest)["field"], "viewOnce");
    let kept = world.send(&session, SILENT, "to be forwarded").await;
    let forward = format!("/v1/messages/{}/forward", id(kept.ok(201)));
    api.post(&forward, &json!({"to": "status"})).await.refused(ErrorCode::UnsupportedOperation);
    assert!(api.get(&format!("/v1/messages?chatId={CHAT}")).await.ok(200).as_array().unwrap().is_empty(), "something was posted after all");
}

both_backends! {
    async fn statuses_of_others_come_in_as_events_of_their_own_and_can_be_seen_and_answered(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let second = world.pair(SECOND).await;
        let picture = file("image", 9_000);
        let told = json!({"to": CHAT, "audience": [OWNER, SECOND], "type": "image", "data": STANDARD.encode(&picture), "caption": "the sea"});
        let told = world.control().post(&format!("/control/phones/{FRIEND}/send"), &told).await;
        let posted = told.ok(200)["id"].as_str().unwrap().to_owned();

        let mut rows = Vec::new();
        for session in [&session, &second] {
            rows.push(eventually("the status is there with its file", async || {
                let list = world.api().get(&format!("/v1/messages?sessionId={session}&chatId={CHAT}")).await;
                let row = list.ok(200).as_array().unwrap().iter().find(|row| row["whatsappId"] == posted.as_str()).cloned();
                row.filter(|row| row["mediaStatus"] == "stored").ok_or(format!("{list:?}"))
            }).await);
        }
        let row = &rows[0];
        assert_eq!((&row["type"], &row["caption"], &row["from"]["phoneNumber"]), (&json!("image"), &json!("the sea"), &json!(FRIEND)), "{row}");
        let got = world.api().get(&format!("/v1/media/{}", row["mediaId"].as_str().unwrap())).await;
        assert_eq!(hash(&got.bytes), hash(&picture));
        let kinds = async |name: &str| {
            let events = world.api().get(&format!("/v1/events?cursor=oldest&limit=200&events={name}&sessionId={session}")).await;
            events.ok(200).as_array().unwrap().iter().filter(|event| event["data"]["whatsappId"] == posted.as_str()).count()
        };
        assert_eq!((kinds("status.received").await, kinds("message.received").await), (1, 0));

        world.api().post(&format!("/v1/messages/{}/read", id(row)), &json!({})).await.ok(200);
        eventually("its author knows who saw it", async || {
            let entry = until_seen(&world, FRIEND, &posted).await;
            entry["readAtMs"].is_number().then_some(()).ok_or(format!("{entry}"))
        })
        .await;
        let chats = world.api().get(&format!("/v1/chats?sessionId={session}")).await;
        assert!(chats.ok(200).as_array().unwrap().is_empty(), "statuses are no chat: {chats:?}");
        let liked = world.api().post("/v1/messages/reaction", &json!({"messageId": id(row), "emoji": "❤"})).await;
        assert_eq!(liked.ok(201)["status"], "sent");
        eventually("its author sees who likes it", async || {
            let entry = until_seen(&world, FRIEND, &posted).await;
            (entry["reactions"][OWNER] == "❤").then_some(()).ok_or(format!("{entry}"))
        })
        .await;
        assert_eq!(world.api().get(&format!("/v1/messages/{}", id(row))).await.ok(200)["reactions"][0]["emoji"], "❤");
        world.api().delete(&format!("/v1/messages/{}", id(row))).await.refused(ErrorCode::UnsupportedOperation);
        let answer = json!({"sessionId": session, "to": FRIEND, "text": "how blue", "replyTo": id(row)});
        let answer = world.api().post("/v1/messages/text", &answer).await;
        let answer = answer.ok(201);
        assert_eq!(answer["replyTo"]["whatsappId"], posted.as_str());
        let wrong = json!({"sessionId": session, "to": SILENT, "text": "how blue", "replyTo": id(row)});
        assert_eq!(world.api().post("/v1/messages/text", &wrong).await.refused(ErrorCode::InvalidRequest)["field"], "replyTo");
        let ledger = world.ledger(FRIEND).await;
        let shown = ledger.iter().find(|entry| entry["id"] == answer["whatsappId"]).unwrap();
        assert_eq!((&shown["quoted"], &shown["quotedChat"]), (&json!(posted), &json!(CHAT)), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_of_others_are_left_out_where_they_are_not_wanted() {
    let world = World::start_with(Backend::Sqlite, &[("WHARF_RECEIVE_STATUSES", "false")]).await;
    let session = world.pair(OWNER).await;
    let told =
        world.control().post(&format!("/control/phones/{FRIEND}/send"), &json!({"to": CHAT, "audience": [OWNER], "text": "my day"})).await;
    told.ok(200);
    let own = post(&world, &session, json!({"text": "mine", "audience": [FRIEND]})).await;
    until_seen(&world, FRIEND, wa_id(&own)).await;
    world.control().post(&format!("/control/phones/{FRIEND}/react"), &json!({"id": wa_id(&own), "emoji": "👏"})).await.ok(200);
    world.phone_sends(FRIEND, OWNER, "after it").await;
    eventually("what came after it is there", async || {
        let list = world.api().get(&format!("/v1/messages?sessionId={session}&direction=incoming")).await;
        let rows = list.ok(200).as_array().unwrap().clone();
        assert!(rows.iter().all(|row| row["chat"]["chatId"] != CHAT || row["type"] == "reaction"), "{rows:?}");
        rows.iter().any(|row| row["text"] == "after it").then_some(()).ok_or(format!("{rows:?}"))
    })
    .await;
    let found = world.api().get(&format!("/v1/messages/{}", id(&own))).await;
    assert_eq!(found.ok(200)["reactions"][0]["emoji"], "👏", "what others say of ours comes in all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_open_a_status_asks_again_and_gets_it() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let first = post(&world, &session, json!({"text": "first", "audience": [SILENT]})).await;
    until_seen(&world, SILENT, wa_id(&first)).await;
    world.control().post(&format!("/control/phones/{SILENT}/forget-sender-keys"), &json!({})).await.ok(200);
    let second = post(&world, &session, json!({"text": "second", "audience": [SILENT]})).await;
    assert_eq!(until_seen(&world, SILENT, wa_id(&second)).await["text"], "second");
}
