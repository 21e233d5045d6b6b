//! The quick start's requests, end to end: other words, the same code.

use serde_json::json;
use wharf_api::ErrorCode;

use crate::harness::{ABSENT, Backend, ECHO, Got, Hook, Mode, OWNER, World, api, both_backends, eventually};

const SESSIONS: &str = "/api/whatsapp/sessions";

both_backends! {
    async fn the_quick_start_pairs_and_sends(backend) {
        let world = World::start(backend).await;
        let api = world.api();
        let created = api.post(SESSIONS, &json!({"name": "My first session"})).await;
        let data = created.ok(201);
        assert_eq!(data.as_object().unwrap().len(), 2, "{data}");
        assert!(data["qrCode"].as_str().unwrap().starts_with("data:image/png;base64,"));
        let session = data["sessionId"].as_str().unwrap();

        let qr = api.get(&format!("/v1/sessions/{session}/qr")).await;
        world.scan(qr.ok(200)["qr"].as_str().unwrap(), OWNER).await;
        world.until_connected(session).await;

        let messages = format!("{SESSIONS}/{session}/messages");
        let sent = api.post(&messages, &json!({"to": ECHO, "message": "Hello from the quick start"})).await;
        assert_eq!((&sent.ok(201)["status"], &sent.data()["text"]), (&json!("sent"), &json!("Hello from the quick start")));
        let shown = api.get(&format!("/v1/messages/{}", sent.data()["messageId"].as_str().unwrap())).await;
        assert_eq!(shown.ok(200)["sessionId"], session);
        assert_eq!(world.ledger(ECHO).await.iter().filter(|entry| entry["text"] == "Hello from the quick start").count(), 1);

        api.post(&messages, &json!({"to": ABSENT, "message": "x"})).await.refused(ErrorCode::RecipientNotOnWhatsapp);
        let long = api.post(&messages, &json!({"to": ECHO, "message": "x".repeat(4097)})).await;
        assert_eq!(long.refused(ErrorCode::MessageTooLong)["field"], "message");
        assert_eq!(api.post(&messages, &json!({"to": ECHO})).await.refused(ErrorCode::MissingRequiredParameter)["field"], "message");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_good_is_made_with_the_session_and_a_bad_one_makes_nothing() {
    let world = World::start(Backend::Sqlite).await;
    let (api, hook) = (world.api(), Hook::start().await);
    hook.set("/broken", Mode::Answer(500));
    for (url, code) in [("https://", ErrorCode::InvalidWebhookUrl), (&hook.url("/broken"), ErrorCode::WebhookUrlUnreachable)] {
        let refused = api.post(SESSIONS, &json!({"name": "hooked", "webhook": url})).await;
        assert_eq!(refused.refused(code)["field"], "webhook", "{url}");
    }
    assert_eq!((api.get("/v1/sessions").await.ok(200), api.get("/v1/webhooks").await.ok(200)), (&json!([]), &json!([])));

    let created = api.post(SESSIONS, &json!({"name": "hooked", "webhook": hook.url("/good")})).await;
    let session = created.ok(201)["sessionId"].as_str().unwrap().to_owned();
    let webhooks = api.get("/v1/webhooks").await;
    assert_eq!((&webhooks.ok(200)[0]["sessionId"], &webhooks.data()[0]["events"]), (&json!(session), &json!(["*"])));
    eventually("the session's events arrive", async || {
        let kinds: Vec<_> = hook.got("/good").iter().map(Got::kind).collect();
        kinds.contains(&"session.qr".to_owned()).then_some(()).ok_or(format!("{kinds:?}"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_and_the_same_idempotency_stand_before_the_other_words() {
    let world = World::start(Backend::Sqlite).await;
    let api = world.api();
    api.with_key("").post(SESSIONS, &json!({"name": "x"})).await.refused(ErrorCode::MissingApiKey);
    let none = format!("{SESSIONS}/ses_00000000000000000000000000000000/messages");
    api.post(&none, &json!({"to": ECHO, "message": "x"})).await.refused(ErrorCode::SessionNotFound);

    let create = |name: &str| api::read(api.request("POST", SESSIONS).header("Idempotency-Key", "quick").json(&json!({"name": name})));
    let first = create("once").await;
    let again = create("once").await;
    assert_eq!((first.ok(201), again.header("idempotent-replayed")), (again.ok(201), "true"));
    create("twice").await.refused(ErrorCode::IdempotencyKeyReused);
    assert_eq!(api.get("/v1/sessions").await.ok(200).as_array().unwrap().len(), 1);
}
