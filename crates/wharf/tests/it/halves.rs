//! Clients that end their half of the connection once they have asked, and those that are gone.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wharf::http::Limits;
use wharf_api::{ErrorCode, limits};

use crate::harness::{Ask, Gateway, Reply, client, engine};
use crate::metrics;

/// Less than a silent stream and a long poll last, and long for a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// Asks, ends the own half at once, and reads what comes.
async fn half(ask: &Ask, version: &str) -> Reply {
    let bytes = ask.bytes();
    let at = bytes.windows(8).position(|part| part == b"HTTP/1.1").unwrap();
    let mut stream = TcpStream::connect(ask.address()).await.unwrap();
    stream.write_all(&[&bytes[..at], version.as_bytes(), &bytes[at + 8..]].concat()).await.unwrap();
    stream.shutdown().await.unwrap();
    client::read(&mut stream).await
}

#[tokio::test]
async fn a_client_that_has_ended_its_half_is_answered() {
    let gateway = Gateway::start().await;
    // What is to be answered has the usual time.
    let hasty = gateway.beside(Limits { request_timeout: Duration::from_millis(300), ..Limits::default() }).await;
    let session = gateway.connected().await;
    let text = json!({"sessionId": session, "to": engine::SILENT, "text": "hello"});
    let forever = json!({"sessionId": session, "phoneNumbers": [engine::HANGS]});
    let file = vec![7; 3 * 1024 * 1024];
    for version in ["HTTP/1.1", "HTTP/1.0"] {
        half(&gateway.get("/v1/account"), version).await.ok(200);
        half(&gateway.post("/v1/messages/text", text.clone()), version).await.ok(201);
        // What outlasts the end of the half by far.
        let asked = Ask::new(hasty, "POST", "/v1/contacts/check").key(&gateway.key).json(&forever);
        half(&asked, version).await.refused(ErrorCode::ServiceUnavailable);
        half(&gateway.ask("GET", "/v1/account"), version).await.refused(ErrorCode::MissingApiKey);
        let media = half(&gateway.ask("POST", "/v1/media").key(&gateway.key).body(&file), version).await.ok(201)["mediaId"].clone();
        let back = half(&gateway.get(&format!("/v1/media/{}", media.as_str().unwrap())), version).await;
        assert_eq!((back.status, back.body == file), (200, true));
    }
}

#[tokio::test]
async fn half_a_body_and_the_end_is_no_request() {
    let gateway = Gateway::start().await;
    let ask = gateway.post("/v1/sessions", json!({"name": "x"})).header("Content-Length", "1000");
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(&ask.bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.expect("the connection ends");
    assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 201"));
    assert_eq!(gateway.get("/v1/sessions").send().await.ok(200), &json!([]));
}

#[tokio::test]
async fn a_stream_goes_on_for_a_client_that_has_ended_its_half() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(&gateway.get("/v1/events").header("Accept", "text/event-stream").bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let seen = seen_until(&mut stream, "retry:").await;
    assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
    let body = json!({"sessionId": session, "to": "15550001001", "text": "after the half", "async": true});
    gateway.post("/v1/messages/text", body).send().await.ok(201);
    seen_until(&mut stream, "after the half").await;
}

async fn seen_until(stream: &mut TcpStream, word: &str) -> String {
    let mut seen = Vec::new();
    tokio::time::timeout(SOON, async {
        while !String::from_utf8_lossy(&seen).contains(word) {
            assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0, "{}", String::from_utf8_lossy(&seen));
        }
    })
    .await
    .unwrap_or_else(|_| panic!("{word} comes"));
    String::from_utf8_lossy(&seen).into_owned()
}

/// Waits until the account's only place is free, or taken.
async fn place_is(gateway: &Gateway, key: &str, free: bool) {
    let look = async {
        while (gateway.get("/v1/account").key(key).send().await.status == 200) != free {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, look).await.expect("the place is free, or taken, in time");
}

/// Waits until a poll is worked on, by what takes no place of its account.
async fn is_worked_on(gateway: &Gateway) {
    let look = async {
        // Beside the one that asks.
        while metrics::value(&gateway.ask("GET", "/metrics").send().await, "wharf_requests_in_progress") < 2.0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, look).await.expect("it is worked on in time");
}

#[tokio::test]
async fn a_stream_and_a_long_poll_leave_their_place_when_their_client_is_gone() {
    let gateway = Gateway::start().await;
    let key = gateway.key_on("narrow", |plan| plan.concurrent_requests = 1).await;
    let poll = format!("/v1/events?cursor=latest&wait={}", limits::LONG_POLL_MAX_SECS);
    for (path, accept) in [("/v1/events", "text/event-stream"), (&poll, "application/json")] {
        for resets in [false, true] {
            let mut stream = TcpStream::connect(gateway.address).await.unwrap();
            stream.write_all(&gateway.get(path).key(&key).header("Accept", accept).bytes()).await.unwrap();
            // A look at the place takes it where it comes first.
            if accept == "text/event-stream" {
                seen_until(&mut stream, "retry:").await;
            } else {
                is_worked_on(&gateway).await;
            }
            place_is(&gateway, &key, false).await;
            if resets {
                stream.set_zero_linger().unwrap();
            }
            drop(stream);
            place_is(&gateway, &key, true).await;
        }
    }
}

#[tokio::test]
async fn a_long_poll_of_a_client_that_has_ended_its_half_is_answered_at_once() {
    let gateway = Gateway::start().await;
    let session = gateway.session().await;
    let known = gateway.get(&format!("/v1/sessions/{session}/qr")).send().await.ok(200)["qr"].as_str().unwrap().replace('@', "%40");
    let wait = limits::LONG_POLL_MAX_SECS;
    for path in [format!("/v1/events?cursor=latest&wait={wait}"), format!("/v1/sessions/{session}/qr?wait={wait}&known={known}")] {
        let asked = gateway.get(&path);
        tokio::time::timeout(SOON, half(&asked, "HTTP/1.1")).await.expect("nobody waits").ok(200);
    }
}
