//! Receivers of webhooks that need no program of one's own: one that answers at once, one that takes too long.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use serde_json::json;

use super::answer::{self, Answer};
use crate::network::Net;

/// Longer than anybody waits for a webhook.
const SLOW: Duration = Duration::from_secs(30);

pub(super) async fn ok() -> Answer {
    answer::ok(json!({"received": true}))
}

pub(super) async fn slow(State(net): State<Arc<Net>>) -> Answer {
    // A network that stops does not wait for it.
    let _ = tokio::time::timeout(SLOW, net.stop.cancelled()).await;
    ok().await
}
