//! A bare axum: it reads a body of JSON and answers 201. What HTTP alone costs. Started by `compare`; `edges` has it give other answers.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{any, post};
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use clap::Args;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Args)]
pub struct BareAxumOptions {
    /// The port; any free one where it is 0.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// What it answers besides, `STATUS:BYTES` each: the first one at `/0`, the next at `/1`.
    #[arg(long, value_delimiter = ',')]
    answers: Vec<String>,
}

pub async fn run(options: &BareAxumOptions) -> Result<()> {
    let mut router = Router::new().route("/", post(take));
    for (place, answer) in options.answers.iter().enumerate() {
        let (status, body) = answer_of(answer)?;
        // A body that comes is read whole.
        let answer = move |_: Bytes| async move { (status, [(CONTENT_TYPE, "application/json")], body) };
        router = router.route(&format!("/{place}"), any(answer));
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
    println!("{}", json!({"url": format!("http://{}/", listener.local_addr()?)}));
    // As the gateway has it; where it cannot be set the calls are slower, and that is seen.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, router).await?;
    Ok(())
}

async fn take(Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(json!({"data": {"to": body["to"], "text": body["text"], "status": "sent"}})))
}

/// An answer by its status and the bytes of its body, two at the least: a text in JSON.
fn answer_of(answer: &str) -> Result<(StatusCode, Bytes)> {
    let (status, bytes) = answer.split_once(':').context("STATUS:BYTES is expected")?;
    let text = "x".repeat(bytes.parse::<usize>()?.saturating_sub(2));
    Ok((StatusCode::from_bytes(status.as_bytes())?, format!("\"{text}\"").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_its_status_and_is_json_of_its_length() {
        let (status, body) = answer_of("429:311").unwrap();
        assert_eq!((status, body.len()), (StatusCode::TOO_MANY_REQUESTS, 311));
        assert!(serde_json::from_slice::<Value>(&body).unwrap().is_string());
        assert!(answer_of("429").is_err() && answer_of("x:1").is_err());
    }
}
