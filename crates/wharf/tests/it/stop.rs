//! How the server ends, and how it says that it cannot.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use wharf::http::Limits;
use wharf_api::{ErrorCode, Permission, limits};
use wharf_core::key::{self, Guess};

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
    let mut gateway = Gateway::start().await;
    let bytes = gateway.post("/v1/sessions", json!({"name": "last"})).header("Expect", "100-continue").bytes();
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
    client::asked_on(&mut stream).await;
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

#[tokio::test]
async fn a_poll_for_the_next_code_ends_with_the_one_that_stands_when_the_server_stops() {
    let mut gateway = Gateway::start_with(Limits { drain_timeout: Duration::from_mins(5), ..Limits::default() }).await;
    let session = gateway.session().await;
    let known = gateway.get(&format!("/v1/sessions/{session}/qr")).send().await.ok(200)["qr"].as_str().unwrap().to_owned();
    let secret = gateway.make_key(Permission::ALL, None).await;
    let path = format!("/v1/sessions/{session}/qr?wait={}&known={}", limits::LONG_POLL_MAX_SECS, known.replace('@', "%40"));
    let poll = tokio::spawn(gateway.get(&path).key(&secret).send());
    // The request has been let in once its key is known here.
    while key::guess(&gateway.services, &secret) != Guess::WasGood {
        tokio::task::yield_now().await;
    }
    let server = gateway.server.take().unwrap();
    tokio::time::timeout(Duration::from_secs(20), server.stop()).await.expect("the server does not wait for the poll");
    assert_eq!(poll.await.unwrap().ok(200)["qr"], json!(known));
}
