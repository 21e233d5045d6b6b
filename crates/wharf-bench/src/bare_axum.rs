//! A bare axum: it reads a body of JSON and answers 201. What HTTP alone costs. Started by `compare`.

use anyhow::Result;
use axum::http::StatusCode;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub async fn run() -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", json!({"url": format!("http://{}/", listener.local_addr()?)}));
    // As the gateway has it; where it cannot be set the calls are slower, and that is seen.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, Router::new().route("/", post(take))).await?;
    Ok(())
}

async fn take(Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(json!({"data": {"to": body["to"], "text": body["text"], "status": "sent"}})))
}
