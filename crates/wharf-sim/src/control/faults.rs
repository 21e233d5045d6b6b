//! Rules of misbehaviour, over HTTP.

use std::sync::Arc;

use axum::extract::{Path, State};
use serde_json::json;

use super::answer::{self, Answer, Failure};
use crate::address::Number;
use crate::faults::{Action, Rule};
use crate::network::Net;

pub(super) async fn list(State(net): State<Arc<Net>>) -> Answer {
    answer::ok(net.faults.list())
}

pub(super) async fn add(State(net): State<Arc<Net>>, text: String) -> Answer {
    let rule: Rule = answer::body(&text)?;
    for number in [&rule.phone, &rule.to].into_iter().flatten() {
        answer::number(number)?;
    }
    if rule.times == Some(0) {
        return Err(Failure::invalid("times must be at least 1"));
    }
    if rule.action.is_of_media_servers() && (rule.phone.is_some() || rule.to.is_some()) {
        return Err(Failure::invalid("the media servers do not know whose a file is"));
    }
    if rule.action == Action::DropSocket && rule.times.is_none() {
        let dropped = drop_now(&net, rule.phone.as_deref().and_then(Number::parse));
        return answer::ok(json!({"dropped": dropped}));
    }
    answer::ok(net.faults.add(rule))
}

/// Cuts the connections of one owner, or all of them, at once.
fn drop_now(net: &Net, phone: Option<Number>) -> usize {
    let mut dropped = 0;
    for account in net.accounts() {
        if phone.is_some_and(|phone| phone != account.number) {
            continue;
        }
        for device in account.registry().devices.values() {
            if let Some(handle) = &device.handle {
                handle.cut();
                dropped += 1;
            }
        }
    }
    dropped
}

pub(super) async fn clear(State(net): State<Arc<Net>>) -> Answer {
    answer::ok(json!({"removed": net.faults.remove(None)}))
}

pub(super) async fn remove(State(net): State<Arc<Net>>, Path(id): Path<u64>) -> Answer {
    match net.faults.remove(Some(id)) {
        0 => Err(Failure::missing("no_such_rule", format!("no rule {id}"))),
        removed => answer::ok(json!({"removed": removed})),
    }
}
