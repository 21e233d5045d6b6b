//! What the network wrote down: counters, ciphertexts on the wire, acknowledged inbound messages.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::json;

use super::answer::{self, Answer};
use crate::keys;
use crate::network::Net;

#[derive(Deserialize)]
pub(super) struct WireQuery {
    id: Option<String>,
}

pub(super) async fn stats(State(net): State<Arc<Net>>) -> Answer {
    let mut report = net.stats.report();
    report["phones"] = json!(net.accounts().len());
    report["rootKey"] = json!(keys::hex(&keys::public_bytes(&net.identity.root)));
    answer::ok(report)
}

pub(super) async fn inbound(State(net): State<Arc<Net>>, Path(number): Path<String>) -> Answer {
    let messages = answer::account(&net, &number)?.books().all_inbound();
    answer::ok(json!({"messages": messages}))
}

pub(super) async fn wire(State(net): State<Arc<Net>>, Path(owner): Path<String>, Query(wanted): Query<WireQuery>) -> Answer {
    let account = answer::account(&net, &owner)?;
    let books = account.books();
    let messages = books.all_sent(wanted.id.as_deref());
    let reuses = books.reuses();
    drop(books);
    answer::ok(json!({"messages": messages, "counterReuses": reuses}))
}
