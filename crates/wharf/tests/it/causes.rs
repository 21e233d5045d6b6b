//! Codes whose cause the other tests do not bring about.

use serde_json::json;
use wharf_api::types::session::SessionStatus;
use wharf_api::{ErrorCode, Permission};
use wharf_core::key::{self, NewKey};

use crate::harness::{Gateway, engine};

#[tokio::test]
async fn a_code_that_nobody_scanned_in_time_is_expired() {
    let gateway = Gateway::start().await;
    let session = gateway.session().await;
    gateway.engine.set(&session, SessionStatus::QrExpired, None);
    gateway.get(&format!("/v1/sessions/{session}/qr")).send().await.refused(ErrorCode::QrCodeExpired);
}

#[tokio::test]
async fn a_plan_s_last_message_of_the_day_passes_and_the_next_is_refused_until_midnight() {
    let gateway = Gateway::start().await;
    gateway.begin_a_day();
    let new = NewKey {
        account: gateway.account.clone(),
        name: "operator".into(),
        permissions: Vec::new(),
        expires_at: None,
        sessions: None,
        operator: true,
    };
    let operator = key::create(&gateway.services, new).await.unwrap().1.reveal().to_owned();
    let limits = json!({"messagesPerDay": 1, "callsPerMinute": 100, "sessions": 1, "concurrentRequests": 10});
    gateway.ask("PUT", "/v1/admin/plans/tiny").key(&operator).json(&limits).send().await.ok(200);
    let account = gateway.post("/v1/admin/accounts", json!({"name": "t", "plan": "tiny"})).key(&operator).send().await;
    let keys = format!("/v1/admin/accounts/{}/api-keys", account.ok(201)["accountId"].as_str().unwrap());
    let all: Vec<_> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
    let made = gateway.post(&keys, json!({"name": "k", "permissions": all})).key(&operator).send().await;
    let key = made.ok(201)["apiKey"].as_str().unwrap().to_owned();

    let created = gateway.post("/v1/sessions", json!({"name": "s"})).key(&key).send().await;
    let session = wharf_api::ids::SessionId::parse(created.ok(201)["sessionId"].as_str().unwrap()).unwrap();
    gateway.engine.connect(&session);
    let body = json!({"sessionId": session, "to": engine::SILENT, "text": "x"});
    let send = || gateway.post("/v1/messages/text", body.clone()).key(&key).send();
    send().await.ok(201);
    let refused = send().await;
    let details = refused.refused(ErrorCode::DailyMessageLimitReached);
    assert_eq!(details["limit"], 1);
    assert!(details["resetAt"].as_str().unwrap().ends_with("T00:00:00.000Z"), "{details}");
}

#[tokio::test]
async fn a_send_that_is_refused_leaves_no_try_to_be_made_behind() {
    let gateway = Gateway::start().await;
    let key = gateway.key_on("narrow", |plan| plan.messages_per_day = Some(1)).await;
    let created = gateway.post("/v1/sessions", json!({"name": "s"})).key(&key).send().await;
    let session = wharf_api::ids::SessionId::parse(created.ok(201)["sessionId"].as_str().unwrap()).unwrap();
    gateway.engine.connect(&session);
    gateway.engine.let_flow();
    let body = json!({"sessionId": session, "to": engine::SILENT, "text": "x"});
    let send = || gateway.post("/v1/messages/text", body.clone()).key(&key).send();
    send().await.ok(201);
    assert_eq!(gateway.services.outcomes.claims(), 1, "its first try was counted, and no engine here makes it");
    send().await.refused(ErrorCode::DailyMessageLimitReached);
    assert_eq!(gateway.services.outcomes.claims(), 1);
}
