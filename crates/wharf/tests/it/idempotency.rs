//! `Idempotency-Key` over HTTP.

use serde_json::json;
use wharf_api::ErrorCode;

use crate::harness::{Gateway, Reply, engine};

async fn send(gateway: &Gateway, key: &str, body: serde_json::Value) -> Reply {
    gateway.post("/v1/messages/text", body).header("Idempotency-Key", key).send().await
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_is_sent_once() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let body = json!({"sessionId": session, "to": engine::SILENT, "text": "once"});
    let first = send(&gateway, "k1", body.clone()).await;
    first.ok(201);
    assert_eq!(first.header("idempotent-replayed"), "");
    let again = send(&gateway, "k1", body).await;
    assert_eq!((again.status, again.header("idempotent-replayed"), &again.body), (201, "true", &first.body));
    // Spaces, the order of members and a default that is written out make no other request.
    let spelled = format!(r#"{{ "async": false, "text": "once", "to": "{}", "sessionId": "{session}" }}"#, engine::SILENT);
    let ask = gateway.post("/v1/messages/text", json!(null)).header("Idempotency-Key", "k1").body(spelled);
    assert_eq!(ask.send().await.body, first.body);
    assert_eq!(gateway.engine.composed(), 1);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused_and_another_operation_has_its_own_keys() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    send(&gateway, "k1", json!({"sessionId": session, "to": engine::SILENT, "text": "a"})).await.ok(201);
    send(&gateway, "k1", json!({"sessionId": session, "to": engine::SILENT, "text": "b"})).await.refused(ErrorCode::IdempotencyKeyReused);
    gateway.post("/v1/sessions", json!({"name": "x"})).header("Idempotency-Key", "k1").send().await.ok(201);
}

#[tokio::test]
async fn a_session_is_created_once() {
    let gateway = Gateway::start().await;
    let create = || gateway.post("/v1/sessions", json!({"name": "x"})).header("Idempotency-Key", "k").send();
    let (first, again) = (create().await, create().await);
    first.ok(201);
    assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &first.body));
    assert_eq!(gateway.get("/v1/sessions").send().await.ok(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refusal_by_whatsapp_is_replayed_and_a_refusal_by_us_may_be_tried_again() {
    let gateway = Gateway::start().await;
    let session = gateway.session().await;
    let body = json!({"sessionId": session, "to": engine::REFUSED, "text": "x"});
    send(&gateway, "k", body.clone()).await.refused(ErrorCode::SessionNotConnected);
    gateway.engine.connect(&session);
    let first = send(&gateway, "k", body.clone()).await;
    first.refused(ErrorCode::MessageSendingFailed);
    let again = send(&gateway, "k", body).await;
    again.refused(ErrorCode::MessageSendingFailed);
    assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &first.body));
    // It is explained and counted as the first was.
    assert_eq!((again.header("link"), again.header("link").is_empty()), (first.header("link"), false));
    let page = String::from_utf8(gateway.ask("GET", "/metrics").send().await.body).unwrap();
    let counted = |code: &str| {
        let name = format!("wharf_requests_total{{operation=\"send_text\",code=\"{code}\"}} ");
        page.lines().find_map(|line| line.strip_prefix(&name)).map(str::to_owned)
    };
    assert_eq!((counted("message_sending_failed").as_deref(), counted("ok")), (Some("2"), None));
}

#[tokio::test]
async fn of_many_at_once_one_is_sent() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let body = json!({"sessionId": session, "to": engine::SILENT, "text": "x"});
    let replies = futures::future::join_all((0..20).map(|_| send(&gateway, "k", body.clone()))).await;
    for reply in &replies {
        reply.ok(201);
        assert_eq!(reply.body, replies[0].body);
    }
    assert_eq!(replies.iter().filter(|reply| reply.header("idempotent-replayed").is_empty()).count(), 1);
    assert_eq!(gateway.get("/v1/messages").send().await.ok(200).as_array().unwrap().len(), 1);
}
