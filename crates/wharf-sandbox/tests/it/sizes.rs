//! How large a delivery is, and what its test is.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{Api, Backend, Got, Hook, OWNER, SILENT, World, assert_includes, both_backends, eventually};

/// As long as WhatsApp's apps let a text be, in signs of two bytes.
const LETTERS: usize = 65_536;

/// Readers that are told no charset take it for another one.
const JSON: &str = "application/json; charset=utf-8";

async fn create(api: &Api, body: &Value) -> String {
    api.post("/v1/webhooks", body).await.ok(201)["webhookId"].as_str().unwrap().to_owned()
}

async fn one(hook: &Hook, path: &str) -> Got {
    eventually("the delivery arrives", async || hook.got(path).into_iter().next().ok_or_else(|| path.to_owned())).await
}

both_backends! {
    async fn a_large_text_comes_whole_up_to_the_limit_and_one_byte_past_it_says_where_it_is_read(backend) {
        let world = World::start(backend).await;
        let (api, hook) = (world.api(), Hook::start().await);
        let session = world.pair(OWNER).await;
        create(&api, &json!({"url": hook.url("/whole"), "events": ["message.received"]})).await;
        let text = "é".repeat(LETTERS);
        let letter = json!({"to": OWNER, "text": text});
        world.control().post(&format!("/control/phones/{SILENT}/send"), &letter).await.ok(200);
        let whole = one(&hook, "/whole").await;
        assert_eq!((&whole.event()["data"]["text"], whole.event().get("truncated")), (&json!(text), None));

        // One event has the same bytes for every webhook: these two differ by one byte of what they take.
        let size = whole.body.len();
        let since = "2020-01-01T00:00:00Z";
        for (path, max) in [("/fits", size), ("/past", size - 1)] {
            let webhook = create(&api, &json!({"url": hook.url(path), "events": ["message.received"], "maxBytes": max})).await;
            let recovered = api.post(&format!("/v1/webhooks/{webhook}/recover"), &json!({"since": since})).await;
            assert_eq!(recovered.ok(200)["deliveries"], 1);
        }
        assert_eq!(one(&hook, "/fits").await.body, whole.body);
        let past = one(&hook, "/past").await;
        assert!(past.body.len() < size - 1, "{} bytes", past.body.len());
        let (mut told, mut expected) = (past.event(), whole.event());
        assert_eq!(told["truncated"], true);
        let read = api.get(told["path"].as_str().unwrap()).await.ok(200)[0].clone();
        assert_eq!(read, whole.event(), "the path shows the event whole");
        expected["data"].as_object_mut().unwrap().remove("text");
        for member in ["truncated", "path"] {
            told.as_object_mut().unwrap().remove(member);
        }
        assert_eq!(told, expected, "all but the text is there");
        let message = told["data"]["messageId"].as_str().unwrap();
        assert_includes(api.get(&format!("/v1/messages/{message}")).await.ok(200), &json!({"sessionId": session, "text": text}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_says_the_largest_body_that_it_takes_and_can_take_that_back() {
    let world = World::start(Backend::Sqlite).await;
    let (api, hook) = (world.api(), Hook::start().await);
    let made = |max: &Value| json!({"url": hook.url("/x"), "events": ["*"], "maxBytes": max});
    for max in [json!(4_095), json!(4_194_305)] {
        assert_eq!(api.post("/v1/webhooks", &made(&max)).await.refused(ErrorCode::InvalidRequest)["field"], "maxBytes");
    }
    let path = format!("/v1/webhooks/{}", create(&api, &made(&json!(4_096))).await);
    assert_eq!(api.get(&path).await.ok(200)["maxBytes"], 4_096);
    assert_eq!(api.patch(&path, &json!({"maxBytes": 4_194_304})).await.ok(200)["maxBytes"], 4_194_304);
    assert_eq!(api.patch(&path, &json!({"description": "another"})).await.ok(200)["maxBytes"], 4_194_304);
    assert!(api.patch(&path, &json!({"maxBytes": null})).await.ok(200).get("maxBytes").is_none());
}

/// What the documents say of `webhook.test`, sentence by sentence.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_is_signed_like_every_delivery_carries_the_own_headers_and_stands_in_no_log() {
    let world = World::start(Backend::Sqlite).await;
    let (api, hook) = (world.api(), Hook::start().await);
    let secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";
    let session = world.pair(OWNER).await;
    let body = json!({"url": hook.url("/x"), "events": ["message.received"], "sessionId": session, "secret": secret,
        "headers": {"X-Shop": "one"}});
    let webhook = create(&api, &body).await;
    let before = api.log().await.len();
    let asked = api.post(&format!("/v1/webhooks/{webhook}/test"), &json!({})).await;
    let tests = hook.tests("/x");
    assert_eq!(tests.len(), 2, "one before it was made, one on request");
    assert_ne!(tests[0].id(), tests[1].id());
    assert_eq!((&asked.ok(200)["eventId"], asked.header("content-type")), (&json!(tests[1].id()), JSON));
    for test in &tests {
        assert!(test.verifies(secret), "the receiver knew the secret before the answer showed it");
        assert_eq!(test.headers["x-shop"], "one");
        assert_eq!(test.headers["content-type"], JSON);
        let event = test.event();
        assert_includes(&event, &json!({"event": "webhook.test", "sessionId": session, "sequence": 0}));
        assert_eq!(event["data"]["webhookId"], webhook.as_str());
        assert_eq!(event["eventId"], test.id());
    }
    let log = api.log().await;
    assert_eq!(log.len(), before, "{log:?}");
    assert!(log.iter().all(|event| event["event"] != "webhook.test"));
    let deliveries = api.get(&format!("/v1/webhooks/{webhook}/deliveries")).await;
    assert_eq!(deliveries.ok(200), &json!([]), "nor in the list of deliveries");
}
