//! The wire itself: heads, several requests on one connection, what comes before there is a request at all.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wharf_api::ErrorCode;

use crate::harness::{Gateway, client};

/// Writes bytes and reads all that comes back, up to the end of the connection.
async fn talk(gateway: &Gateway, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let mut answer = Vec::new();
    // The server may answer and close before everything is written: a reset is an end too.
    let write = async {
        let _ = writing.write_all(bytes).await;
    };
    let (_, ()) = tokio::join!(reading.read_to_end(&mut answer), write);
    String::from_utf8_lossy(&answer).into_owned()
}

fn statuses(answer: &str) -> Vec<&str> {
    answer.match_indices("HTTP/1.1 ").map(|(at, begin)| &answer[at + begin.len()..at + begin.len() + 3]).collect()
}

#[tokio::test]
async fn a_head_of_the_limit_passes_and_a_larger_one_is_refused_in_the_envelope() {
    let gateway = Gateway::start().await;
    let ask = |length: usize| gateway.get("/v1/sessions").header("X-Long", "a".repeat(length)).send();
    ask(60_000).await.ok(200);
    for length in [66_000, 200_000] {
        let reply = ask(length).await;
        let details = reply.refused(ErrorCode::InvalidRequest);
        assert_eq!(details["limit"], 65_536, "{details}");
    }
    let many = |count: usize| (0..count).fold(gateway.get("/v1/sessions"), |ask, number| ask.header(&format!("X-{number}"), "a")).send();
    // Host, Connection and Authorization come on top.
    many(97).await.ok(200);
    let reply = many(98).await;
    let details = reply.refused(ErrorCode::InvalidRequest);
    assert_eq!((&details["limit"], &details["actual"]), (&100.into(), &101.into()));
    many(390).await.refused(ErrorCode::InvalidRequest);
    let long = format!("/v1/sessions?cursor={}", "a".repeat(65_000));
    gateway.get(&long).send().await.refused(ErrorCode::InvalidRequest);
}

/// What the HTTP library would answer before there is a request that could be answered with a status alone.
#[tokio::test]
async fn what_is_no_request_is_refused_in_the_envelope_too() {
    let gateway = Gateway::start().await;
    let monster = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(3_000_000));
    let crowd = format!("GET /healthz HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(500));
    let address = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(70_000));
    for (bytes, word) in [
        (monster.as_str(), "headers"),
        (&crowd, "headers"),
        (&address, "address"),
        ("nonsense\r\n\r\n", "not HTTP/1.1"),
        ("GET /healthz HTTP/1.1\r\nBad Header: x\r\n\r\n", "not HTTP/1.1"),
        ("GET /v1/contacts/+1 555 HTTP/1.1\r\nHost: x\r\n\r\n", "not HTTP/1.1"),
        ("GET /healthz HTTP/9.9\r\n\r\n", "not HTTP/1.1"),
        ("POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "not HTTP/1.1"),
        ("POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}", "not HTTP/1.1"),
        ("POST /v1/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: nonsense\r\n\r\n", "not HTTP/1.1"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0", "HTTP/2"),
    ] {
        let mut stream = TcpStream::connect(gateway.address).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.expect("all of it can be written");
        let reply = client::read(&mut stream).await;
        let reason = reply.refused(ErrorCode::InvalidRequest)["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(word), "{:?}: {reason}", &bytes[..bytes.len().min(60)]);
        assert_eq!(reply.header("connection"), "close");
    }
    gateway.ask("GET", "/healthz").send().await.ok(200);
    // Also where requests came before it.
    let answer = talk(&gateway, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n").await;
    assert_eq!(statuses(&answer), ["200", "400"], "{answer}");
    assert!(answer.ends_with("}}\n") && answer.contains("not HTTP/1.1"), "{answer}");
}

#[tokio::test]
async fn requests_that_follow_a_refused_one_on_the_same_connection_are_answered_in_order() {
    let gateway = Gateway::start().await;
    let key = &gateway.key;
    let body = "x".repeat(3_000);
    let refused = format!("POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let unknown = "DELETE /nowhere HTTP/1.1\r\nHost: x\r\n\r\n";
    let malformed = format!("POST /v1/sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 1\r\n\r\n{{");
    let last = format!("GET /v1/sessions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\r\n");
    let answer = talk(&gateway, format!("{refused}{unknown}{malformed}{last}").as_bytes()).await;
    assert_eq!(statuses(&answer), ["401", "404", "400", "200"], "{answer}");
    assert_eq!(answer.matches("\"success\":false").count(), 3, "{answer}");
}

#[tokio::test]
async fn options_and_trace_are_methods_like_others_and_absolute_targets_are_paths() {
    let gateway = Gateway::start().await;
    for method in ["OPTIONS", "TRACE", "PROPFIND"] {
        let reply = gateway.ask(method, "/v1/sessions").send().await;
        reply.refused(ErrorCode::MethodNotAllowed);
        assert!(reply.header("allow").contains("GET"), "{}", reply.shown());
    }
    let answer = talk(&gateway, b"GET http://elsewhere.example/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert_eq!(statuses(&answer), ["200"], "{answer}");
    let answer = talk(&gateway, b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.contains("\"success\":false"), "{answer}");
    let old = talk(&gateway, b"GET /healthz HTTP/1.0\r\n\r\n").await;
    assert!(old.contains("200 OK") && old.contains("\"status\":\"ok\""), "{old}");
}
