//! The event log: in parts, as it grows, and never more than the key may see.

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use wharf_api::ids::SessionId;
use wharf_api::{ErrorCode, Permission};
use wharf_core::account;
use wharf_core::key::{self, Guess};

use crate::harness::{Gateway, Reply};

const PHONE: &str = "15550001001";
/// How long something may take to come before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends a text, which is one event.
pub async fn send(gateway: &Gateway, session: &SessionId, text: &str) {
    let sent = gateway.post("/v1/messages/text", json!({"sessionId": session, "to": PHONE, "text": text, "async": true})).send().await;
    sent.ok(201);
}

pub fn texts(events: &Value) -> Vec<&str> {
    events.as_array().unwrap().iter().map(|event| event["data"]["text"].as_str().unwrap()).collect()
}

fn next(reply: &Reply) -> &str {
    reply.json["page"]["next"].as_str().expect("a log always goes on somewhere")
}

/// A stream of events as a client reads it.
pub struct Stream {
    chunks: std::pin::Pin<Box<dyn futures::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    text: String,
    /// The id that was sent last, also without an event.
    last_id: String,
}

impl Stream {
    pub async fn open(gateway: &Gateway, key: &str, query: &str, last: Option<&str>) -> Self {
        let response = Self::ask(gateway, key, query, last).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { chunks: Box::pin(response.bytes_stream()), text: String::new(), last_id: String::new() }
    }

    async fn ask(gateway: &Gateway, key: &str, query: &str, last: Option<&str>) -> reqwest::Response {
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "a customer's client, not the gateway's")]
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut ask =
            client.get(format!("http://{}/v1/events{query}", gateway.address)).bearer_auth(key).header("Accept", "text/event-stream");
        if let Some(last) = last {
            ask = ask.header("Last-Event-ID", last);
        }
        ask.send().await.unwrap()
    }

    /// The next event, or `None` where the stream ends.
    async fn event(&mut self) -> Option<Value> {
        tokio::time::timeout(PATIENCE, async {
            loop {
                while let Some(end) = self.text.find("\n\n") {
                    let block: String = self.text.drain(..end + 2).collect();
                    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                    self.last_id = field("id: ").unwrap_or(std::mem::take(&mut self.last_id));
                    if let Some(data) = field("data: ") {
                        let event: Value = serde_json::from_str(&data).unwrap();
                        assert_eq!(
                            (field("id: "), field("event: ")),
                            (Some(event["eventId"].as_str().unwrap().into()), Some(event["event"].as_str().unwrap().into()))
                        );
                        return Some(event);
                    }
                }
                let chunk = self.chunks.next().await?.ok()?;
                self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        })
        .await
        .expect("an event or the end in time")
    }

    pub async fn text_of_next(&mut self) -> String {
        self.event().await.unwrap()["data"]["text"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_in_parts_and_goes_on_where_it_ended() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    for text in ["a", "b", "c"] {
        send(&gateway, &session, text).await;
    }
    let first = gateway.get("/v1/events?limit=2").send().await;
    let shown = first.ok(200);
    assert_eq!(texts(shown), ["a", "b"]);
    let event = &shown[0];
    assert_eq!((&event["event"], &event["sequence"], &event["sessionId"]), (&json!("message.status"), &json!(1), &json!(session)));
    assert_eq!(event["accountId"], json!(gateway.account));
    assert!(event["eventId"].as_str().unwrap().starts_with("evt_") && event["createdAt"].as_str().unwrap().ends_with('Z'));
    let rest = gateway.get(&format!("/v1/events?cursor={}", next(&first))).send().await;
    assert_eq!(texts(rest.ok(200)), ["c"]);
    let nothing = gateway.get(&format!("/v1/events?cursor={}", next(&rest))).send().await;
    assert_eq!((nothing.ok(200), next(&nothing)), (&json!([]), next(&rest)));
    let by_id = gateway.get(&format!("/v1/events?cursor={}", shown[0]["eventId"].as_str().unwrap())).send().await;
    assert_eq!(texts(by_id.ok(200)), ["b", "c"]);
    let latest = gateway.get("/v1/events?cursor=latest").send().await;
    assert_eq!((latest.ok(200), next(&latest)), (&json!([]), next(&rest)));

    let path = format!("/v1/events?wait=30&cursor={}", next(&rest));
    let (waited, ()) = tokio::join!(gateway.get(&path).send(), send(&gateway, &session, "d"));
    assert_eq!(texts(waited.ok(200)), ["d"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_shows_what_it_names_and_a_bad_value_is_named() {
    let gateway = Gateway::start().await;
    let (one, two) = (gateway.connected().await, gateway.connected().await);
    send(&gateway, &one, "one").await;
    send(&gateway, &two, "two").await;
    let of = async |query: &str| gateway.get(&format!("/v1/events?{query}")).send().await;
    assert_eq!(texts(of(&format!("sessionId={two}")).await.ok(200)), ["two"]);
    assert_eq!(texts(of("events=message.status,message.sent").await.ok(200)), ["one", "two"]);
    assert_eq!(texts(of("events=*").await.ok(200)), ["one", "two"]);
    assert!(texts(of("events=message.received").await.ok(200)).is_empty());
    of("sessionId=ses_00000000000000000000000000000000").await.refused(ErrorCode::SessionNotFound);
    of("limit=x").await.refused(ErrorCode::InvalidParameterType);
    for (query, field) in [
        ("events=message.reseived", "events"),
        ("events=message.sent,", "events"),
        ("cursor=x", "cursor"),
        ("cursor=ses_00000000000000000000000000000000", "cursor"),
        ("cursor=-0", "cursor"),
        ("cursor=-1001", "cursor"),
        ("limit=201", "limit"),
        ("wait=31", "wait"),
    ] {
        assert_eq!(of(query).await.refused(ErrorCode::InvalidRequest)["field"], field, "{query}");
    }
    let stream = Stream::ask(&gateway, &gateway.key, "", Some("nothing")).await;
    assert_eq!(stream.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_shows_what_was_missed_then_what_comes_and_goes_on_after_the_last_id() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    send(&gateway, &session, "before").await;
    let mut live = Stream::open(&gateway, &gateway.key, "", None).await;
    let mut all = Stream::open(&gateway, &gateway.key, "?cursor=oldest", None).await;
    assert_eq!(all.text_of_next().await, "before");
    send(&gateway, &session, "then").await;
    assert_eq!((all.text_of_next().await, live.text_of_next().await), ("then".into(), "then".into()));
    let last = live.last_id.clone();
    drop(live);
    send(&gateway, &session, "while away").await;
    let mut again = Stream::open(&gateway, &gateway.key, "", Some(&last)).await;
    assert_eq!(again.text_of_next().await, "while away");
    send(&gateway, &session, "live again").await;
    assert_eq!((again.text_of_next().await, all.text_of_next().await), ("live again".into(), "while away".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_cut_off_before_its_first_event_misses_none() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    send(&gateway, &session, "before").await;
    let mut silent = Stream::open(&gateway, &gateway.key, "?events=message.status", None).await;
    let opening = silent.chunks.next().await.unwrap().unwrap();
    let opening = std::str::from_utf8(&opening).unwrap();
    let id = opening.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id before any event");
    drop(silent.chunks);
    send(&gateway, &session, "missed").await;
    assert_eq!(Stream::open(&gateway, &gateway.key, "", Some(id)).await.text_of_next().await, "missed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_sees_the_events_that_it_may_see() {
    let gateway = Gateway::start().await;
    let (one, two) = (gateway.connected().await, gateway.connected().await);
    send(&gateway, &one, "one").await;
    send(&gateway, &two, "two").await;
    let bound = gateway.make_key_of(gateway.account.clone(), &[Permission::EventsRead], None, Some(vec![two.clone()])).await;
    assert_eq!(texts(gateway.get("/v1/events").key(&bound).send().await.ok(200)), ["two"]);
    gateway.get(&format!("/v1/events?sessionId={one}")).key(&bound).send().await.refused(ErrorCode::SessionNotFound);
    assert_eq!(Stream::open(&gateway, &bound, "?cursor=oldest", None).await.text_of_next().await, "two");
    let other = gateway.make_key(&[Permission::MessagesRead], None).await;
    gateway.get("/v1/events").key(&other).send().await.refused(ErrorCode::InsufficientPermissions);
    gateway.ask("GET", "/v1/events").send().await.refused(ErrorCode::MissingApiKey);
    let stranger = account::find_or_create(&gateway.services, "stranger", "free").await.unwrap();
    let theirs = gateway.make_key_of(stranger, Permission::ALL, None, None).await;
    assert_eq!(gateway.get("/v1/events").key(&theirs).send().await.ok(200), &json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_one_of_the_requests_at_a_time_until_its_client_leaves() {
    let gateway = Gateway::start().await;
    let key = gateway.key_on("narrow", |plan| plan.concurrent_requests = 1).await;
    let stream = Stream::open(&gateway, &key, "", None).await;
    gateway.get("/v1/events").key(&key).send().await.refused(ErrorCode::ConcurrentRequestLimitExceeded);
    drop(stream);
    while gateway.get("/v1/events").key(&key).send().await.status != 200 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_says_in_the_address_what_it_saw_last_and_puts_blanks_behind_commas() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    for text in ["one", "two", "three"] {
        send(&gateway, &session, text).await;
    }
    let list = gateway.get("/v1/events?events=message.status,%20message.sent").send().await;
    let first = list.ok(200)[0]["eventId"].as_str().unwrap().to_owned();
    let second = list.ok(200)[1]["eventId"].as_str().unwrap().to_owned();
    for name in ["lastEventId", "last_event_id"] {
        // The address says it, also where it says where to begin without it.
        for query in [format!("?{name}={first}"), format!("?cursor=oldest&{name}={first}"), format!("?cursor=latest&{name}={first}")] {
            let mut stream = Stream::open(&gateway, &gateway.key, &query, None).await;
            assert_eq!(stream.event().await.unwrap()["eventId"], second, "{query}");
        }
        // The header is newer.
        let mut stream = Stream::open(&gateway, &gateway.key, &format!("?{name}=evt_nonsense"), Some(&first)).await;
        assert_eq!(stream.event().await.unwrap()["eventId"], second);
        let reply = gateway.get(&format!("/v1/events?{name}=nonsense")).header("Accept", "text/event-stream").send().await;
        assert_eq!(reply.refused(ErrorCode::InvalidRequest)["field"], name);
    }
    gateway.get("/v1/events?lasteventid=x").send().await.refused(ErrorCode::InvalidRequest);
}

/// How soon whoever waits with a key that has ended is told so, on a busy machine too: a long poll lasts longer, and a stream for ever.
const SOON: Duration = Duration::from_secs(20);
/// How long a key is good that ends by itself: the clock is put forward by that.
const GOOD_MS: i64 = 60_000;

/// A key for the log that is good until it is ended, or for as long as is said; with its id.
async fn reader(gateway: &Gateway, good_ms: Option<i64>) -> (String, String) {
    let expires_at = good_ms.map(|ms| gateway.services.clock.now().plus_millis(ms));
    let body = json!({"name": "reader", "permissions": ["events:read", "sessions:read"], "expiresAt": expires_at});
    let made = gateway.post("/v1/api-keys", body).send().await;
    let text = |name: &str| made.ok(201)[name].as_str().unwrap().to_owned();
    (text("apiKey"), text("keyId"))
}

/// Ends the key in one of the ways that there are.
async fn end(gateway: &Gateway, id: &str, way: &str) {
    match way {
        "revoked" => drop(gateway.delete(&format!("/v1/api-keys/{id}")).send().await.ok(200)),
        "rotated away" => drop(gateway.post(&format!("/v1/api-keys/{id}/rotate"), json!({"overlapSeconds": 0})).send().await.ok(201)),
        "expired" => gateway.put_forward(GOOD_MS),
        other => panic!("no way to end a key: {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_ends_soon_after_its_key() {
    let gateway = Gateway::start().await;
    for (way, good_ms) in [("revoked", None), ("rotated away", None), ("expired", Some(GOOD_MS))] {
        let (key, id) = reader(&gateway, good_ms).await;
        let mut stream = Stream::open(&gateway, &key, "", None).await;
        end(&gateway, &id, way).await;
        let ended = tokio::time::timeout(SOON, stream.event()).await;
        assert!(ended.expect(way).is_none(), "{way}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_never_rests_tells_nothing_that_came_after_the_end_of_its_key() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    for (way, good_ms) in [("revoked", None), ("rotated away", None), ("expired", Some(GOOD_MS))] {
        let (key, id) = reader(&gateway, good_ms).await;
        let mut stream = Stream::open(&gateway, &key, "", None).await;
        send(&gateway, &session, "before").await;
        assert_eq!(stream.text_of_next().await, "before");
        let ended = std::sync::atomic::AtomicBool::new(false);
        let ending = async {
            end(&gateway, &id, way).await;
            let deadline = tokio::time::Instant::now() + SOON;
            while !ended.load(std::sync::atomic::Ordering::SeqCst) {
                assert!(tokio::time::Instant::now() < deadline, "{way}: it goes on");
                send(&gateway, &session, "after").await;
            }
        };
        let reading = async {
            while let Some(event) = stream.event().await {
                assert_ne!(event["data"]["text"], "after", "{way}");
            }
            ended.store(true, std::sync::atomic::Ordering::SeqCst);
        };
        tokio::join!(ending, reading);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_ends_soon_after_its_key() {
    let gateway = Gateway::start().await;
    let waiting = gateway.session().await;
    let known = gateway.get(&format!("/v1/sessions/{waiting}/qr")).send().await.ok(200)["qr"].as_str().unwrap().replace('+', "%2B");
    for path in ["/v1/events?cursor=latest&wait=30".to_owned(), format!("/v1/sessions/{waiting}/qr?wait=30&known={known}")] {
        for (way, good_ms, code) in [
            ("revoked", None, ErrorCode::InvalidApiKey),
            ("rotated away", None, ErrorCode::ExpiredApiKey),
            ("expired", Some(GOOD_MS), ErrorCode::ExpiredApiKey),
        ] {
            let (secret, id) = reader(&gateway, good_ms).await;
            let asked = tokio::spawn(gateway.get(&path).key(&secret).send());
            // The request has been let in once its key is known here.
            while key::guess(&gateway.services, &secret) != Guess::WasGood {
                tokio::task::yield_now().await;
            }
            end(&gateway, &id, way).await;
            tokio::time::timeout(SOON, asked).await.expect(way).unwrap().refused(code);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_the_server_stops() {
    let mut gateway = Gateway::start().await;
    let mut stream = Stream::open(&gateway, &gateway.key, "", None).await;
    let server = gateway.server.take().unwrap();
    let ((), ended) = tokio::join!(server.stop(), stream.event());
    assert!(ended.is_none());
}
