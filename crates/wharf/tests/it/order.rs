//! The order of checks, on every operation: key, rate, permission, shape, idempotency, ownership, state.
//!
//! Each request breaks one rule and all that come after it; the answer must name the first.

use serde_json::json;
use wharf::http::Limits;
use wharf_api::ops::{self, Access, Operation};
use wharf_api::{ErrorCode, Permission};

use crate::harness::requests::{self, Objects, Place};
use crate::harness::{Ask, Gateway};

/// The operation's request with ids that do not exist in all its places.
fn astray(gateway: &Gateway, operation: &'static Operation, own: &Objects, operator: &str) -> Ask {
    let places = requests::places(operation);
    let ids: Vec<_> = places.iter().map(|id| (&id.place, requests::missing(&id.kind))).collect();
    let ids: Vec<_> = ids.iter().map(|(place, id)| (*place, id.as_str())).collect();
    requests::good(gateway, operation, own, operator, &ids)
}

fn keyed() -> impl Iterator<Item = &'static Operation> {
    ops::ALL.iter().copied().filter(|operation| operation.access.takes_keys())
}

/// The same request of a shape that cannot be: a parameter that is none, and a body that is none where one is expected.
fn misshapen(ask: Ask) -> Ask {
    ask.query("nonsense=1").spoiled()
}

#[tokio::test]
async fn the_key_comes_first_then_the_rate_then_the_permission_then_the_shape() {
    let gateway = Gateway::start_with(Limits { failed_keys_per_minute: 10_000, ..Limits::default() }).await;
    let own = Objects::of(&gateway, "own").await;
    let operator = gateway.make_operator_key().await;
    let plan = json!({"messagesPerDay": 0, "callsPerMinute": 1, "sessions": 0, "concurrentRequests": 1});
    gateway.ask("PUT", "/v1/admin/plans/one").key(&operator).json(&plan).send().await.ok(200);
    let slow = wharf_core::account::find_or_create(&gateway.services, "slow", "one").await.unwrap();
    let slow = gateway.make_key_of(slow, &[Permission::EventsRead], None, None).await;
    gateway.get("/v1/account").key(&slow).send().await.refused(ErrorCode::InsufficientPermissions);
    for operation in keyed() {
        let bad = || misshapen(astray(&gateway, operation, &own, &operator));
        bad().key("nonsense").send().await.refused(ErrorCode::InvalidApiKey);
        // The account used its one call up, its key may next to nothing, and the request is garbage.
        let mut limited = bad().key(&slow).send().await;
        if limited.status != ErrorCode::RateLimitExceeded.status() {
            // That call was a minute ago by now, and this one is used up.
            limited = bad().key(&slow).send().await;
        }
        limited.refused(ErrorCode::RateLimitExceeded);
        let others: Vec<_> = Permission::ALL.iter().copied().filter(|other| Access::Key(*other) != operation.access).collect();
        let lacking = gateway.make_key(&others, None).await;
        bad().key(&lacking).send().await.refused(ErrorCode::InsufficientPermissions);
        let reply = bad().send().await;
        assert_eq!(
            (reply.status, reply.json["error"]["code"].as_str()),
            (400, Some("invalid_request")),
            "{}: {}",
            operation.id,
            reply.shown()
        );
    }
}

#[tokio::test]
async fn idempotency_comes_after_the_shape_and_before_ownership() {
    let gateway = Gateway::start().await;
    let own = Objects::of(&gateway, "own").await;
    let operator = gateway.make_operator_key().await;
    let mut seen = 0;
    for operation in keyed().filter(|operation| operation.idempotent()) {
        let first = requests::good(&gateway, operation, &own, &operator, &[]).header("Idempotency-Key", "k").send().await;
        // The pretend engine has no groups, and its messages are never sent: nobody reacts to one that is not. The session is linked already. A key of another
        // account is bound to no session of this one.
        if matches!(
            (operation.id, first.status),
            ("send_reaction" | "create_pairing_code", 409) | ("create_group", 400) | ("admin_create_api_key", 404)
        ) {
            continue;
        }
        assert_eq!(first.status, operation.success, "{}: {}", operation.id, first.shown());
        let places = requests::places(operation);
        let another = || {
            let ask = astray(&gateway, operation, &own, &operator).header("Idempotency-Key", "k");
            match operation.id {
                "upload_media" => ask.query("fileName=another"),
                _ if places.is_empty() => ask.member("name", &json!("another")),
                _ => ask,
            }
        };
        another().send().await.refused(ErrorCode::IdempotencyKeyReused);
        misshapen(another()).send().await.refused(ErrorCode::InvalidRequest);
        another().header("Idempotency-Key", "").send().await.refused(ErrorCode::InvalidRequest);
        seen += 1;
    }
    assert!(seen >= 15);
}

#[tokio::test]
async fn ownership_comes_before_the_state_and_the_shape_before_ownership() {
    let gateway = Gateway::start().await;
    let own = Objects::of(&gateway, "own").await;
    let operator = gateway.make_operator_key().await;
    for operation in keyed() {
        for id in requests::places(operation) {
            let ask = |value: &str| requests::good(&gateway, operation, &own, &operator, &[(&id.place, value)]);
            let reply = ask(&requests::missing(&id.kind)).send().await;
            assert!(requests::not_there(&id.place, &reply), "{} {:?}: {}", operation.id, id.place, reply.shown());
            let reply = misshapen(ask(&requests::missing(&id.kind))).send().await;
            assert_eq!(reply.status, 400, "{} {:?}: {}", operation.id, id.place, reply.shown());
            // What it would say of a session that is there and cannot do it.
            let sends =
                operation.own_codes().any(|code| code == ErrorCode::SessionNotConnected) && operation.id != ops::create_pairing_code.id;
            if sends && id.kind == "ses" && !matches!(id.place, Place::Query(_)) {
                ask(&own.unlinked).send().await.refused(ErrorCode::SessionNotConnected);
            }
        }
    }
}

#[tokio::test]
async fn a_bad_value_is_told_before_a_missing_session() {
    let gateway = Gateway::start().await;
    let nowhere = requests::missing("ses");
    let path = format!("/v1/sessions/{nowhere}/pairing-code");
    gateway.post(&path, json!({"phoneNumber": "12"})).send().await.refused(ErrorCode::InvalidPhoneNumber);
    let body = json!({"sessionId": nowhere, "to": "12", "text": "x"});
    gateway.post("/v1/messages/text", body).send().await.refused(ErrorCode::InvalidPhoneNumber);
    let body = json!({"sessionId": nowhere, "phoneNumbers": ["12"]});
    gateway.post("/v1/contacts/check", body).send().await.refused(ErrorCode::InvalidPhoneNumber);
    gateway.get(&format!("/v1/messages?sessionId={nowhere}&limit=0")).send().await.refused(ErrorCode::InvalidRequest);
}
