//! Refusals that come before a body was read: the client may write all of it first, as many do, and finds the answer then.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use wharf::http::Limits;
use wharf_api::{ErrorCode, Permission};

use crate::harness::{Ask, Gateway, Reply, client, engine};

const MB: usize = 1024 * 1024;
/// More than the buffers of two sockets hold.
const LARGE: usize = 12 * MB;
const PATIENCE: Duration = Duration::from_mins(1);

/// The request of a client that would keep its connection.
fn kept(ask: &Ask) -> Vec<u8> {
    let (bytes, asked) = (ask.bytes(), b"Connection: close\r\n");
    let at = bytes.windows(asked.len()).position(|part| part == asked).unwrap();
    [&bytes[..at], &bytes[at + asked.len()..]].concat()
}

/// What a client sees that reads only when it has written everything.
async fn written_first(ask: &Ask) -> Reply {
    let mut stream = TcpStream::connect(ask.address()).await.unwrap();
    let whole = async {
        stream.write_all(&kept(ask)).await.expect("all of it can be written");
        client::read(&mut stream).await
    };
    tokio::time::timeout(PATIENCE, whole).await.expect("the answer comes and the connection ends")
}

fn body(ask: Ask) -> Ask {
    ask.header("Content-Type", "application/json").body(vec![b' '; LARGE])
}

#[tokio::test]
async fn a_refusal_is_read_by_a_client_that_writes_its_whole_body_first() {
    let gateway = Gateway::start().await;
    let reader = gateway.make_key(&[Permission::SessionsRead], None).await;
    let upload = |query: &str| gateway.ask("POST", &format!("/v1/media{query}")).key(&gateway.key);
    let mut image = vec![7; LARGE];
    image[..8].copy_from_slice(b"\x89PNG\r\n\x1a\n");
    for (what, ask, code) in [
        ("no key", body(gateway.ask("POST", "/v1/media")), ErrorCode::MissingApiKey),
        ("a wrong key", body(upload("").key("nonsense")), ErrorCode::InvalidApiKey),
        ("a key that may not", body(upload("").key(&reader)), ErrorCode::InsufficientPermissions),
        ("an unknown path", body(gateway.ask("POST", "/v1/nothing")), ErrorCode::ResourceNotFound),
        ("a wrong method", body(gateway.ask("PUT", "/v1/sessions")), ErrorCode::MethodNotAllowed),
        ("an unknown parameter", body(upload("?nonsense=1")), ErrorCode::InvalidRequest),
        ("a text of 12 MB", body(gateway.post("/v1/messages/text", json!({}))), ErrorCode::InvalidRequest),
        ("an image that is too large", upload("?mediaType=image").body(&image), ErrorCode::MediaSizeExceeded),
        ("an offer of another protocol", body(upload("").key("nonsense").header("Upgrade", "h2c")), ErrorCode::InvalidApiKey),
        ("a head that is too large", body(upload("").header("X-Long", "a".repeat(70_000))), ErrorCode::InvalidRequest),
    ] {
        let reply = written_first(&ask).await;
        assert_eq!((what, reply.header("connection")), (what, "close"));
        reply.refused(code);
    }
}

#[tokio::test]
async fn a_refusal_of_a_body_without_a_length_is_read_too() {
    let gateway = Gateway::start().await;
    let mut chunks = format!("{LARGE:x}\r\n").into_bytes();
    chunks.resize(chunks.len() + LARGE, b' ');
    chunks.extend_from_slice(b"\r\n0\r\n\r\n");
    for key in ["nonsense", &gateway.key] {
        let ask = gateway.ask("POST", "/v1/messages/text").key(key).header("Transfer-Encoding", "chunked").body(&chunks);
        let reply = written_first(&ask).await;
        assert_eq!((reply.status, reply.header("connection")), (if key == "nonsense" { 401 } else { 400 }, "close"));
    }
}

#[tokio::test]
async fn a_server_that_is_full_is_heard_by_who_writes_first() {
    let full = Gateway::start_with(Limits { concurrent_requests: 0, ..Limits::default() }).await;
    let reply = written_first(&body(full.post("/v1/messages/media", json!({})))).await;
    reply.refused(ErrorCode::ServiceUnavailable);
}

#[tokio::test]
async fn a_patience_that_is_over_in_the_middle_of_a_body_is_heard_by_who_writes_on() {
    let gateway = Gateway::start_with(Limits { request_timeout: Duration::from_millis(100), ..Limits::default() }).await;
    let bytes = kept(&gateway.post("/v1/sessions", json!({"name": "x".repeat(1000)})).header("Content-Length", (MB - 1).to_string()));
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    stream.readable().await.unwrap();
    // The answer is there; the client only looks when it is done.
    stream.write_all(&vec![b' '; LARGE]).await.expect("the rest can be written");
    let reply = client::read(&mut stream).await;
    reply.refused(ErrorCode::ServiceUnavailable);
    assert_eq!(reply.header("connection"), "close");
}

#[tokio::test]
async fn a_refusal_whose_small_body_is_there_keeps_its_connection() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let small = gateway.post("/v1/sessions", json!({"name": "x".repeat(20_000)})).key("nonsense");
    let good = gateway.post("/v1/contacts/check", json!({"sessionId": session, "phoneNumbers": [engine::SILENT]}));
    // The body comes after its head: it is there all the same before the next request.
    let (head, rest) = (kept(&small), good.bytes());
    let at = head.windows(4).position(|part| part == b"\r\n\r\n").unwrap() + 4;
    stream.write_all(&head[..at]).await.unwrap();
    stream.write_all(&head[at..]).await.unwrap();
    stream.write_all(&rest).await.unwrap();
    let both = client::read(&mut stream).await;
    assert_eq!((both.status, both.header("connection")), (401, ""), "{}", both.shown());
    assert!(String::from_utf8_lossy(&both.body).contains("HTTP/1.1 200"), "{}", both.shown());
}

#[tokio::test]
async fn a_connection_that_has_ended_takes_nothing_more_although_no_other_comes() {
    let gateway = Gateway::start().await;
    let ask = gateway.get("/v1/account").key(&gateway.key);
    let mut stream = TcpStream::connect(ask.address()).await.unwrap();
    stream.write_all(&ask.bytes()).await.unwrap();
    assert_eq!(client::read(&mut stream).await.status, 200);
    let refused = async { while stream.write_all(&[b' '; 1024]).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, refused).await.expect("the other side is closed");
}

#[tokio::test]
async fn a_refusal_through_a_proxy_comes_after_the_body_and_the_connection_stays() {
    let gateway = Gateway::start().await;
    let refused = body(gateway.ask("POST", "/v1/media").key("nonsense")).header("X-Forwarded-For", "192.0.2.1");
    let good = gateway.get("/v1/account").key(&gateway.key);
    let mut stream = TcpStream::connect(good.address()).await.unwrap();
    stream.write_all(&kept(&refused)).await.unwrap();
    stream.write_all(&good.bytes()).await.unwrap();
    let both = client::read(&mut stream).await;
    assert_eq!((both.status, both.header("connection")), (401, ""), "{}", both.shown());
    assert!(String::from_utf8_lossy(&both.body).contains("HTTP/1.1 200"), "{}", both.shown());
}
