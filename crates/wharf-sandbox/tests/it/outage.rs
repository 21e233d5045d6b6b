//! The database is away, silent, or loses the answer to a commit; the disk is full. Nothing accepted is lost or doubled,
//! callers are told to come back, and nobody has to restart anything.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use wharf_api::ErrorCode;

use crate::harness::chaos::Way;
use crate::harness::readiness;
use crate::harness::{Api, Backend, OWNER, READER, Reply, SILENT, World, api, eventually};

/// Calls are refused within three seconds, and would else wait as long as the way is silent; the rest is for a loaded machine.
const REFUSED_WITHIN: Duration = Duration::from_secs(20);

async fn refused_soon(what: &str, call: impl Future<Output = Reply>) {
    let began = Instant::now();
    let reply = call.await;
    eprintln!("{what}: {} after {:?}", reply.status, began.elapsed());
    let details = reply.refused(ErrorCode::ServiceUnavailable);
    assert!(reply.header("retry-after").parse::<u64>().unwrap() >= 1, "{reply:?}");
    assert!(details["retryAfter"].is_u64(), "{reply:?}");
    assert!(began.elapsed() < REFUSED_WITHIN, "{what}: {:?}", began.elapsed());
}

async fn texts(world: &World, number: &str) -> Vec<(String, u64)> {
    let text = |entry: &Value| (entry["text"].as_str().unwrap_or_default().to_owned(), entry["copies"].as_u64().unwrap());
    world.ledger(number).await.iter().map(text).collect()
}

/// Cuts the way, asks everything, opens it again, and looks whether all goes on.
async fn an_outage(way: Way, state: &str) {
    let world = World::start_behind_chaos().await;
    let session = world.pair(OWNER).await;
    world.send(&session, READER, "before").await.ok(201);
    let (api, open) = (world.api(), world.api().with_key(""));

    // One message is on the wire while the database goes: its acknowledgement cannot be written down.
    world.control().post("/control/faults", &json!({"action": "delay_ack", "to": SILENT, "delayMs": 1500, "times": 1})).await;
    let body = json!({"sessionId": session, "to": SILENT, "text": "in flight", "async": true});
    let in_flight = api.post("/v1/messages/text", &body).await.ok(201)["messageId"].as_str().unwrap().to_owned();
    eventually("it is on the wire", async || {
        let seen = texts(&world, SILENT).await;
        if seen.is_empty() { Err(format!("{seen:?}")) } else { Ok(()) }
    })
    .await;

    world.chaos().make(way);
    let refusals = async {
        let text = json!({"sessionId": session, "to": READER, "text": "refused"});
        for _ in 0..3 {
            refused_soon("GET /v1/sessions", api.get("/v1/sessions")).await;
            refused_soon("POST /v1/messages/text", api.post("/v1/messages/text", &text)).await;
            refused_soon("POST /v1/sessions", api.post("/v1/sessions", &json!({"name": "refused"}))).await;
            refused_soon("GET /readyz", open.get("/readyz")).await;
            open.get("/healthz").await.ok(200);
            open.get("/v1/errors").await.ok(200);
        }
    };
    tokio::join!(refusals, readiness::until(&open, state, false));
    let metrics = open.get("/metrics").await;
    assert!(String::from_utf8_lossy(&metrics.bytes).contains("\nwharf_database_up 0"), "{metrics:?}");
    // A key that this process has not seen cannot be looked up: that is not a bad key.
    refused_soon("a key", api.with_key(&world.unseen_key).get("/v1/account")).await;

    world.chaos().make(Way::Open);
    readiness::until(&open, state, true).await;
    world.until_message(&in_flight, "delivered").await;
    let after = eventually("it sends again", async || {
        let reply = world.send(&session, READER, "after").await;
        match reply.status {
            201 => Ok(reply),
            // The session may be connecting, or its keys may have had to be read again.
            400 | 503 => Err(format!("{reply:?}")),
            _ => panic!("{reply:?}"),
        }
    })
    .await;
    world.until_message(after.data()["messageId"].as_str().unwrap(), "read").await;
    assert_eq!(texts(&world, SILENT).await.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(), ["in flight"]);
    let read: Vec<_> = texts(&world, READER).await.into_iter().map(|(text, _)| text).filter(|text| text != "refused").collect();
    assert_eq!(read, ["before", "after"]);
    let sessions = api.get("/v1/sessions").await;
    assert_eq!(sessions.ok(200).as_array().unwrap().len(), 1, "{sessions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_cut_off_is_unavailable_and_back_without_a_restart() {
    an_outage(Way::Cut, "PostgreSQL is cut off").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_silent_is_unavailable_and_back_without_a_restart() {
    an_outage(Way::Silent, "PostgreSQL is silent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_its_keys_cannot_be_read_comes_again_and_is_never_taken_for_undecryptable() {
    let mut world = World::start_behind_chaos().await;
    let session = world.pair(OWNER).await;
    let text = |text: &str| json!({"type": "text", "text": text});
    let first = world.writes_as(SILENT, OWNER, text("first")).await;
    world.row(&session, &first, |row| row["type"] == "text").await;
    // The keys of this person are in the database, and not in the new process.
    world.stop_gateway().await;
    world.start_gateway(&[]).await;
    world.until_connected(&session).await;
    world.chaos().make(Way::Cut);
    let mut came = Vec::new();
    for number in 0..5 {
        came.push(world.writes_as(SILENT, OWNER, text(&format!("in the dark {number}"))).await);
    }
    eventually("the keys are asked for", async || {
        let log = world.gateway().log();
        if log.contains("the keys of a message cannot be read") { Ok(()) } else { Err(log) }
    })
    .await;
    world.chaos().make(Way::Open);
    for id in &came {
        world.row(&session, id, |row| row["type"] == "text").await;
    }
    let metrics = world.api().with_key("").get("/metrics").await;
    assert!(String::from_utf8_lossy(&metrics.bytes).contains("\nwharf_undecryptable_total 0\n"), "{metrics:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_looked_up_and_not_done_twice() {
    let world = World::start_behind_chaos().await;
    let session = world.pair(OWNER).await;
    let api = world.api();
    for (number, key) in [(1, None), (2, Some("key-2"))] {
        let body = json!({"sessionId": session, "to": SILENT, "text": format!("lost answer {number}")});
        world.chaos().lose_the_commit_of(&format!("lost answer {number}"));
        let mut request = api.request("POST", "/v1/messages/text").json(&body);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let reply = api::read(request).await;
        let id = reply.ok(201)["messageId"].as_str().unwrap().to_owned();
        assert_eq!(world.chaos().lost(), number, "the answer was really lost");
        world.until_message(&id, "delivered").await;
    }
    let shown = texts(&world, SILENT).await;
    assert_eq!(shown, [("lost answer 1".to_owned(), 1), ("lost answer 2".to_owned(), 1)]);
    let list = api.get(&format!("/v1/messages?sessionId={session}&direction=outgoing")).await;
    assert_eq!(list.ok(200).as_array().unwrap().len(), 2);
    assert_eq!(api.get("/v1/usage").await.ok(200)["today"]["messages"], 2);

    world.chaos().lose_the_commit_of("a lost session");
    api.post("/v1/sessions", &json!({"name": "a lost session"})).await.ok(201);
    world.chaos().lose_the_commit_of("a lost key");
    let made = api.post("/v1/api-keys", &json!({"name": "a lost key", "permissions": ["account:read"]})).await;
    api.with_key(made.ok(201)["apiKey"].as_str().unwrap()).get("/v1/account").await.ok(200);
    world.chaos().lose_the_commit_of("a lost key");
    let rotated = api.post(&format!("/v1/api-keys/{}/rotate", made.ok(201)["keyId"].as_str().unwrap()), &json!({})).await;
    api.with_key(rotated.ok(201)["apiKey"].as_str().unwrap()).get("/v1/account").await.ok(200);
    world.chaos().lose_the_commit_of("a lost file");
    let upload = api.request("POST", "/v1/media?mediaType=document&fileName=a%20lost%20file").body("its bytes");
    let kept = api::read(upload).await;
    let file = api.get(&format!("/v1/media/{}", kept.ok(201)["mediaId"].as_str().unwrap())).await;
    assert_eq!((file.status, file.bytes.as_slice()), (200, b"its bytes".as_slice()));
    assert_eq!(world.chaos().lost(), 6);
    assert_eq!(api.get("/v1/sessions").await.ok(200).as_array().unwrap().len(), 2);
}

/// Why readiness was refused.
fn reason(reply: &Reply) -> &Value {
    &reply.json["error"]["details"]["reason"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_unavailable_and_all_is_well_when_there_is_room_again() {
    let Some(disk) = crate::harness::disk::Small::mount() else {
        eprintln!("no small disk can be made here: the test shows nothing");
        return;
    };
    let world = World::start_in(Backend::Sqlite, disk.path()).await;
    let session = world.pair(OWNER).await;
    world.send(&session, SILENT, "before").await.ok(201);
    disk.fill();
    let api: Api = world.api();
    let full = eventually("a write meets the full disk", async || {
        let reply = api.post("/v1/api-keys", &json!({"name": "k".repeat(100), "permissions": ["account:read"]})).await;
        if reply.status == 201 { Err(format!("{reply:?}")) } else { Ok(reply) }
    })
    .await;
    full.refused(ErrorCode::ServiceUnavailable);
    assert!(full.header("retry-after").parse::<u64>().unwrap() >= 1 && reason(&full).is_null(), "{full:?}");
    api.get("/v1/account").await.ok(200);
    disk.empty();
    eventually("writes go on", async || {
        let reply = api.post("/v1/api-keys", &json!({"name": "k", "permissions": ["account:read"]})).await;
        (reply.status == 201).then_some(()).ok_or(format!("{reply:?}"))
    })
    .await;
    let after = eventually("sends go on", async || {
        let reply = world.send(&session, SILENT, "after").await;
        (reply.status == 201).then_some(reply.data()["messageId"].as_str().unwrap_or_default().to_owned()).ok_or(format!("{reply:?}"))
    })
    .await;
    world.until_message(&after, "delivered").await;
    let shown: Vec<_> = texts(&world, SILENT).await.into_iter().map(|(text, _)| text).collect();
    assert_eq!(shown, ["before", "after"]);
}
