//! Pages of other origins: none by default, those that the operator names, and never by a cookie.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use wharf::http::Limits;
use wharf::http::cors::Origins;
use wharf_api::types::user::Role;
use wharf_api::{ErrorCode, openapi, ops};

use crate::harness::{Ask, Gateway, Reply, client};
use crate::logins;

const SHOP: &str = "https://shop.example";
const OTHERS: [&str; 6] =
    ["https://evil.example", "http://shop.example", "https://shop.example:8443", "https://a.shop.example", "https://SHOP.example", "null"];

async fn gateway() -> Gateway {
    let allowed_origins = Origins::parse([SHOP, "http://localhost:5173"]).unwrap();
    Gateway::start_with(Limits { allowed_origins, ..Limits::default() }).await
}

/// Asks as a browser does before it asks. The answer is the library's and none of the table's, so that it stands in no ledger.
async fn preflight(gateway: &Gateway, path: &str, origin: &str, method: &str) -> Reply {
    let ask = gateway.ask("OPTIONS", path).header("Origin", origin).header("Access-Control-Request-Method", method);
    unrecorded(ask.header("Access-Control-Request-Headers", "authorization,content-type")).await
}

async fn unrecorded(ask: Ask) -> Reply {
    let mut stream = TcpStream::connect(ask.address()).await.unwrap();
    stream.write_all(&ask.bytes()).await.unwrap();
    client::read(&mut stream).await
}

fn told(reply: &Reply) -> Vec<&str> {
    let names = reply.headers.iter().map(|(name, _)| name.as_str());
    names.filter(|name| name.starts_with("access-control-")).collect()
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(|one| one.trim().to_ascii_lowercase()).collect()
}

fn varies(reply: &Reply) -> bool {
    reply.headers.iter().any(|(name, value)| name == "vary" && list(value).contains(&"origin".to_owned()))
}

#[tokio::test]
async fn where_no_origin_is_named_a_page_of_another_is_told_nothing() {
    let gateway = Gateway::start().await;
    let asked = preflight(&gateway, "/v1/sessions", SHOP, "GET").await;
    asked.refused(ErrorCode::MethodNotAllowed);
    let listed = gateway.get("/v1/sessions").header("Origin", SHOP).send().await;
    listed.ok(200);
    for reply in [&asked, &listed] {
        assert_eq!(told(reply), Vec::<&str>::new(), "{}", reply.shown());
        assert!(!varies(reply), "{}", reply.shown());
    }
}

#[tokio::test]
async fn a_page_of_a_named_origin_may_ask_every_operation_with_all_that_it_takes() {
    let gateway = gateway().await;
    for operation in ops::ALL {
        let path = operation.path.replace(['{', '}'], "");
        let reply = preflight(&gateway, &path, SHOP, operation.method.as_str()).await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, SHOP), "{}: {}", operation.id, reply.shown());
        assert!(list(reply.header("access-control-allow-methods")).contains(&operation.method.as_str().to_ascii_lowercase()));
        let headers = list(reply.header("access-control-allow-headers"));
        for name in ["authorization", "content-type", "idempotency-key", "last-event-id", "x-request-id", "range", "if-none-match"] {
            assert!(headers.contains(&name.to_owned()), "{name}: {}", reply.shown());
        }
        assert!(!headers.contains(&"x-wharf-dashboard".to_owned()) && !headers.contains(&"cookie".to_owned()));
        assert_eq!(reply.header("access-control-allow-credentials"), "");
        assert!(varies(&reply) && !reply.header("x-request-id").is_empty() && !reply.shown().contains('*'), "{}", reply.shown());
    }
    let local = preflight(&gateway, "/v1/account", "http://localhost:5173", "GET").await;
    assert_eq!(local.header("access-control-allow-origin"), "http://localhost:5173");
    // What asks for nothing first is no such question.
    let bare = gateway.ask("OPTIONS", "/v1/account").header("Origin", SHOP).send().await;
    bare.refused(ErrorCode::MethodNotAllowed);
    assert_eq!(told(&bare), Vec::<&str>::new());
}

#[tokio::test]
async fn an_origin_that_is_not_named_to_the_letter_is_told_nothing() {
    let gateway = gateway().await;
    for origin in OTHERS {
        let asked = preflight(&gateway, "/v1/messages/text", origin, "POST").await;
        asked.refused(ErrorCode::MethodNotAllowed);
        let listed = gateway.get("/v1/sessions").header("Origin", origin).send().await;
        listed.ok(200);
        for reply in [&asked, &listed] {
            assert_eq!(told(reply), Vec::<&str>::new(), "{origin}: {}", reply.shown());
            assert!(varies(reply), "whoever keeps it keeps it for this origin alone: {}", reply.shown());
        }
    }
    let plain = gateway.get("/v1/sessions").send().await;
    assert!(told(&plain).is_empty() && varies(&plain), "{}", plain.shown());
}

#[tokio::test]
async fn every_answer_tells_a_page_of_a_named_origin_what_it_may_read() {
    let gateway = gateway().await;
    let answers = [
        gateway.get("/v1/sessions").header("Origin", SHOP).send().await,
        gateway.post("/v1/sessions", json!({"name": "shop"})).header("Origin", SHOP).send().await,
        gateway.ask("GET", "/v1/sessions").header("Origin", SHOP).send().await,
        gateway.get("/v1/nowhere").header("Origin", SHOP).send().await,
        gateway.ask("PUT", "/v1/sessions").header("Origin", SHOP).send().await,
        gateway.ask("GET", "/openapi.json").header("Origin", SHOP).send().await,
        gateway.get("/v1/events").header("Origin", SHOP).send().await,
    ];
    assert_eq!(answers.each_ref().map(|reply| reply.status), [200, 201, 401, 404, 405, 200, 200]);
    for reply in &answers {
        assert_eq!(reply.header("access-control-allow-origin"), SHOP, "{}", reply.shown());
        assert_eq!(reply.header("access-control-allow-credentials"), "");
        assert!(varies(reply), "{}", reply.shown());
    }
    let varied: Vec<_> = answers[6].headers.iter().filter(|(name, _)| name == "vary").flat_map(|(_, value)| list(value)).collect();
    assert_eq!(varied, ["accept", "origin"]);
    let shown = list(answers[0].header("access-control-expose-headers"));
    for name in declared() {
        assert!(shown.contains(&name.to_ascii_lowercase()), "{name} is not among {shown:?}");
    }
    gateway.http.drain();
    let leaving = gateway.ask("GET", "/readyz").header("Origin", SHOP).send().await;
    leaving.refused(ErrorCode::ServiceUnavailable);
    assert_eq!(leaving.header("access-control-allow-origin"), SHOP);
}

/// The headers that the document names in any answer.
fn declared() -> BTreeSet<String> {
    let document = openapi::document();
    let members = |value: &Value| -> Vec<Value> { value.as_object().into_iter().flat_map(|all| all.values().cloned()).collect() };
    let paths = members(&document["paths"]);
    let operations: Vec<Value> = paths.iter().flat_map(members).collect();
    let answers: Vec<Value> = operations.iter().flat_map(|operation| members(&operation["responses"])).collect();
    let named = answers.iter().filter_map(|answer| answer["headers"].as_object()).flat_map(|headers| headers.keys().cloned());
    let found: BTreeSet<String> = named.collect();
    assert!(found.len() >= 6, "{found:?}");
    found
}

#[tokio::test]
async fn a_cookie_opens_nothing_to_a_page_of_a_named_origin() {
    let gateway = gateway().await;
    logins::person(&gateway, &gateway.account, "root", Role::Operator).await;
    let cookie = logins::cookie(&gateway, "root").await;
    for (method, path) in [("GET", "/v1/account"), ("GET", "/v1/events"), ("POST", "/v1/sessions"), ("DELETE", "/v1/login")] {
        let ask = gateway.ask(method, path).header("Cookie", &cookie).header("X-Wharf-Dashboard", "1").header("Origin", SHOP);
        ask.send().await.refused(ErrorCode::InsufficientPermissions);
    }
    let body = json!({"name": "root", "password": crate::harness::requests::PASSWORD});
    let signed_in = gateway.ask("POST", "/v1/login").json(&body).header("Origin", SHOP).send().await;
    signed_in.refused(ErrorCode::InsufficientPermissions);
    assert_eq!(signed_in.header("set-cookie"), "");
}

#[tokio::test]
async fn the_pages_of_the_gateway_itself_are_for_their_own_origin() {
    let gateway = gateway().await;
    for path in ["/", "/dashboard/"] {
        let reply = unrecorded(gateway.ask("GET", path).header("Accept", "text/html").header("Origin", SHOP)).await;
        assert!(reply.status < 400 && told(&reply).is_empty(), "{}", reply.shown());
    }
}
