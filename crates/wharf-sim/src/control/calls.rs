//! Calls by hand.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{self, Answer, Failure};
use crate::calls::{self, Call, Dialled, Over};
use crate::network::Net;

/// How long a phone rings when nothing else is said.
const RING_MS: u64 = 45_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DialBody {
    to: String,
    #[serde(default)]
    video: bool,
    ring_ms: Option<u64>,
    notices: Option<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HangUp {
    call_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Take {
    call_id: String,
    accept: bool,
}

pub(super) async fn dial(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: DialBody = answer::body(&text)?;
    let caller = answer::account(&net, &number)?;
    let dialled = Dialled {
        to: answer::number(&wanted.to)?,
        video: wanted.video,
        ring: Duration::from_millis(wanted.ring_ms.unwrap_or(RING_MS)),
        notices: wanted.notices.unwrap_or(1),
    };
    let id = calls::call(&net, &caller, &dialled)?;
    answer::ok(json!({"callId": id, "to": dialled.to.to_string()}))
}

pub(super) async fn hang_up(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: HangUp = answer::body(&text)?;
    let caller = answer::account(&net, &number)?;
    if !calls::end(&net, caller.number, &wanted.call_id, Over::HungUp) {
        return Err(Failure::missing("no_such_call", "no such call of this phone rings"));
    }
    answer::ok(json!({"callId": wanted.call_id}))
}

pub(super) async fn take(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: Take = answer::body(&text)?;
    let called = answer::account(&net, &number)?;
    let over = if wanted.accept { Over::Answered } else { Over::Rejected };
    if !calls::take(&net, called.number, &wanted.call_id, over) {
        return Err(Failure::missing("no_such_call", "no such call rings at this phone"));
    }
    answer::ok(json!({"callId": wanted.call_id}))
}

pub(super) async fn list(State(net): State<Arc<Net>>, Path(number): Path<String>) -> Answer {
    let caller = answer::account(&net, &number)?;
    answer::ok(net.calls.of(caller.number).iter().map(describe).collect::<Vec<_>>())
}

fn describe(call: &Call) -> Value {
    json!({
        "callId": call.id,
        "to": call.to.to_string(),
        "kind": if call.video { "video" } else { "audio" },
        "rang": call.rang.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "over": call.over.map(Over::name),
    })
}
