//! What a page needs of the gateway: a token, and a WebSocket that it opens; over a restart, on another node, in no log.

use futures::StreamExt as _;
use http::HeaderValue;
use http::header::ORIGIN;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_websockets::{ClientBuilder, MaybeTlsStream, Message, WebSocketStream};
use wharf_api::ErrorCode;

use crate::harness::api::read;
use crate::harness::{Api, Backend, ECHO, OWNER, PATIENCE, World, both_backends, process};

const SHOP: &str = "https://shop.example";
/// All that a request could be written down by.
const LOUD: &str = "info,wharf=trace,axum=trace,hyper=trace,hyper_util=trace,tower_http=trace,tungstenite=trace,tokio_tungstenite=trace";

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// As a page of the shop opens it.
    async fn open(base: &str, query: &str) -> Self {
        let uri = format!("{}/v1/events?{query}", base.replacen("http", "ws", 1));
        let builder = ClientBuilder::new().uri(&uri).unwrap().add_header(ORIGIN, HeaderValue::from_static(SHOP)).unwrap();
        Self(builder.connect().await.unwrap().0)
    }

    async fn frame(&mut self) -> Message {
        tokio::time::timeout(PATIENCE, self.0.next()).await.expect("a frame in time").expect("a frame before the end").unwrap()
    }

    /// The next event that is so.
    async fn until(&mut self, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = self.frame().await;
            assert!(!frame.is_close(), "{frame:?}");
            let event = frame.as_text().map(|text| serde_json::from_str::<Value>(text).unwrap());
            if let Some(event) = event.filter(&is) {
                return event;
            }
        }
    }

    /// Why it ends, whatever is told until then.
    async fn end(&mut self) -> (u16, String) {
        loop {
            let frame = self.frame().await;
            if let Some((code, reason)) = frame.as_close() {
                return (code.into(), reason.to_owned());
            }
        }
    }
}

/// A token that was made by this caller for the session, and where the log ended then.
async fn token(api: &Api, session: &str) -> (String, String) {
    let made = api.post("/v1/events/tokens", &json!({"sessionId": session})).await;
    let text = |name: &str| made.ok(200)[name].as_str().unwrap().to_owned();
    (text("token"), text("cursor"))
}

fn is_answer(event: &Value) -> bool {
    event["event"] == "message.received"
}

both_backends! {
    async fn a_page_hears_its_session_over_a_restart_until_its_token_is_over(backend) {
        let env = [("WHARF_ALLOWED_ORIGINS", SHOP), ("WHARF_LOG", LOUD)];
        let mut world = World::start_with(backend, &env).await;
        let port = process::lasting_port();
        world.stop_gateway().await;
        world.start_gateway_at(&port, &env).await;
        let session = world.pair(OWNER).await;
        let base = world.api().base.clone();
        let (token, cursor) = token(&world.api(), &session).await;
        let mut socket = Socket::open(&base, &format!("token={token}&cursor={cursor}")).await;
        world.send(&session, ECHO, "is anybody there?").await.ok(201);
        let first = socket.until(is_answer).await;
        world.kill_gateway().await;
        world.start_gateway_at(&port, &env).await;
        world.until_connected(&session).await;
        world.send(&session, ECHO, "and now?").await.ok(201);
        let query = format!("token={token}&lastEventId={}", first["eventId"].as_str().unwrap());
        let mut again = Socket::open(&base, &query).await;
        let second = again.until(is_answer).await;
        assert_ne!(second["eventId"], first["eventId"]);
        assert!(second["data"]["text"].as_str().unwrap().contains("and now?"), "{second}");
        world.advance(11 * 60).await;
        assert_eq!(again.end().await, (1008, "expired_api_key".to_owned()));
        let page = Api::new(&base, "");
        let late = page.request("GET", &format!("/v1/events?{query}")).header("accept", "text/event-stream");
        read(late).await.refused(ErrorCode::ExpiredApiKey);
        let log = world.log();
        assert!(log.contains("/v1/events"), "requests are written down: {log}");
        assert!(!log.contains(&token), "a token stands in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_node_opens_a_socket_at_another_until_its_key_is_revoked() {
    let world = World::start(Backend::Postgres).await;
    let session = world.pair(OWNER).await;
    let other = world.another_node_with("second", &[("WHARF_ALLOWED_ORIGINS", SHOP)]).await;
    let api = world.api();
    let made = api.post("/v1/api-keys", &json!({"name": "page", "permissions": ["events:read"]})).await;
    let (key, id) = (made.ok(201)["apiKey"].as_str().unwrap(), made.ok(201)["keyId"].as_str().unwrap());
    let (token, cursor) = token(&api.with_key(key), &session).await;
    let mut socket = Socket::open(other.ready["url"].as_str().unwrap(), &format!("token={token}&cursor={cursor}")).await;
    world.send(&session, ECHO, "is anybody there?").await.ok(201);
    socket.until(is_answer).await;
    api.delete(&format!("/v1/api-keys/{id}")).await.ok(200);
    assert_eq!(socket.end().await, (1008, "invalid_api_key".to_owned()));
    other.kill().await;
}
