//! Refusals by the network that time may heal, as a customer sees them: accepted, held back, shown, and nobody else waits.

use serde_json::json;
use wharf_api::ErrorCode;

use crate::harness::{Backend, ECHO, OWNER, World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_reach_out_time_lock_is_shown_on_the_messages_that_wait_and_known_chats_go_on() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    world.send(&session, ECHO, "hello").await.ok(201);

    let locked = world.send(&session, "15550007463", "locked").await;
    assert_eq!((&locked.ok(201)["status"], &locked.data()["heldReason"]), (&json!("queued"), &json!("reachout_timelock")), "{locked:?}");
    assert!(locked.data()["heldUntil"].is_string(), "{locked:?}");
    let stranger = world.send(&session, "15550002001", "a stranger").await;
    assert_eq!(
        (&stranger.ok(201)["status"], &stranger.data()["heldReason"]),
        (&json!("queued"), &json!("reachout_timelock")),
        "{stranger:?}"
    );
    assert_eq!(world.send(&session, ECHO, "goes on").await.ok(201)["status"], "sent");

    let id = stranger.data()["messageId"].as_str().unwrap();
    let shown = world.api().get(&format!("/v1/messages/{id}")).await;
    assert_eq!(shown.ok(200)["heldUntil"], stranger.data()["heldUntil"]);
    assert_eq!(world.ledger("15550002001").await.len(), 0);
    let waiting =
        world.api().post("/v1/messages/text", &json!({"sessionId": session, "to": "15550002002", "text": "x", "async": true})).await;
    assert_eq!(waiting.ok(201)["status"], "queued");
    let metrics = world.api().get("/metrics").await;
    assert!(String::from_utf8_lossy(&metrics.bytes).contains("wharf_sends_total{outcome=\"held\"} 1"), "not knocked at again and again");

    // Who writes to us is no stranger any more.
    world.control().post("/control/phones/15550002001/send", &json!({"to": OWNER, "text": "who is it?"})).await;
    world.until_message(id, "delivered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_explained_where_its_message_is_shown() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let refused = world.send(&session, "15550007479", "no").await;
    let details = refused.refused(ErrorCode::MessageSendingFailed);
    let reason = details["reason"].as_str().unwrap();
    assert!(reason.contains("(479): "), "{reason}");
    let shown = world.api().get(&format!("/v1/messages/{}", details["messageId"].as_str().unwrap())).await;
    assert_eq!(shown.ok(200)["error"], json!({"code": "message_sending_failed", "reason": reason}));

    // One refusal for overload costs a second, and the message goes out under the same request.
    world.control().post("/control/faults", &json!({"action": "nack", "to": ECHO, "code": 503, "times": 1})).await;
    let sent = world.send(&session, ECHO, "a second try").await;
    assert_eq!(sent.ok(201)["status"], "sent", "{sent:?}");
    assert!(sent.data()["heldUntil"].is_null(), "{sent:?}");

    let capped = world.send(&session, "15550007475", "one new chat too many").await;
    assert_eq!((&capped.ok(201)["status"], &capped.data()["heldReason"]), (&json!("queued"), &json!("new_chat_limit")), "{capped:?}");

    world.control().post("/control/faults", &json!({"action": "nack", "to": ECHO, "code": 503})).await;
    let held = world.send(&session, ECHO, "overload").await;
    assert_eq!(held.ok(201)["status"], "queued", "{held:?}");
    let id = held.data()["messageId"].as_str().unwrap();
    // Between two tries it is held; at the very moment of one it is not.
    eventually("it says why it waits", async || {
        let shown = world.api().get(&format!("/v1/messages/{id}")).await;
        (shown.data()["heldReason"] == "overload").then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
    world.control().delete("/control/faults").await;
    world.until_message(id, "read").await;
    eventually("the hold is gone with it", async || {
        let shown = world.api().get(&format!("/v1/messages/{id}")).await;
        shown.data()["heldUntil"].is_null().then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
}
