//! Tokens for pages: what they open, what they do not, and when they end.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wharf::http::Limits;
use wharf_api::ids::SessionId;
use wharf_api::ops::{self, Access};
use wharf_api::types::user::Role;
use wharf_api::{ErrorCode, Permission, Timestamp};
use wharf_core::event::token as tokens;
use wharf_core::key;

use crate::harness::{Ask, Gateway, client, requests};
use crate::logins;

const PHONE: &str = "15550001001";
/// How long something may take to come before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

pub async fn send(gateway: &Gateway, session: &SessionId, text: &str) {
    let sent = gateway.post("/v1/messages/text", json!({"sessionId": session, "to": PHONE, "text": text, "async": true})).send().await;
    sent.ok(201);
}

/// A token for the session, made with this key.
pub async fn token(gateway: &Gateway, key: &str, session: &SessionId) -> Value {
    gateway.post("/v1/events/tokens", json!({"sessionId": session})).key(key).send().await.ok(200).clone()
}

fn text<'a>(made: &'a Value, name: &str) -> &'a str {
    made[name].as_str().unwrap()
}

/// As an `EventSource` asks.
fn stream(gateway: &Gateway, query: &str) -> Ask {
    gateway.ask("GET", &format!("/v1/events?{query}")).header("Accept", "text/event-stream")
}

/// A stream as it comes.
struct Heard {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Heard {
    async fn open(ask: &Ask) -> Self {
        let mut stream = TcpStream::connect(ask.address()).await.unwrap();
        stream.write_all(&ask.bytes()).await.unwrap();
        let mut heard = Self { stream, bytes: Vec::new() };
        let head = heard.until("retry: ").await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        heard
    }

    /// All that has come once this has.
    async fn until(&mut self, word: &str) -> String {
        let read = async {
            while !String::from_utf8_lossy(&self.bytes).contains(word) {
                let read = self.stream.read_buf(&mut self.bytes).await.unwrap();
                assert_ne!(read, 0, "it ends before {word}: {}", String::from_utf8_lossy(&self.bytes));
            }
        };
        tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("{word} comes"));
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// All that came until the end.
    async fn until_the_end(mut self) -> String {
        let read = self.stream.read_to_end(&mut self.bytes);
        tokio::time::timeout(PATIENCE, read).await.expect("the stream ends").unwrap();
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

#[tokio::test]
async fn a_token_opens_the_stream_of_its_session_and_nothing_else() {
    let gateway = Gateway::start_with(Limits { failed_keys_per_minute: 10_000, ..Limits::default() }).await;
    let (own, other) = (gateway.connected().await, gateway.connected().await);
    send(&gateway, &other, "for somebody else").await;
    send(&gateway, &own, "for the page").await;
    let made = token(&gateway, &gateway.key, &own).await;
    let token = text(&made, "token");
    let mut heard = Heard::open(&stream(&gateway, &format!("token={token}&cursor=oldest"))).await;
    assert!(!heard.until("for the page").await.contains("for somebody else"));
    let own_by_name = Heard::open(&stream(&gateway, &format!("token={token}&sessionId={own}"))).await;
    drop(own_by_name);
    stream(&gateway, &format!("token={token}&sessionId={other}")).send().await.refused(ErrorCode::SessionNotFound);
    // No list, and no long poll.
    let list = gateway.ask("GET", &format!("/v1/events?token={token}")).send().await;
    assert!(list.refused(ErrorCode::InsufficientPermissions)["reason"].as_str().unwrap().contains("stream"));
    gateway.ask("GET", &format!("/v1/events?token={token}&wait=1")).send().await.refused(ErrorCode::InsufficientPermissions);
    for operation in ops::ALL.iter().filter(|operation| operation.access != Access::Open) {
        let path = operation.path.replace(['{', '}'], "");
        let ask = || gateway.ask(operation.method.as_str(), &path);
        ask().key(token).send().await.refused(ErrorCode::InvalidApiKey);
        if operation.id != ops::list_events.id {
            ask().query(&format!("token={token}")).send().await.refused(ErrorCode::MissingApiKey);
        }
    }
}

#[tokio::test]
async fn a_key_beside_a_token_and_a_key_in_its_place_are_refused() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let made = token(&gateway, &gateway.key, &session).await;
    let token = text(&made, "token");
    let both = stream(&gateway, &format!("token={token}")).key(&gateway.key).send().await;
    both.refused(ErrorCode::InvalidApiKey);
    let astray = stream(&gateway, &format!("token={}", gateway.key)).send().await;
    let reason = astray.refused(ErrorCode::InvalidApiKey)["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("/v1/events/tokens") && !reason.contains(&gateway.key), "{reason}");
}

#[tokio::test]
async fn a_token_that_was_changed_anywhere_is_none() {
    let gateway = Gateway::start_with(Limits { failed_keys_per_minute: 10_000, ..Limits::default() }).await;
    let session = gateway.connected().await;
    let made = token(&gateway, &gateway.key, &session).await;
    let token = text(&made, "token");
    for place in (0..token.len()).step_by(7) {
        let mut changed = token.as_bytes().to_vec();
        changed[place] = if changed[place] == b'x' { b'y' } else { b'x' };
        let changed = String::from_utf8(changed).unwrap();
        stream(&gateway, &format!("token={changed}")).send().await.refused(ErrorCode::InvalidApiKey);
    }
    for none in ["wharf_stream_", "x", &token[..token.len() - 1], &format!("{token}x"), &format!("wharf_stream_{}", "A".repeat(20_000))] {
        stream(&gateway, &format!("token={none}")).send().await.refused(ErrorCode::InvalidApiKey);
    }
    let another = Gateway::start().await;
    stream(&another, &format!("token={token}")).send().await.refused(ErrorCode::InvalidApiKey);
}

#[tokio::test]
async fn a_token_is_good_for_ten_minutes_or_as_long_as_is_asked_but_never_longer_than_its_key() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let now = || gateway.services.clock.now();
    for (asked, seconds) in [(Value::Null, 600), (json!(60), 60), (json!(3_600), 3_600)] {
        let before = now();
        let body = json!({"sessionId": session, "expiresInSeconds": asked});
        let made = gateway.post("/v1/events/tokens", body).send().await;
        let until: Timestamp = text(made.ok(200), "expiresAt").parse().unwrap();
        assert!((before.plus_millis(seconds * 1_000)..=now().plus_millis(seconds * 1_000)).contains(&until), "{asked}: {until}");
        assert_eq!((made.header("cache-control"), &made.ok(200)["sessionId"]), ("no-store", &json!(session)));
    }
    for seconds in [0, 59, 3_601] {
        let body = json!({"sessionId": session, "expiresInSeconds": seconds});
        let reply = gateway.post("/v1/events/tokens", body).send().await;
        let details = reply.refused(ErrorCode::InvalidRequest);
        assert_eq!(
            (&details["field"], &details["limit"], &details["actual"]),
            (&json!("expiresInSeconds"), &json!(3_600), &json!(seconds))
        );
    }
    let end = now().plus_millis(120_000);
    let short = gateway.make_key(&[Permission::EventsRead], Some(end)).await;
    let made = token(&gateway, &short, &session).await;
    assert_eq!(text(&made, "expiresAt").parse::<Timestamp>().unwrap(), end);
    let nowhere = json!({"sessionId": requests::missing("ses")});
    gateway.post("/v1/events/tokens", nowhere).send().await.refused(ErrorCode::SessionNotFound);
    let other = gateway.make_key(&[Permission::MessagesRead], None).await;
    let body = json!({"sessionId": session});
    gateway.post("/v1/events/tokens", body).key(&other).send().await.refused(ErrorCode::InsufficientPermissions);
}

#[tokio::test]
async fn a_token_that_is_over_is_told_from_one_that_never_was() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let caller = key::authenticate(&gateway.services, &gateway.key).await.unwrap();
    let made = tokens::make(&gateway.services, &caller, session.as_str(), 0).await.unwrap();
    stream(&gateway, &format!("token={}", made.token)).send().await.refused(ErrorCode::ExpiredApiKey);
    let made = tokens::make(&gateway.services, &caller, session.as_str(), 60).await.unwrap();
    let mut heard = Heard::open(&stream(&gateway, &format!("token={}", made.token))).await;
    send(&gateway, &session, "while it is good").await;
    heard.until("while it is good").await;
    gateway.put_forward(60_000);
    heard.until_the_end().await;
    stream(&gateway, &format!("token={}", made.token)).send().await.refused(ErrorCode::ExpiredApiKey);
}

/// A key for the log of events, and its id.
async fn reader(gateway: &Gateway) -> (String, String) {
    let made = gateway.post("/v1/api-keys", json!({"name": "page", "permissions": ["events:read"]})).send().await;
    (text(made.ok(201), "apiKey").to_owned(), text(made.ok(201), "keyId").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_with_its_key_and_with_its_session_and_so_do_its_streams() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    for (way, code) in
        [("revoked", ErrorCode::InvalidApiKey), ("rotated", ErrorCode::ExpiredApiKey), ("deleted", ErrorCode::SessionNotFound)]
    {
        let (key, id) = reader(&gateway).await;
        let made = token(&gateway, &key, &session).await;
        let query = format!("token={}", text(&made, "token"));
        let heard = Heard::open(&stream(&gateway, &query)).await;
        match way {
            "revoked" => drop(gateway.delete(&format!("/v1/api-keys/{id}")).send().await.ok(200)),
            "rotated" => drop(gateway.post(&format!("/v1/api-keys/{id}/rotate"), json!({"overlapSeconds": 0})).send().await.ok(201)),
            _ => drop(gateway.delete(&format!("/v1/sessions/{session}")).send().await.ok(200)),
        }
        stream(&gateway, &query).send().await.refused(code);
        heard.until_the_end().await;
    }
}

#[tokio::test]
async fn a_token_of_a_bound_key_is_for_its_sessions_alone() {
    let gateway = Gateway::start().await;
    let (own, other) = (gateway.connected().await, gateway.connected().await);
    let bound = gateway.make_key_of(gateway.account.clone(), &[Permission::EventsRead], None, Some(vec![own.clone()])).await;
    token(&gateway, &bound, &own).await;
    let foreign = gateway.post("/v1/events/tokens", json!({"sessionId": other})).key(&bound).send().await;
    foreign.refused(ErrorCode::SessionNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_signed_in_makes_a_token_that_ends_with_the_log_in() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    logins::person(&gateway, &gateway.account, "ada", Role::ReadOnly).await;
    let cookie = logins::cookie(&gateway, "ada").await;
    let by = |method: &str, path: &str| gateway.ask(method, path).header("Cookie", &cookie).header("X-Wharf-Dashboard", "1");
    let made = by("POST", "/v1/events/tokens").json(&json!({"sessionId": session})).send().await;
    let query = format!("token={}&cursor=oldest", text(made.ok(200), "token"));
    send(&gateway, &session, "for ada").await;
    let mut heard = Heard::open(&stream(&gateway, &query)).await;
    heard.until("for ada").await;
    // It is nobody's log-in.
    gateway.ask("GET", &format!("/v1/login?{query}")).send().await.refused(ErrorCode::MissingApiKey);
    by("DELETE", "/v1/login").send().await.ok(200);
    stream(&gateway, &query).send().await.refused(ErrorCode::InvalidApiKey);
    heard.until_the_end().await;
}

#[tokio::test]
async fn what_happens_between_the_token_and_its_stream_is_heard() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    send(&gateway, &session, "before").await;
    let made = token(&gateway, &gateway.key, &session).await;
    send(&gateway, &session, "meanwhile").await;
    let query = format!("token={}&cursor={}", text(&made, "token"), text(&made, "cursor"));
    let mut heard = Heard::open(&stream(&gateway, &query)).await;
    assert!(!heard.until("meanwhile").await.contains("before"));
}

#[tokio::test]
async fn events_are_called_by_their_kind_for_a_key_and_by_no_name_for_a_page() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    send(&gateway, &session, "a word").await;
    let made = token(&gateway, &gateway.key, &session).await;
    let token = text(&made, "token");
    let by_key = |query: &str| stream(&gateway, &format!("cursor=oldest{query}")).key(&gateway.key);
    let by_token = |query: &str| stream(&gateway, &format!("cursor=oldest&token={token}{query}"));
    for (ask, named) in [
        (by_key(""), true),
        (by_key("&names=kind"), true),
        (by_key("&names="), true),
        (by_key("&names=message"), false),
        (by_token(""), false),
        (by_token("&names=message"), false),
        (by_token("&names=kind"), true),
    ] {
        let seen = Heard::open(&ask).await.until("a word").await;
        assert_eq!(seen.contains("\nevent: message.status\n"), named, "{seen}");
        assert!(named || !seen.contains("\nevent:"), "{seen}");
        assert!(seen.contains("\nid: evt_") && seen.contains("\ndata: {\"eventId\":\"evt_"), "{seen}");
    }
    let wrong = by_key("&names=all").send().await;
    assert_eq!(wrong.refused(ErrorCode::InvalidRequest)["field"], "names");
}

#[tokio::test]
async fn a_flood_of_bad_tokens_is_turned_away_and_a_good_one_is_still_let_in() {
    let gateway = Gateway::start_with(Limits { failed_keys_per_minute: 3, ..Limits::default() }).await;
    let session = gateway.connected().await;
    let made = token(&gateway, &gateway.key, &session).await;
    for _ in 0..3 {
        stream(&gateway, "token=wharf_stream_AAAA").send().await.refused(ErrorCode::InvalidApiKey);
    }
    stream(&gateway, "token=wharf_stream_AAAA").send().await.refused(ErrorCode::RateLimitExceeded);
    Heard::open(&stream(&gateway, &format!("token={}", text(&made, "token")))).await;
}

#[tokio::test]
async fn the_head_of_a_stream_by_token_has_no_body() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let made = token(&gateway, &gateway.key, &session).await;
    let ask = gateway.ask("HEAD", &format!("/v1/events?token={}", text(&made, "token"))).header("Accept", "text/event-stream");
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(&ask.bytes()).await.unwrap();
    let reply = client::read(&mut stream).await;
    assert_eq!((reply.status, reply.body.len()), (200, 0), "{}", reply.shown());
}
