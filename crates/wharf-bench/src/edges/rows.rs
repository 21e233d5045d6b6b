//! What is asked: refusals, and the smallest reads.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use super::wire::{EdgeAnswer, EdgeRequest, KeptConnection};
use crate::gateway::none_of;
use crate::sends::contact;
use crate::world::Tenant;

/// One row of the table.
pub struct EdgeRow {
    pub name: &'static str,
    pub request: EdgeRequest,
    /// What it is answered.
    pub status: u16,
    /// How much of the bare server's rate is to be shown.
    pub goal: Option<f64>,
    /// Whether it is asked of the gateway that keeps to the usual limit of bad keys.
    pub strict: bool,
}

/// The keys that the rows need.
pub struct EdgeKeys {
    /// Of an account that may call once a minute.
    pub limited: String,
    /// Of another gateway.
    pub foreign: String,
}

/// How often something is asked at the most until it is answered as its row says: more often than a limit lets bad keys through.
const TRIES: usize = 1_000;

pub fn all(tenant: &Tenant, keys: &EdgeKeys) -> Vec<EdgeRow> {
    let none = none_of(&tenant.key);
    let row = |name, request, status, goal| EdgeRow { name, request, status, goal, strict: false };
    vec![
        row("a key that is none", get("/v1/account", &none), 401, Some(0.9)),
        row("another gateway's key, looked up", get("/v1/account", &keys.foreign), 401, None),
        row("an account beyond its calls a minute", get("/v1/account", &keys.limited), 429, Some(0.9)),
        EdgeRow { strict: true, ..row("an address beyond its bad keys a minute", get("/v1/account", &none), 429, Some(0.9)) },
        row("a text without its parameters", EdgeRequest { body: "{}".to_owned(), ..post(&tenant.key) }, 400, Some(0.75)),
        row("a text with the Idempotency-Key of another one", same_key(tenant, "another"), 422, None),
        row("the account", get("/v1/account", &tenant.key), 200, Some(0.6)),
        row("`/healthz`", get("/healthz", &tenant.key), 200, None),
        row("`/readyz`", get("/readyz", &tenant.key), 200, None),
    ]
}

/// Sends the text whose `Idempotency-Key` is used once more.
pub async fn send_first(address: SocketAddr, tenant: &Tenant) -> Result<()> {
    let request = same_key(tenant, "first");
    let answer = KeptConnection::open(address).await?.ask(&request.bytes(request.path)).await?;
    ensure!((200..300).contains(&answer.status), "a text was answered {}", answer.status);
    Ok(())
}

/// Asks until the answer is the row's.
pub async fn provoke(address: SocketAddr, row: &EdgeRow) -> Result<EdgeAnswer> {
    let (mut connection, request) = (KeptConnection::open(address).await?, row.request.bytes(row.request.path));
    let mut last = None;
    for _ in 0..TRIES {
        let answer = connection.ask(&request).await?;
        if answer.status == row.status {
            return Ok(answer);
        }
        last = Some(answer.status);
    }
    let last = last.context("nothing was asked")?;
    bail!("{}: {} is expected and {last} was answered", row.name, row.status)
}

fn get(path: &'static str, key: &str) -> EdgeRequest {
    EdgeRequest { method: "GET", path, head: bearer(key), body: String::new() }
}

fn post(key: &str) -> EdgeRequest {
    EdgeRequest { method: "POST", path: "/v1/messages/text", head: bearer(key), body: String::new() }
}

fn same_key(tenant: &Tenant, text: &str) -> EdgeRequest {
    let head = format!("{}Idempotency-Key: edges\r\n", bearer(&tenant.key));
    EdgeRequest { head, body: json!({"sessionId": tenant.session, "to": contact(0), "text": text}).to_string(), ..post(&tenant.key) }
}

fn bearer(key: &str) -> String {
    format!("Authorization: Bearer {key}\r\n")
}
