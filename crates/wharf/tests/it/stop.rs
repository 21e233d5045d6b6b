//! How the server ends, and how it says that it cannot.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wharf::http::Limits;
use wharf_api::{ErrorCode, Permission, limits};
use wharf_core::key::{self, Guess};

use crate::harness::{Gateway, client};

#[tokio::test]
async fn a_server_that_drains_is_not_ready_but_alive_and_answers_what_still_comes() {
    let gateway = Gateway::start().await;
    gateway.ask("GET", "/readyz").send().await.ok(200);
    gateway.http.drain();
    gateway.ask("GET", "/readyz").send().await.refused(ErrorCode::ServiceUnavailable);
    gateway.get("/v1/sessions").send().await.ok(200);
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

/// What comes on a connection until it has ended, or has this in it.
async fn until(stream: &mut TcpStream, last: &str) -> String {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(last) {
        match stream.read_buf(&mut read).await {
            Ok(some) if some > 0 => {}
            // It has ended, or was reset: what was asked was not read.
            _ => break,
        }
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_on_a_kept_connection_in_the_moment_of_the_stop_is_answered_or_finds_it_ended() {
    let mut gateway = Gateway::start().await;
    let ask = String::from_utf8(gateway.get("/v1/webhooks").bytes()).unwrap().replace("Connection: close", "Connection: keep-alive");
    let mut kept = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(gateway.address).await.unwrap();
        stream.write_all(ask.as_bytes()).await.unwrap();
        assert!(until(&mut stream, "\"success\":true").await.starts_with("HTTP/1.1 200"));
        kept.push(stream);
    }
    let asked: Vec<_> = kept
        .into_iter()
        .map(|mut stream| {
            let ask = ask.clone();
            tokio::spawn(async move {
                // Where it has ended already nothing is written.
                let _ = stream.write_all(ask.as_bytes()).await;
                until(&mut stream, "\"success\":").await
            })
        })
        .collect();
    gateway.server.take().unwrap().stop().await;
    for answer in asked {
        let answer = answer.await.unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
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
