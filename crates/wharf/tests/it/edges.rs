//! The edges that belong to no operation: unknown paths, wrong methods, keys, request ids, load, time, panics.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wharf::http::Limits;
use wharf_api::ops::{self, Access};
use wharf_api::{ErrorCode, Permission, Timestamp, limits};

use crate::harness::{Ask, Gateway, client, engine};

/// Long for a slow machine, and shorter than an idle connection is kept.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_path_that_is_not_served_is_not_found_with_and_without_a_key() {
    let gateway = Gateway::start().await;
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/sessions",
        "/v1/sessions/",
        "/v1/sessions/a/b/c",
        "/v1/nothing",
        "//v1/sessions",
        "/v1/%2e%2e",
        "/v1/sessions/%2f/x",
    ] {
        gateway.ask("GET", path).send().await.refused(ErrorCode::ResourceNotFound);
        gateway.get(path).send().await.refused(ErrorCode::ResourceNotFound);
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_know_is_refused_with_those_that_it_knows() {
    let gateway = Gateway::start().await;
    for (method, path, allow) in [
        ("PUT", "/v1/sessions", "POST, GET, HEAD"),
        ("GET", "/v1/messages/text", "POST"),
        ("PUT", "/v1/sessions/x", "GET, HEAD, PATCH, DELETE"),
        ("POST", "/healthz", "GET, HEAD"),
        ("OPTIONS", "/v1/api-keys", "POST, GET, HEAD"),
        ("BREW", "/v1/messages", "GET, HEAD"),
    ] {
        let reply = gateway.ask(method, path).send().await;
        reply.refused(ErrorCode::MethodNotAllowed);
        assert_eq!(reply.header("allow"), allow, "{method} {path}");
    }
}

#[tokio::test]
async fn keys_that_are_missing_invalid_and_expired_are_told_apart_on_every_operation() {
    let gateway = Gateway::start_with(Limits { failed_keys_per_minute: 10_000, ..Limits::default() }).await;
    let expired = gateway.make_key(Permission::ALL, Some(Timestamp::from_millis(1))).await;
    let mut wrong = gateway.key.clone();
    wrong.replace_range(25..26, if &wrong[25..26] == "x" { "y" } else { "x" });
    for operation in ops::ALL.iter().filter(|operation| matches!(operation.access, Access::Key(_))) {
        let path = operation.path.replace(['{', '}'], "");
        let ask = || gateway.ask(operation.method.as_str(), &path);
        ask().send().await.refused(ErrorCode::MissingApiKey);
        ask().header("Authorization", "Bearer ").send().await.refused(ErrorCode::MissingApiKey);
        ask().header("Authorization", "Basic dTpw").send().await.refused(ErrorCode::InvalidApiKey);
        ask().key(&wrong).send().await.refused(ErrorCode::InvalidApiKey);
        ask().key(&expired).send().await.refused(ErrorCode::ExpiredApiKey);
        gateway.ask(operation.method.as_str(), &format!("{path}?api_key={}", gateway.key)).send().await.refused(ErrorCode::MissingApiKey);
    }
    gateway.ask("GET", "/v1/sessions").header("Authorization", format!("bEARER {}", gateway.key)).send().await.ok(200);
}

#[tokio::test]
async fn every_permission_opens_its_own_operations_and_no_other() {
    let gateway = Gateway::start().await;
    for permission in Permission::ALL {
        let key = gateway.make_key(&[*permission], None).await;
        for operation in ops::ALL {
            let Access::Key(needed) = operation.access else { continue };
            let path = operation.path.replace(['{', '}'], "");
            let reply = gateway.ask(operation.method.as_str(), &path).key(&key).send().await;
            if needed == *permission {
                assert_ne!(reply.status, 403, "{} {permission:?}", operation.id);
            } else {
                reply.refused(ErrorCode::InsufficientPermissions);
            }
        }
    }
}

#[tokio::test]
async fn a_good_request_id_is_taken_over_and_a_bad_one_replaced() {
    let gateway = Gateway::start().await;
    for path in ["/healthz", "/nowhere", "/v1/sessions"] {
        let reply = gateway.ask("GET", path).header("X-Request-Id", "mine-1").send().await;
        assert_eq!(reply.header("x-request-id"), "mine-1");
        for bad in ["", "two words", &"x".repeat(129)] {
            let reply = gateway.ask("GET", path).header("X-Request-Id", bad).send().await;
            assert!(reply.header("x-request-id").starts_with("req_"), "{}", reply.shown());
        }
    }
    let (one, other) = (gateway.ask("GET", "/healthz").send().await, gateway.ask("GET", "/healthz").send().await);
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
}

#[tokio::test]
async fn a_panic_is_one_request_s_internal_error_and_tells_nothing() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let body = json!({"sessionId": session, "phoneNumbers": [engine::PANICS]});
    let reply = gateway.post("/v1/contacts/check", body).send().await;
    assert_eq!(reply.refused(ErrorCode::InternalServerError), &json!(null));
    assert!(!reply.shown().contains("secret"), "{}", reply.shown());
    gateway.get("/v1/sessions").send().await.ok(200);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_unavailable() {
    let gateway = Gateway::start().await;
    // What is to be answered has the usual time.
    let session = gateway.connected().await;
    let hasty = gateway.beside(Limits { request_timeout: Duration::from_millis(100), ..Limits::default() }).await;
    let body = json!({"sessionId": session, "phoneNumbers": [engine::HANGS]});
    let ask = Ask::new(hasty, "POST", "/v1/contacts/check").key(&gateway.key).json(&body);
    ask.send().await.refused(ErrorCode::ServiceUnavailable);
}

#[tokio::test]
async fn a_body_that_never_ends_is_unavailable_too() {
    let gateway = Gateway::start_with(Limits { request_timeout: Duration::from_millis(100), ..Limits::default() }).await;
    let ask = gateway.post("/v1/sessions", json!({"name": "x"})).header("Content-Length", "1000");
    ask.send().await.refused(ErrorCode::ServiceUnavailable);
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let gateway = Gateway::start_with(Limits { header_timeout: Duration::from_millis(100), ..Limits::default() }).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let mut rest = Vec::new();
    // The end of the stream is the proof; a reset is one too.
    let _ = stream.read_to_end(&mut rest).await;
    assert!(!String::from_utf8_lossy(&rest).starts_with("HTTP/1.1 200"));
}

/// Asks on a connection that stays open, and has the whole answer.
pub async fn asked(stream: &mut TcpStream) -> std::io::Result<String> {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await?;
    answer(stream).await
}

async fn answer(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut seen = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
            if body.len() >= length.expect("the answer says its length") {
                return Ok(head.to_owned());
            }
        }
        if stream.read_buf(&mut seen).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Waits until a connection that begins a head now and does not end it is closed.
async fn a_half_head_ends(gateway: &Gateway) {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    half_a_head_ends(&mut stream).await;
}

async fn half_a_head_ends(stream: &mut TcpStream) {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    ended(stream).await;
}

/// Waits for the end of a connection, on which nothing more is said.
async fn ended(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // A reset is an end too.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the connection is closed in time");
    assert_eq!(String::from_utf8_lossy(&rest), "");
}

#[tokio::test]
async fn a_kept_connection_is_good_for_longer_than_a_head_may_take() {
    let gateway = Gateway::start_with(Limits { header_timeout: Duration::from_millis(100), ..Limits::default() }).await;
    let mut kept = TcpStream::connect(gateway.address).await.unwrap();
    for _ in 0..3 {
        assert!(asked(&mut kept).await.unwrap().starts_with("HTTP/1.1 200"));
        a_half_head_ends(&gateway).await;
    }
    assert!(asked(&mut kept).await.unwrap().starts_with("HTTP/1.1 200"));
    half_a_head_ends(&mut kept).await;
}

#[tokio::test]
async fn a_kept_connection_that_nobody_uses_is_closed_at_its_time() {
    let gateway = Gateway::start_with(Limits { idle_timeout: Duration::from_millis(100), ..Limits::default() }).await;
    let mut kept = TcpStream::connect(gateway.address).await.unwrap();
    assert!(asked(&mut kept).await.unwrap().starts_with("HTTP/1.1 200"));
    ended(&mut kept).await;
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_ever_asked_has_the_time_of_a_head() {
    let gateway = Gateway::start_with(Limits { header_timeout: Duration::from_millis(100), ..Limits::default() }).await;
    let mut silent = TcpStream::connect(gateway.address).await.unwrap();
    ended(&mut silent).await;
}

#[tokio::test]
async fn a_body_has_more_time_than_a_head() {
    let gateway = Gateway::start_with(Limits { header_timeout: Duration::from_millis(100), ..Limits::default() }).await;
    let bytes = gateway.post("/v1/sessions", json!({"name": "slow"})).bytes();
    let (mut stream, half) = (TcpStream::connect(gateway.address).await.unwrap(), bytes.len() - 4);
    stream.write_all(&bytes[..half]).await.unwrap();
    a_half_head_ends(&gateway).await;
    stream.write_all(&bytes[half..]).await.unwrap();
    assert!(answer(&mut stream).await.unwrap().starts_with("HTTP/1.1 201"));
}

#[tokio::test]
async fn a_server_that_is_full_refuses_and_still_tells_that_it_lives() {
    let gateway = Gateway::start_with(Limits { concurrent_requests: 1, ..Limits::default() }).await;
    let mut first = TcpStream::connect(gateway.address).await.unwrap();
    let ask = gateway.post("/v1/sessions", json!({"name": "slow"})).header("Expect", "100-continue");
    let bytes = ask.bytes();
    first.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
    client::asked_on(&mut first).await;
    gateway.get("/v1/sessions").send().await.refused(ErrorCode::ServiceUnavailable);
    gateway.ask("GET", "/healthz").send().await.ok(200);
    gateway.ask("GET", "/readyz").send().await.ok(200);
    first.write_all(&bytes[bytes.len() - 1..]).await.unwrap();
    client::read(&mut first).await.ok(201);
}

#[tokio::test]
async fn a_connection_beyond_the_last_place_waits_until_one_ends() {
    let gateway = Gateway::start_with(Limits { connections: 2, header_timeout: Duration::from_mins(10), ..Limits::default() }).await;
    let mut kept = TcpStream::connect(gateway.address).await.unwrap();
    assert!(asked(&mut kept).await.unwrap().starts_with("HTTP/1.1 200"));
    let silent = TcpStream::connect(gateway.address).await.unwrap();
    let mut waits = TcpStream::connect(gateway.address).await.unwrap();
    let mut answered = Box::pin(asked(&mut waits));
    // Those that have a place are served meanwhile.
    tokio::select! {
        biased;
        answer = &mut answered => panic!("a third connection has a place: {answer:?}"),
        answer = asked(&mut kept) => assert!(answer.unwrap().starts_with("HTTP/1.1 200")),
    }
    drop(silent);
    assert!(answered.await.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_page_ends_where_a_megabyte_is_full_and_the_next_goes_on_there() {
    const TEXTS: usize = 80;
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let text = "\u{1f6a2}".repeat(4096);
    for _ in 0..TEXTS {
        gateway.post("/v1/messages/text", json!({"sessionId": session, "to": engine::SILENT, "text": text})).send().await.ok(201);
    }
    let (mut seen, mut pages, mut cursor) = (std::collections::BTreeSet::new(), 0, String::new());
    loop {
        let page = gateway.get(&format!("/v1/messages?limit=200{cursor}")).send().await;
        let rows = page.ok(200).as_array().unwrap();
        assert!(page.body.len() < 2 * limits::PAGE_BYTES, "{}", page.body.len());
        seen.extend(rows.iter().map(|row| row["messageId"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(next) = page.json["page"]["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.len(), TEXTS);
    assert!(pages > 1);
}

#[tokio::test]
async fn a_head_request_is_answered_as_get_without_a_body() {
    let gateway = Gateway::start().await;
    let reply = gateway.ask("HEAD", "/v1/errors").send().await;
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert!(!reply.header("x-request-id").is_empty());
}

#[tokio::test]
async fn a_look_up_that_is_never_answered_is_given_up_before_the_request_is() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let reply = gateway.post("/v1/contacts/check", json!({"sessionId": session, "phoneNumbers": [engine::HANGS]})).send().await;
    let details = reply.refused(ErrorCode::ServiceUnavailable);
    assert_eq!(details["reason"], "WhatsApp did not answer in time", "{}", reply.shown());
}
