//! The log of events as a WebSocket: the same events as a stream, from the same places, under the same rules.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio_websockets::{ClientBuilder, MaybeTlsStream, Message, WebSocketStream};
use wharf::http::Limits;
use wharf::http::cors::Origins;
use wharf_api::ids::SessionId;
use wharf_api::types::user::Role;
use wharf_api::{ErrorCode, Permission};

use crate::edges::asked;
use crate::harness::{Gateway, Reply, client, engine};
use crate::logins;
use crate::tokens::{send, token};

const SHOP: &str = "https://shop.example";
/// How long something may take to come before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(gateway: &Gateway, query: &str, headers: &[(&str, &str)]) -> Self {
        let uri = format!("ws://{}/v1/events?{query}", gateway.address);
        let mut builder = ClientBuilder::new().uri(&uri).unwrap();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            builder = builder.add_header(name, HeaderValue::from_str(value).unwrap()).unwrap();
        }
        let (socket, response) = builder.connect().await.unwrap();
        assert!(response.headers().contains_key("x-request-id") && !response.headers().contains_key("content-type"));
        Self(socket)
    }

    async fn by_key(gateway: &Gateway, key: &str, query: &str) -> Self {
        Self::open(gateway, query, &[("Authorization", &format!("Bearer {key}"))]).await
    }

    async fn frame(&mut self) -> Message {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("a frame in time");
            let message = next.expect("a frame before the end").unwrap();
            if !message.is_ping() {
                return message;
            }
        }
    }

    async fn event(&mut self) -> Value {
        let frame = self.frame().await;
        serde_json::from_str(frame.as_text().unwrap_or_else(|| panic!("an event: {frame:?}"))).unwrap()
    }

    /// Why it ends, which must come before another event.
    async fn end(&mut self) -> (u16, String) {
        let frame = self.frame().await;
        let (code, reason) = frame.as_close().unwrap_or_else(|| panic!("the end: {frame:?}"));
        (code.into(), reason.to_owned())
    }
}

/// Asks for a WebSocket by hand and reads what comes instead.
async fn refused(gateway: &Gateway, path: &str, headers: &[(&str, &str)]) -> Reply {
    let own = [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")];
    let named = |name: &str| headers.iter().any(|(other, _)| *other == name);
    let all = own.iter().filter(|(name, _)| !named(name)).chain(headers).filter(|(_, value)| !value.is_empty());
    let lines: Vec<_> = all.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: Upgrade, close\r\n{}\r\n", lines.concat());
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    client::read(&mut stream).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_tells_the_events_that_the_list_shows_one_in_a_frame_and_goes_on_after_the_last() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    for text in ["a", "b"] {
        send(&gateway, &session, text).await;
    }
    let listed = gateway.get("/v1/events").send().await.ok(200).clone();
    let mut socket = Socket::by_key(&gateway, &gateway.key, "cursor=oldest").await;
    let mut seen = Vec::new();
    for _ in 0..listed.as_array().unwrap().len() {
        seen.push(socket.event().await);
    }
    assert_eq!(Value::Array(seen), listed);
    send(&gateway, &session, "c").await;
    let live = socket.event().await;
    assert_eq!(live["data"]["text"], "c");
    drop(socket);
    send(&gateway, &session, "d").await;
    let last = live["eventId"].as_str().unwrap();
    let key = format!("Bearer {}", gateway.key);
    for (query, headers) in [
        (format!("lastEventId={last}&events=message.status"), vec![("Authorization", key.as_str())]),
        (format!("cursor={last}&events=message.status"), vec![("Authorization", key.as_str())]),
        ("events=message.status".to_owned(), vec![("Authorization", key.as_str()), ("Last-Event-ID", last)]),
    ] {
        let mut again = Socket::open(&gateway, &query, &headers).await;
        assert_eq!(again.event().await["data"]["text"], "d", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_opens_a_socket_with_a_token_and_hears_its_session_alone() {
    let gateway = Gateway::start().await;
    let (own, other) = (gateway.connected().await, gateway.connected().await);
    let made = token(&gateway, &gateway.key, &own).await;
    let query = format!("token={}&cursor={}", made["token"].as_str().unwrap(), made["cursor"].as_str().unwrap());
    send(&gateway, &other, "for somebody else").await;
    send(&gateway, &own, "for the page").await;
    let mut socket = Socket::open(&gateway, &query, &[]).await;
    let event = socket.event().await;
    assert_eq!((&event["data"]["text"], &event["sessionId"]), (&json!("for the page"), &json!(own)));
    // What it says is not read, and does it no harm.
    socket.0.send(Message::text("ping")).await.unwrap();
    send(&gateway, &own, "more").await;
    while socket.event().await["data"]["text"] != "more" {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_says_why_it_ends() {
    let mut gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let made = gateway.post("/v1/api-keys", json!({"name": "page", "permissions": ["events:read"]})).send().await;
    let (key, id) = (made.ok(201)["apiKey"].as_str().unwrap().to_owned(), made.ok(201)["keyId"].as_str().unwrap().to_owned());
    let of_page = token(&gateway, &key, &session).await;
    let mut by_token = Socket::open(&gateway, &format!("token={}", of_page["token"].as_str().unwrap()), &[]).await;
    let mut by_key = Socket::by_key(&gateway, &key, "").await;
    gateway.delete(&format!("/v1/api-keys/{id}")).send().await.ok(200);
    for socket in [&mut by_token, &mut by_key] {
        assert_eq!(socket.end().await, (1008, "invalid_api_key".to_owned()));
    }
    let expires_at = gateway.services.clock.now().plus_millis(60_000);
    let short = gateway.make_key(&[Permission::EventsRead], Some(expires_at)).await;
    let mut expiring = Socket::by_key(&gateway, &short, "").await;
    gateway.put_forward(60_000);
    assert_eq!(expiring.end().await, (1008, "expired_api_key".to_owned()));
    let made = token(&gateway, &gateway.key, &session).await;
    let query = format!("token={}&events=call.received", made["token"].as_str().unwrap());
    let mut orphan = Socket::open(&gateway, &query, &[]).await;
    gateway.delete(&format!("/v1/sessions/{session}")).send().await.ok(200);
    assert_eq!(orphan.end().await, (1008, "session_not_found".to_owned()));
    let mut last = Socket::by_key(&gateway, &gateway.key, "events=call.received").await;
    let server = gateway.server.take().unwrap();
    let ((), end) = tokio::join!(server.stop(), last.end());
    assert_eq!(end, (1001, "service_unavailable".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_of_named_origins_and_our_own_open_a_socket() {
    let allowed_origins = Origins::parse([SHOP]).unwrap();
    let gateway = Gateway::start_with(Limits { allowed_origins, ..Limits::default() }).await;
    let session = gateway.connected().await;
    let made = token(&gateway, &gateway.key, &session).await;
    let query = format!("token={}", made["token"].as_str().unwrap());
    let path = format!("/v1/events?{query}");
    for origin in ["https://evil.example", "http://shop.example", "null", "http://test:8081"] {
        let reply = refused(&gateway, &path, &[("Origin", origin)]).await;
        assert_eq!(reply.refused(ErrorCode::InsufficientPermissions)["field"], "Origin", "{origin}");
    }
    let foreign = refused(&gateway, &path, &[("Sec-Fetch-Site", "cross-site")]).await;
    foreign.refused(ErrorCode::InsufficientPermissions);
    let own = format!("http://{}", gateway.address);
    for headers in [vec![("Origin", SHOP), ("Sec-Fetch-Site", "cross-site")], vec![("Origin", own.as_str())], vec![]] {
        Socket::open(&gateway, &query, &headers).await;
    }
    // A cookie opens one to our own pages, and to nobody else's.
    logins::person(&gateway, &gateway.account, "ada", Role::Owner).await;
    let cookie = logins::cookie(&gateway, "ada").await;
    for origin in [SHOP, "https://evil.example"] {
        let reply = refused(&gateway, "/v1/events", &[("Cookie", cookie.as_str()), ("Origin", origin)]).await;
        reply.refused(ErrorCode::InsufficientPermissions);
    }
    Socket::open(&gateway, "", &[("Cookie", cookie.as_str()), ("Origin", own.as_str())]).await;
}

#[tokio::test]
async fn what_is_no_opening_of_a_socket_is_refused_and_other_operations_have_none() {
    let gateway = Gateway::start().await;
    let key = format!("Bearer {}", gateway.key);
    for header in ["Sec-WebSocket-Version", "Sec-WebSocket-Key"] {
        let reply = refused(&gateway, "/v1/events", &[("Authorization", key.as_str()), (header, "")]).await;
        assert_eq!(reply.refused(ErrorCode::InvalidRequest)["field"], "Upgrade", "{header}");
    }
    let old = refused(&gateway, "/v1/events", &[("Authorization", key.as_str()), ("Sec-WebSocket-Version", "8")]).await;
    old.refused(ErrorCode::InvalidRequest);
    refused(&gateway, "/v1/events", &[]).await.refused(ErrorCode::MissingApiKey);
    refused(&gateway, "/v1/events?cursor=x", &[("Authorization", &key)]).await.refused(ErrorCode::InvalidRequest);
    refused(&gateway, "/v1/events?nonsense=x", &[("Authorization", &key)]).await.refused(ErrorCode::InvalidRequest);
    let weak = gateway.make_key(&[Permission::MessagesRead], None).await;
    let weak = refused(&gateway, "/v1/events", &[("Authorization", &format!("Bearer {weak}"))]).await;
    weak.refused(ErrorCode::InsufficientPermissions);
    refused(&gateway, "/v1/account", &[("Authorization", &key)]).await.ok(200);
    refused(&gateway, "/v1/events", &[("Authorization", key.as_str()), ("Upgrade", "h2c")]).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_is_one_of_the_requests_at_a_time_until_its_client_leaves() {
    let gateway = Gateway::start().await;
    let key = gateway.key_on("narrow", |plan| plan.concurrent_requests = 1).await;
    let socket = Socket::by_key(&gateway, &key, "").await;
    gateway.get("/v1/events").key(&key).send().await.refused(ErrorCode::ConcurrentRequestLimitExceeded);
    drop(socket);
    while gateway.get("/v1/events").key(&key).send().await.status != 200 {}
    let mut polite = Socket::by_key(&gateway, &key, "").await;
    polite.0.send(Message::close(None, "")).await.unwrap();
    assert!(polite.frame().await.is_close());
    while gateway.get("/v1/events").key(&key).send().await.status != 200 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_keeps_its_place_among_the_connections() {
    let gateway = Gateway::start_with(Limits { connections: 2, header_timeout: Duration::from_mins(10), ..Limits::default() }).await;
    let socket = Socket::by_key(&gateway, &gateway.key, "").await;
    let mut kept = TcpStream::connect(gateway.address).await.unwrap();
    assert!(asked(&mut kept).await.unwrap().starts_with("HTTP/1.1 200"));
    let mut waits = TcpStream::connect(gateway.address).await.unwrap();
    let mut answered = Box::pin(asked(&mut waits));
    // Those that have a place are served meanwhile.
    tokio::select! {
        biased;
        answer = &mut answered => panic!("a third connection has a place: {answer:?}"),
        answer = asked(&mut kept) => assert!(answer.unwrap().starts_with("HTTP/1.1 200")),
    }
    drop(socket);
    assert!(answered.await.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_socket_is_asked_whether_it_is_there_and_ends_when_it_is_not() {
    let gateway = Gateway::start_with(Limits { heartbeat: Duration::from_millis(1_500), ..Limits::default() }).await;
    let key = gateway.key_on("narrow", |plan| plan.concurrent_requests = 1).await;
    let mut socket = Socket::by_key(&gateway, &key, "").await;
    // Who answers is asked again, and has the time of a busy machine for that.
    for _ in 0..2 {
        let next = tokio::time::timeout(PATIENCE, socket.0.next()).await.expect("a frame in time");
        assert!(next.unwrap().unwrap().is_ping());
    }
    let free = async { while gateway.get("/v1/account").key(&key).send().await.status != 200 {} };
    tokio::time::timeout(PATIENCE, free).await.expect("its place is free, though it never said farewell");
    drop(socket);
}

/// More than the system keeps of a connection on its own.
const TEXTS: usize = 400;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_is_cut_off() {
    let gateway = Gateway::start_with(Limits { stall_timeout: Duration::from_millis(300), ..Limits::default() }).await;
    let key = gateway.key_on("narrow", |plan| plan.concurrent_requests = 2).await;
    let made = gateway.post("/v1/sessions", json!({"name": "loud"})).key(&key).send().await.ok(201)["sessionId"].clone();
    gateway.engine.connect(&SessionId::parse(made.as_str().unwrap()).unwrap());
    // It takes next to nothing on the way.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let stream = socket.connect(gateway.address).await.unwrap();
    let uri = format!("ws://{}/v1/events", gateway.address);
    let key_header = HeaderValue::from_str(&format!("Bearer {key}")).unwrap();
    let builder = ClientBuilder::new().uri(&uri).unwrap().add_header(http::header::AUTHORIZATION, key_header).unwrap();
    let (_silent, _) = builder.connect_on(stream).await.unwrap();
    let body = json!({"sessionId": made, "to": engine::SILENT, "text": "\u{1f6a2}".repeat(4096), "async": true});
    for _ in 0..TEXTS {
        gateway.post("/v1/messages/text", body.clone()).key(&key).send().await.ok(201);
    }
    // It and this one take both places.
    let _second = Socket::by_key(&gateway, &key, "events=call.received").await;
    let free = async { while gateway.get("/v1/account").key(&key).send().await.status != 200 {} };
    tokio::time::timeout(PATIENCE, free).await.expect("its place is free");
}
