//! A receiver of webhooks in Rust: SECRET=whsec_… PORT=9000 cargo run -p wharf-sandbox --example receiver

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;

async fn receive(State(webhook): State<Arc<Webhook>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    // The signature stands on the bytes as they came: verify first, parse afterwards.
    if let Err(error) = webhook.verify(&body, &headers) {
        println!("refused: {error}");
        return StatusCode::BAD_REQUEST;
    }
    let event: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    // The same event can come twice: remember the id of what was handled.
    println!("verified {} {}", event["id"].as_str().unwrap_or_default(), event["event"].as_str().unwrap_or_default());
    StatusCode::NO_CONTENT
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let webhook = Arc::new(Webhook::new(&std::env::var("SECRET")?)?);
    let port = std::env::var("PORT").map_or(Ok(9000), |port| port.parse())?;
    let router = Router::new().route("/", post(receive)).with_state(webhook);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            // A connection that ends early is the sender's affair: it sends again.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
