//! Windows of time: what is allowed, kept or valid for so long is so at the end of its time, and not a moment later. The
//! sandbox's clock is put forward for it.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{Api, Backend, Got, Hook, Mode, OWNER, Reply, SILENT, World, api, both_backends, eventually};

/// How long before its end a window is looked at: the test itself takes time too.
const SHORT: u64 = 30;
/// From there to a moment after the end.
const PAST: u64 = 31;

/// In seconds.
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A text that is sent; tells its id.
async fn sent(world: &World, session: &str) -> String {
    let sent = world.send(session, SILENT, "hello").await;
    let id = sent.ok(201)["messageId"].as_str().unwrap().to_owned();
    world.until_message(&id, "delivered").await;
    id
}

async fn keyed(api: &Api, path: &str, body: &Value) -> Reply {
    api::read(api.request("POST", path).header("Idempotency-Key", "k").json(body)).await
}

both_backends! {
    async fn a_text_is_edited_for_15_minutes_and_deleted_for_60_hours(backend) {
        let world = World::start(backend).await;
        let (api, session) = (world.api(), world.pair(OWNER).await);
        let (edited, one, two) = (sent(&world, &session).await, sent(&world, &session).await, sent(&world, &session).await);
        let edit = async |id: &str, text: &str| api.patch(&format!("/v1/messages/{id}"), &json!({"text": text})).await;
        let delete = async |id: &str| api.delete(&format!("/v1/messages/{id}")).await;
        world.advance(15 * MINUTE - SHORT).await;
        edit(&edited, "in time").await.ok(200);
        world.advance(PAST).await;
        edit(&edited, "too late").await.refused(ErrorCode::UnsupportedOperation);
        world.advance(60 * HOUR - 15 * MINUTE - PAST).await;
        delete(&one).await.ok(200);
        world.advance(PAST).await;
        delete(&two).await.refused(ErrorCode::UnsupportedOperation);
        let ledger = world.ledger(SILENT).await;
        assert_eq!(ledger.iter().filter(|entry| entry.to_string().contains("too late")).count(), 0);
    }

    async fn a_key_stands_for_its_first_request_for_a_day_and_for_another_one_after_it(backend) {
        let world = World::start(backend).await;
        let (api, session) = (world.api(), world.pair(OWNER).await);
        let asks = [
            ("/v1/messages/text", json!({"sessionId": session, "to": SILENT, "text": "once a day"}), "messageId"),
            ("/v1/api-keys", json!({"name": "once a day", "permissions": ["messages:read"]}), "apiKey"),
        ];
        let mut first = Vec::new();
        for (path, body, id) in &asks {
            first.push(keyed(&api, path, body).await.ok(201)[*id].clone());
        }
        world.advance(DAY - SHORT).await;
        for ((path, body, id), first) in asks.iter().zip(&first) {
            let again = keyed(&api, path, body).await;
            assert_eq!((&again.ok(201)[*id], again.header("idempotent-replayed")), (first, "true"), "{path}");
        }
        world.advance(PAST).await;
        for ((path, body, id), first) in asks.iter().zip(&first) {
            let new = keyed(&api, path, body).await;
            assert!(new.ok(201)[*id] != *first && new.header("idempotent-replayed").is_empty(), "{path}: {new:?}");
        }
    }

    async fn a_rotated_key_works_and_a_replaced_secret_signs_for_a_day(backend) {
        let world = World::start(backend).await;
        let (api, hook) = (world.api(), Hook::start().await);
        let old = api.post("/v1/api-keys", &json!({"name": "old", "permissions": ["messages:read"]})).await;
        let (id, old) = (old.ok(201)["keyId"].as_str().unwrap().to_owned(), api.with_key(old.data()["apiKey"].as_str().unwrap()));
        api.post(&format!("/v1/api-keys/{id}/rotate"), &json!({})).await.ok(201);
        let made = api.post("/v1/webhooks", &json!({"url": hook.url("/x"), "events": ["session.qr"]})).await;
        let (webhook, first) = (made.ok(201)["webhookId"].as_str().unwrap().to_owned(), made.data()["secret"].as_str().unwrap().to_owned());
        let second = api.post(&format!("/v1/webhooks/{webhook}/rotate-secret"), &json!({})).await.ok(200)["secret"].clone();
        // One courier delivers before the end and after it.
        let delivered = async || {
            let session = api.post("/v1/sessions", &json!({"name": "x"})).await.ok(201)["sessionId"].clone();
            let its = |got: &Got| got.kind() == "session.qr" && got.event()["sessionId"] == session;
            eventually("its code is delivered", async || hook.find("/x", its).ok_or(String::new())).await
        };
        world.advance(DAY - SHORT).await;
        old.get("/v1/messages").await.ok(200);
        let both = delivered().await;
        assert!(both.verifies_but_for_its_time(&first) && both.verifies_but_for_its_time(second.as_str().unwrap()));
        world.advance(PAST).await;
        old.get("/v1/messages").await.refused(ErrorCode::ExpiredApiKey);
        let one = delivered().await;
        assert!(!one.verifies_but_for_its_time(&first) && one.verifies_but_for_its_time(second.as_str().unwrap()));
    }

    async fn a_file_stays_for_the_days_of_the_plan(backend) {
        let world = World::start(backend).await;
        let api = world.api();
        let uploaded = api::read(api.request("POST", "/v1/media?mediaType=document").body("a file")).await;
        let path = format!("/v1/media/{}", uploaded.ok(201)["mediaId"].as_str().unwrap());
        world.advance(30 * DAY - SHORT).await;
        let served = api.get(&path).await;
        assert_eq!((served.status, served.bytes.as_slice()), (200, b"a file".as_slice()));
        world.advance(PAST).await;
        api.get(&path).await.refused(ErrorCode::ResourceNotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_fails_is_tried_ten_times_over_three_days() {
    let world = World::start(Backend::Sqlite).await;
    let (api, hook) = (world.api(), Hook::start().await);
    let made = api.post("/v1/webhooks", &json!({"url": hook.url("/x"), "events": ["session.qr"]})).await;
    let webhook = made.ok(201)["webhookId"].as_str().unwrap().to_owned();
    hook.set("/x", Mode::Answer(500));
    let session = api.post("/v1/sessions", &json!({"name": "x"})).await.ok(201)["sessionId"].as_str().unwrap().to_owned();
    let first = eventually("a first try", async || hook.find("/x", |got| got.status == 500).ok_or(String::new())).await;
    // Its code would be renewed, which is an event of its own.
    api.delete(&format!("/v1/sessions/{session}")).await.ok(200);
    let tries = || hook.count("/x", |got| got.status == 500 && got.id() == first.id());
    let time = |at: &Value| serde_json::from_value::<wharf_api::Timestamp>(at.clone()).unwrap().as_millis();
    let seconds = [5, 5 * 60, 30 * 60].into_iter().chain([2, 5, 10, 14, 20, 24].map(|hours| hours * 3600));
    for (place, pause) in seconds.clone().enumerate() {
        let written = async || {
            let listed = api.get(&format!("/v1/webhooks/{webhook}/deliveries?limit=200")).await.ok(200).as_array().unwrap().clone();
            let its = listed.into_iter().find(|delivery| delivery["eventId"] == first.id()).unwrap();
            let count = its["attempts"].as_array().unwrap().len();
            if count > place { Ok(its) } else { Err(its.to_string()) }
        };
        let its = eventually("the try is written down", written).await;
        // The first pause may be over before a slow machine has looked.
        if place > 0 {
            let wait = time(&its["nextAttemptAt"]) - time(&its["attempts"][place]["at"]);
            assert!(wait >= i64::try_from(pause).unwrap() * 800, "it is due before its time: {pause} s in {its}");
        }
        // A fifth shorter is the soonest, a fifth longer the latest.
        world.advance(pause * 4 / 5 - 2).await;
        world.advance(pause * 2 / 5 + 4).await;
        eventually("one more try", async || (tries() == place + 2).then_some(()).ok_or(tries().to_string())).await;
    }
    let failed = eventually("it has failed", async || {
        let failed =
            api.get(&format!("/v1/webhooks/{webhook}/deliveries?limit=200&status=failed")).await.ok(200).as_array().unwrap().clone();
        failed.iter().find(|delivery| delivery["eventId"] == first.id()).cloned().ok_or(format!("{failed:?}"))
    })
    .await;
    assert_eq!(tries(), 10);
    // By the gateway's own clock, on which the test's time counts too.
    let times: Vec<i64> = failed["attempts"].as_array().unwrap().iter().map(|attempt| time(&attempt["at"])).collect();
    for (two, pause) in times.windows(2).zip(seconds) {
        assert!(two[1] - two[0] >= i64::try_from(pause).unwrap() * 800, "not before its time: {pause} s in {failed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_goes_forward_only_and_stays_there_over_a_restart() {
    let mut world = World::start(Backend::Sqlite).await;
    let clock = |world: &mut World| Api::new(world.gateway().ready["clockUrl"].as_str().unwrap(), "");
    let door = clock(&mut world);
    for bad in [json!({"advanceSeconds": -1}), json!({"advanceSeconds": 1_000_000_000_000_u64}), json!({}), json!({"to": "tomorrow"})] {
        assert_eq!(door.post("", &bad).await.status, 400, "{bad}");
    }
    assert_eq!(door.get("").await.ok(200)["aheadSeconds"], 0);
    world.advance(DAY).await;
    let ahead = door.get("").await.ok(200).clone();
    assert_eq!(ahead["aheadSeconds"], 86_400);
    world.kill_gateway().await;
    world.start_gateway(&[]).await;
    let after = clock(&mut world).get("").await.ok(200).clone();
    assert_eq!(after["aheadSeconds"], 86_400);
    assert!(after["now"].as_str() >= ahead["now"].as_str());
}
