//! What the other operations answer when all is well, and how sends are refused.

use serde_json::json;
use wharf_api::ErrorCode;

use crate::harness::{Gateway, engine};

#[tokio::test]
async fn the_catalogue_is_open_and_whole() {
    let gateway = Gateway::start().await;
    let reply = gateway.ask("GET", "/v1/errors").send().await;
    let rows = reply.ok(200).as_array().unwrap();
    assert_eq!(rows.len(), ErrorCode::ALL.len());
    let limit = rows.iter().find(|row| row["code"] == "rate_limit_exceeded").unwrap();
    assert_eq!(
        (&limit["httpStatus"], &limit["group"], &limit["retryable"], &limit["retry"]),
        (&json!(429), &json!("rate_limiting"), &json!(true), &json!("after"))
    );
    assert!(rows.iter().all(|row| row["description"].is_string() && row["fix"].is_string()));
}

#[tokio::test]
async fn an_account_is_shown_as_an_operator_has_made_it_a_moment_ago() {
    let gateway = Gateway::start().await;
    let operator = gateway.make_operator_key().await;
    let shown = async || gateway.get("/v1/account").send().await.ok(200).clone();
    let put = async |messages: u64| {
        let plan = json!({"messagesPerDay": messages, "callsPerMinute": 1000, "sessions": 5, "concurrentRequests": 50});
        gateway.ask("PUT", "/v1/admin/plans/own").key(&operator).json(&plan).send().await.ok(200);
    };
    put(7).await;
    assert_eq!(shown().await["plan"], "enterprise");
    let path = format!("/v1/admin/accounts/{}", gateway.account);
    gateway.ask("PATCH", &path).key(&operator).json(&json!({"name": "renamed", "plan": "own"})).send().await.ok(200);
    let account = shown().await;
    assert_eq!((&account["name"], &account["plan"]), (&json!("renamed"), &json!("own")));
    for messages in [7, 8] {
        put(messages).await;
        assert_eq!(shown().await["limits"]["messagesPerDay"], messages);
    }
}

#[tokio::test]
async fn a_text_is_sent_shown_and_listed() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let sent = gateway.post("/v1/messages/text", json!({"sessionId": session, "to": "+1 555 000 1002", "text": "hello"})).send().await;
    let message = sent.ok(201);
    assert_eq!((&message["status"], &message["type"], &message["text"]), (&json!("sent"), &json!("text"), &json!("hello")));
    assert_eq!(message["chat"], json!({"chatId": "15550001002@s.whatsapp.net", "phoneNumber": "15550001002"}));
    let id = message["messageId"].as_str().unwrap();
    let shown = gateway.get(&format!("/v1/messages/{id}")).send().await;
    assert_eq!(shown.ok(200)["timeline"][0]["status"], "queued");
    for chat in ["15550001002", "%2B1%20555%20000%201002", "15550001002%40s.whatsapp.net"] {
        let list = gateway.get(&format!("/v1/messages?sessionId={session}&chatId={chat}&direction=outgoing")).send().await;
        assert_eq!(list.ok(200)[0]["messageId"], id, "{chat}");
    }
    assert_eq!(gateway.get("/v1/messages?chatId=15550001003").send().await.ok(200), &json!([]));
}

#[tokio::test]
async fn a_send_that_cannot_be_is_refused_for_its_true_cause() {
    let gateway = Gateway::start().await;
    let session = gateway.session().await;
    let send = |to: &str| gateway.post("/v1/messages/text", json!({"sessionId": session, "to": to, "text": "x"})).send();
    assert_eq!(send(engine::SILENT).await.refused(ErrorCode::SessionNotConnected)["reason"], "the session is qr");
    gateway.engine.connect(&session);
    assert_eq!(send(engine::ABSENT).await.refused(ErrorCode::RecipientNotOnWhatsapp)["field"], "to");
    let refused = send(engine::REFUSED).await;
    assert!(refused.refused(ErrorCode::MessageSendingFailed)["messageId"].as_str().unwrap().starts_with("msg_"));
}

#[tokio::test]
async fn a_send_without_a_word_is_answered_in_its_own_time_or_its_callers() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let text = json!({"sessionId": session, "to": engine::UNHEARD, "text": "x"});
    let send = |query: &str| gateway.post(&format!("/v1/messages/text{query}"), text.clone());
    let long = tokio::spawn(send("?wait=25").send());
    let usual = tokio::spawn(send("").send());
    for query in ["?wait=0", "?wait=1"] {
        assert_eq!(send(query).send().await.ok(201)["status"], "queued", "{query}");
        assert!(!usual.is_finished(), "{query} is shorter than the usual");
    }
    assert_eq!(usual.await.unwrap().ok(201)["status"], "queued");
    assert!(!long.is_finished(), "who wants to wait longer waits longer");
    long.abort();
    for (query, code) in [("?wait=26", ErrorCode::InvalidRequest), ("?wait=soon", ErrorCode::InvalidParameterType)] {
        assert_eq!(send(query).send().await.refused(code)["field"], "wait");
    }
    // A repeat that waits otherwise is the same request.
    let (once, again) = (send("?wait=0").header("Idempotency-Key", "one"), send("?wait=1").header("Idempotency-Key", "one"));
    let first = once.send().await.ok(201)["messageId"].clone();
    assert_eq!(again.send().await.ok(201)["messageId"], first);
}

#[tokio::test]
async fn contacts_are_answered_in_the_order_and_spelling_of_the_question() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let body = json!({"sessionId": session, "phoneNumbers": ["+1 555 000 1002", engine::ABSENT]});
    let reply = gateway.post("/v1/contacts/check", body).send().await;
    assert_eq!(
        reply.ok(200),
        &json!([
            {"phoneNumber": "+1 555 000 1002", "onWhatsapp": true, "contactId": "15550001002@s.whatsapp.net"},
            {"phoneNumber": engine::ABSENT, "onWhatsapp": false}
        ])
    );
}

#[tokio::test]
async fn a_key_is_made_shown_without_its_secret_and_revoked() {
    let gateway = Gateway::start().await;
    let made = gateway.post("/v1/api-keys", json!({"name": "ci", "permissions": ["sessions:read", "sessions:read"]})).send().await;
    let (id, secret) = (made.ok(201)["keyId"].as_str().unwrap().to_owned(), made.json["data"]["apiKey"].as_str().unwrap().to_owned());
    assert_eq!(made.json["data"]["permissions"], json!(["sessions:read"]));
    gateway.ask("GET", "/v1/sessions").key(&secret).send().await.ok(200);
    let shown = gateway.get(&format!("/v1/api-keys/{id}")).send().await;
    shown.ok(200);
    assert!(!shown.shown().contains(&secret) && shown.json["data"]["apiKey"].is_null());
    assert_eq!(gateway.get("/v1/api-keys").send().await.ok(200).as_array().unwrap().len(), 2);
    gateway.delete(&format!("/v1/api-keys/{id}")).send().await.ok(200);
    gateway.ask("GET", "/v1/sessions").key(&secret).send().await.refused(ErrorCode::InvalidApiKey);
}

#[tokio::test]
async fn a_key_of_a_sandbox_is_refused_by_its_name() {
    let gateway = Gateway::start().await;
    assert!(gateway.key.starts_with("wharf_live_"), "a release makes live keys");
    let test = gateway.key.replace("wharf_live_", "wharf_test_");
    let refused = gateway.ask("GET", "/v1/sessions").key(&test).send().await;
    refused.refused(ErrorCode::InvalidApiKey);
    assert!(refused.json["error"]["details"]["reason"].as_str().is_some_and(|why| why.contains("sandbox")), "{}", refused.shown());
    let made_up = gateway.ask("GET", "/v1/sessions").key("wharf_live_abc").send().await;
    made_up.refused(ErrorCode::InvalidApiKey);
    assert!(!made_up.shown().contains("sandbox"), "{}", made_up.shown());
}

#[tokio::test]
async fn a_key_cannot_grant_more_than_it_may_itself() {
    let gateway = Gateway::start().await;
    let session = gateway.session().await;
    let manage = [wharf_api::Permission::KeysManage];
    let narrow = gateway.make_key(&manage, None).await;
    let grant = |key: &str, body| gateway.post("/v1/api-keys", body).key(key).send();
    grant(&narrow, json!({"name": "k", "permissions": ["messages:send"]})).await.refused(ErrorCode::InsufficientPermissions);
    grant(&narrow, json!({"name": "k", "permissions": ["keys:manage"]})).await.ok(201);
    let bound = gateway.make_key_of(gateway.account.clone(), &manage, None, Some(vec![session.clone()])).await;
    grant(&bound, json!({"name": "k", "permissions": ["keys:manage"]})).await.refused(ErrorCode::InsufficientPermissions);
    grant(&bound, json!({"name": "k", "permissions": ["keys:manage"], "sessionIds": [session]})).await.ok(201);
}
