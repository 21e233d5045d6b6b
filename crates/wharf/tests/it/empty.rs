//! Null is absent, and an empty word is either absent too or told that it is empty: on every operation, for every member and parameter.

use serde_json::{Value, json};
use wharf_api::ErrorCode::{InvalidRequest, MissingRequiredParameter};
use wharf_api::ops;

use crate::harness::Gateway;
use crate::harness::requests::{self, Objects};

/// What picks whose things are shown: an empty one must never mean all.
const NEVER_ALL: &[&str] = &["sessionId", "chatId", "keyId", "target", "accountId"];
const LEAVE_OUT: &str = "it is empty; leave it out";

#[tokio::test]
async fn null_is_absent_in_every_optional_member_of_every_body() {
    let gateway = Gateway::start().await;
    let own = Objects::of(&gateway, "own").await;
    let operator = gateway.make_operator_key().await;
    let mut seen = 0;
    for operation in ops::ALL.iter().copied().filter(|operation| operation.access.takes_keys()) {
        for name in requests::optional_members(operation) {
            let good = || requests::good(&gateway, operation, &own, &operator, &[]);
            let reply = good().member(&name, &Value::Null).send().await;
            let error = &reply.json["error"];
            let about_it = error["details"]["field"].as_str().is_some_and(|field| field.starts_with(&name));
            assert!(!about_it, "{} {name}: {}", operation.id, reply.shown());
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen} members");
}

#[tokio::test]
async fn an_empty_member_that_cannot_be_empty_is_told_to_be_left_out() {
    let gateway = Gateway::start().await;
    let own = Objects::of(&gateway, "own").await;
    let operator = gateway.make_operator_key().await;
    let mut seen = Vec::new();
    for operation in ops::ALL.iter().copied().filter(|operation| operation.access.takes_keys()) {
        for name in requests::optional_members(operation) {
            let good = || requests::good(&gateway, operation, &own, &operator, &[]);
            let reply = good().member(&name, &json!("")).send().await;
            let code = &reply.json["error"]["code"];
            // Without it no way to a file is left, which is told as such.
            if operation.id == "send_media" && name == "mediaId" {
                continue;
            }
            let details = &reply.json["error"]["details"];
            // Some may be empty, some are no texts at all, and what the pretend engine cannot do it says without them too.
            let is_no_text = details["reason"].as_str().is_some_and(|reason| reason.contains("is expected, not a string"));
            if reply.status < 300 || is_no_text || good().send().await.json["error"]["code"] == *code {
                continue;
            }
            assert_eq!(
                (details["field"].as_str(), details["reason"].as_str()),
                (Some(name.as_str()), Some(LEAVE_OUT)),
                "{} {}",
                operation.id,
                reply.shown()
            );
            seen.push(name);
        }
    }
    for name in ["replyTo", "webhook", "sessionId", "secret", "fileName"] {
        assert!(seen.iter().any(|known| known == name), "{name} is not in {seen:?}");
    }
}

#[tokio::test]
async fn an_empty_parameter_is_absent_unless_it_says_whose() {
    let gateway = Gateway::start().await;
    let own = Objects::of(&gateway, "own").await;
    let operator = gateway.make_operator_key().await;
    let mut seen = 0;
    for operation in ops::ALL.iter().copied().filter(|operation| operation.access.takes_keys()) {
        let without = requests::good(&gateway, operation, &own, &operator, &[]).send().await;
        for (name, required) in requests::parameters(operation) {
            if operation.id == "list_events" && name == "cursor" || operation.id == "get_session_qr" && without.status != 200 {
                continue;
            }
            let good = requests::good(&gateway, operation, &own, &operator, &[]);
            let reply = good.emptied(&name).send().await;
            seen += 1;
            if required {
                assert_eq!(reply.refused(MissingRequiredParameter)["field"], name, "{}", operation.id);
            } else if NEVER_ALL.contains(&name.as_str()) {
                let details = reply.refused(InvalidRequest);
                assert_eq!(
                    (details["field"].as_str(), details["reason"].as_str()),
                    (Some(name.as_str()), Some(LEAVE_OUT)),
                    "{}",
                    operation.id
                );
            } else {
                assert_eq!(reply.status, without.status, "{} {name}: {}", operation.id, reply.shown());
            }
        }
    }
    assert!(seen > 40, "{seen} parameters");
    gateway.get("/v1/events?cursor=&limit=&wait=&events=").send().await.ok(200);
}

#[tokio::test]
async fn a_file_is_named_once_though_the_other_ways_stand_there_empty() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let stored = gateway.ask("POST", "/v1/media").key(&gateway.key).body(b"hello").send().await.ok(201)["mediaId"].clone();
    let body = |more: Value| {
        let mut body = json!({"sessionId": session, "to": "15550001002", "mediaType": "document"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let sent = |more: Value| gateway.post("/v1/messages/media", body(more));
    sent(json!({"mediaUrl": "", "mediaId": stored, "data": null})).send().await.ok(201);
    sent(json!({"mediaUrl": null, "mediaId": "", "data": "aGVsbG8="})).send().await.ok(201);
    for none in
        [json!({}), json!({"mediaUrl": "", "mediaId": "", "data": ""}), json!({"mediaUrl": "http://127.0.0.1:1/", "data": "aGVsbG8="})]
    {
        let reply = sent(none).send().await;
        assert_eq!(reply.refused(InvalidRequest)["reason"], "exactly one of mediaUrl, mediaId and data is expected");
    }
}

#[tokio::test]
async fn a_body_that_may_be_left_out_may_be_an_empty_list_or_null() {
    let gateway = Gateway::start().await;
    let own = Objects::of(&gateway, "own").await;
    let path = format!("/v1/webhooks/{}/rotate-secret", own.id("whk"));
    for body in ["", "{}", "[]", "null", " [ ]\n"] {
        let ask = gateway.ask("POST", &path).key(&own.api_key).header("Content-Type", "application/json").body(body);
        ask.send().await.ok(200);
    }
    for body in ["[1]", "false", "\"\""] {
        let ask = gateway.ask("POST", &path).key(&own.api_key).header("Content-Type", "application/json").body(body);
        ask.send().await.refused(InvalidRequest);
    }
}

#[tokio::test]
async fn an_action_that_does_not_exist_is_refused() {
    let gateway = Gateway::start().await;
    let reply = gateway.get("/v1/audit?action=no.such.action").send().await;
    assert_eq!(reply.refused(InvalidRequest)["field"], "action");
    // What is never noted in the log is no action of it.
    gateway.get("/v1/audit?action=list_audit").send().await.refused(InvalidRequest);
    for action in ["create_session", "authenticate"] {
        gateway.get(&format!("/v1/audit?action={action}")).send().await.ok(200);
    }
}
