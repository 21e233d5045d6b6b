//! Common mistakes, and what a refusal says of them.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{Ask, Gateway, engine};

#[track_caller]
fn reason(details: &Value) -> &str {
    details["reason"].as_str().unwrap_or_else(|| panic!("a reason: {details}"))
}

#[tokio::test]
async fn a_path_that_is_nearly_one_is_told_which_was_meant() {
    let gateway = Gateway::start().await;
    for (path, meant) in [
        ("//v1/account", "/v1/account"),
        ("/v1//account", "/v1/account"),
        ("/v1/account/", "/v1/account"),
        ("/V1/account", "/v1/account"),
        ("/v1/v1/account", "/v1/account"),
        ("/api/v1/account", "/v1/account"),
        ("/account", "/v1/account"),
        ("/v1/Messages/TEXT/", "/v1/messages/text"),
        ("/v1//sessions/ses_A%20b/QR", "/v1/sessions/ses_A%20b/qr"),
        ("/HEALTHZ", "/healthz"),
    ] {
        let reply = gateway.ask("GET", path).send().await;
        let details = reply.refused(ErrorCode::ResourceNotFound);
        assert_eq!(reason(details), format!("there is no such path; did you mean {meant}?"), "{path}");
    }
    for path in ["/", "/v1", "/v1/", "/v2/sessions", "/v1/accounts", "/v1/sessions/a/b/c", "/v1/v2/account"] {
        let reply = gateway.get(path).send().await;
        assert_eq!(reason(reply.refused(ErrorCode::ResourceNotFound)), "there is no such path", "{path}");
    }
    // What is missing at a path that there is says nothing of paths.
    let reply = gateway.get("/v1/api-keys/key_000000000").send().await;
    assert!(!reply.refused(ErrorCode::ResourceNotFound).to_string().contains("path"));
}

#[tokio::test]
async fn a_key_in_the_wrong_place_is_told_where_it_belongs() {
    let gateway = Gateway::start().await;
    let account = || gateway.ask("GET", "/v1/account");
    for (ask, word) in [
        (account(), "Authorization: Bearer KEY"),
        (account().header("X-Api-Key", &gateway.key), "X-Api-Key"),
        (account().header("apikey", &gateway.key), "apikey"),
        (account().query(&format!("api_key={}", gateway.key)), "address"),
        (account().query(&format!("token={}", gateway.key)), "address"),
    ] {
        let reply = ask.send().await;
        let reason = reason(reply.refused(ErrorCode::MissingApiKey));
        assert!(reason.contains(word) && !reason.contains(&gateway.key), "{reason}");
    }
    for (value, word) in [
        (format!("Bearer \"{}\"", gateway.key), "quotes"),
        (format!("Bearer '{}'", gateway.key), "quotes"),
        (format!("Bearer Bearer {}", gateway.key), "twice"),
        (format!("Bearer {} x", gateway.key), "blank"),
        ("Bearer undefined".into(), "place of the key"),
        ("Bearer ${API_KEY}".into(), "place of the key"),
        ("Bearer {{apiKey}}".into(), "place of the key"),
        ("Bearer <token>".into(), "place of the key"),
    ] {
        let reply = account().header("Authorization", &value).send().await;
        let reason = reason(reply.refused(ErrorCode::InvalidApiKey));
        assert!(reason.contains(word) && !reason.contains(&gateway.key), "{value}: {reason}");
    }
}

#[tokio::test]
async fn a_webhook_with_a_name_and_a_password_in_its_url_is_told_where_they_belong() {
    let gateway = Gateway::start().await;
    let made = |url: &str| gateway.post("/v1/webhooks", json!({"url": url, "events": ["*"]})).send();
    let named = made("http://me:secret@127.0.0.1:9000/").await;
    let named = reason(named.refused(ErrorCode::InvalidWebhookUrl)).to_owned();
    assert!(named.contains("goes into headers") && !named.contains("secret"), "{named}");
    let other = made("ftp://127.0.0.1/").await;
    assert!(!reason(other.refused(ErrorCode::InvalidWebhookUrl)).contains("headers"));
}

#[tokio::test]
async fn an_idempotency_key_that_is_a_placeholder_or_under_another_name_is_refused() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let send = || gateway.post("/v1/messages/text", json!({"sessionId": session, "to": engine::SILENT, "text": "x"}));
    for key in ["<string>", "{{$guid}}", "${ORDER_ID}", "string", "undefined", "null", "<your-key>", "order-{{id}}", "order-${id}"] {
        let reply = send().header("Idempotency-Key", key).send().await;
        let details = reply.refused(ErrorCode::InvalidRequest);
        assert_eq!((details["field"].as_str(), reason(details).contains("placeholder")), (Some("Idempotency-Key"), true), "{key}");
    }
    for name in ["X-Idempotency-Key", "Idempotency-Token"] {
        let reply = send().header(name, "one").send().await;
        let details = reply.refused(ErrorCode::InvalidRequest);
        assert_eq!((details["field"].as_str(), reason(details)), (Some(name), "the header is called Idempotency-Key"));
        // Beside the right one another is nobody's business.
        send().header(name, "one").header("Idempotency-Key", name).send().await.ok(201);
    }
    for key in ["order-1", "a<b>c", "strings", "{order}", "$5"] {
        send().header("Idempotency-Key", key).send().await.ok(201);
    }
}

#[tokio::test]
async fn json_may_be_called_what_clients_call_it() {
    let gateway = Gateway::start().await;
    let post = |kind: &str| gateway.post("/v1/sessions", json!({"name": "x"})).header("Content-Type", kind);
    for kind in [
        "application/json; charset=utf8",
        "application/json; charset=US-ASCII",
        "application/json, application/json",
        "application/json; charset=utf-8, application/json",
    ] {
        post(kind).send().await.ok(201);
    }
    post("application/json").also("Content-Type", "application/json; charset=utf-8").send().await.ok(201);
    post("application/json").also("Content-Type", "text/plain").send().await.refused(ErrorCode::InvalidRequest);
    post("application/json; charset=latin1").send().await.refused(ErrorCode::InvalidRequest);
}

#[tokio::test]
async fn a_byte_order_mark_and_a_line_break_in_a_string_are_called_by_their_names() {
    let gateway = Gateway::start().await;
    let said = async |body: &[u8]| {
        let reply = gateway.post("/v1/sessions", json!({})).body(body).send().await;
        reason(reply.refused(ErrorCode::InvalidRequest)).to_owned()
    };
    let mark = said("\u{feff}{\"name\": \"x\"}".as_bytes()).await;
    assert!(mark.contains("byte order mark"), "{mark}");
    for body in ["{\"name\": \"two\nlines\"}", "{\"name\": \"two\r\nlines\"}"] {
        let line = said(body.as_bytes()).await;
        assert!(line.contains(r"\n"), "{line}");
    }
    let other = said(b"{\n\"name\" \"x\"}").await;
    assert!(!other.contains(r"\n") && other.contains("line 2"), "{other}");
}

#[tokio::test]
async fn expectations_and_codings_of_the_connection_that_nobody_knows_are_refused() {
    let gateway = Gateway::start().await;
    let post = || gateway.post("/v1/sessions", json!({"name": "x"}));
    assert_eq!(post().header("Expect", "nonsense").send().await.refused(ErrorCode::InvalidRequest)["field"], "Expect");
    let chunks = "c\r\n{\"name\":\"x\"}\r\n0\r\n\r\n";
    let coded = |coding: &str| post().header("Transfer-Encoding", coding).body(chunks);
    assert_eq!(coded("gzip, chunked").send().await.refused(ErrorCode::InvalidRequest)["field"], "Transfer-Encoding");
    coded("chunked").send().await.ok(201);
    let expected = Ask::send(post().header("Expect", "100-Continue")).await;
    assert_eq!(expected.status, 100, "{}", expected.shown());
}
