//! The gateway as the steps need it: every answer is JSON, every refusal one sentence, and waiting has an end.

use std::time::Duration;

use anyhow::{anyhow, bail};
use reqwest::Method;
use serde_json::Value;
use tokio::time::Instant;

use super::super::gateway::Gateway;
use super::super::operations::Refused;

/// Between two looks at a state.
const POLL: Duration = Duration::from_millis(200);

pub(super) struct Api {
    pub(super) gateway: Gateway,
}

impl Api {
    pub(super) async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> anyhow::Result<Value> {
        self.gateway.call(Method::GET, path, query, None).await?.map_err(|refused| anyhow::Error::from(*refused))
    }

    pub(super) async fn post(&self, path: &[&str], body: &Value) -> anyhow::Result<Value> {
        self.try_post(path, body).await?.map_err(|refused| anyhow::Error::from(*refused))
    }

    /// A refusal is an answer too.
    pub(super) async fn try_post(&self, path: &[&str], body: &Value) -> anyhow::Result<Result<Value, Box<Refused>>> {
        self.gateway.call(Method::POST, path, &[], Some(body)).await
    }

    pub(super) async fn delete(&self, path: &[&str]) -> anyhow::Result<Value> {
        self.gateway.call(Method::DELETE, path, &[], None).await?.map_err(|refused| anyhow::Error::from(*refused))
    }

    /// Waits until the session is as wanted, and tells how long that took. While the gateway is away it is waited for too.
    pub(super) async fn session(&self, id: &str, within: Duration, what: &str, is: impl Fn(&Value) -> bool) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        loop {
            let shown = self.get(&["sessions", id], &[]).await;
            if shown.as_ref().is_ok_and(&is) {
                return Ok(begun.elapsed());
            }
            if begun.elapsed() > within {
                let shown = shown.map_or_else(|error| error.to_string(), |shown| in_short(&shown));
                bail!("the session is not {what} within {} s: {shown}", within.as_secs());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until the message has got so far.
    pub(super) async fn message(&self, id: &str, within: Duration, statuses: &[&str]) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        loop {
            let shown = self.get(&["messages", id], &[]).await?;
            let status = shown["status"].as_str().unwrap_or_default();
            if statuses.contains(&status) {
                return Ok(begun.elapsed());
            }
            if status == "failed" {
                return Err(anyhow!("a message failed: {}", shown["error"]["reason"].as_str().unwrap_or("without a reason")));
            }
            if begun.elapsed() > within {
                let held = shown["heldReason"].as_str().map(|held| format!(", held for {held}")).unwrap_or_default();
                bail!("a message is not {} within {} s: it is {status}{held}", statuses.join(" or "), within.as_secs());
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// A session in a few words, without whose it is.
fn in_short(session: &Value) -> String {
    let status = format!("it is {}", session["status"].as_str().unwrap_or("unknown"));
    let more = [("reason", "because of"), ("waitingFor", "and waits for"), ("degraded", "without")];
    let more = more.iter().filter_map(|(name, says)| Some(format!(" {says} {}", session[*name].as_str()?)));
    let refused = session["refusal"]["code"].as_u64().map(|code| format!(", WhatsApp refused with {code}"));
    std::iter::once(status).chain(more).chain(refused).collect()
}
