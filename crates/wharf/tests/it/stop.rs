//! How the server ends, and how it says that it cannot.

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use wharf::http::Limits;
use wharf_api::ErrorCode;

use crate::harness::{Gateway, client};

#[tokio::test]
async fn a_server_that_drains_refuses_work_and_is_not_ready_but_alive() {
    let gateway = Gateway::start().await;
    gateway.ask("GET", "/readyz").send().await.ok(200);
    gateway.http.drain();
    gateway.ask("GET", "/readyz").send().await.refused(ErrorCode::ServiceUnavailable);
    let reply = gateway.get("/v1/sessions").send().await;
    reply.refused(ErrorCode::ServiceUnavailable);
    assert_eq!(reply.header("connection"), "close");
    gateway.ask("GET", "/healthz").send().await.ok(200);
}

#[tokio::test]
async fn what_is_being_worked_on_is_answered_before_the_server_stops() {
    let mut gateway = Gateway::start_with(Limits { concurrent_requests: 1, ..Limits::default() }).await;
    let bytes = gateway.post("/v1/sessions", json!({"name": "last"})).bytes();
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
    // There is room for one: the first is being worked on once the second is refused.
    while gateway.get("/v1/sessions").send().await.status == 200 {}
    let server = gateway.server.take().unwrap();
    let finish = async {
        while !gateway.http.is_draining() {
            tokio::task::yield_now().await;
        }
        stream.write_all(&bytes[bytes.len() - 1..]).await.unwrap();
        client::read(&mut stream).await
    };
    let ((), reply) = tokio::join!(server.stop(), finish);
    reply.ok(201);
    assert!(TcpStream::connect(gateway.address).await.is_err(), "nobody listens any more");
}
