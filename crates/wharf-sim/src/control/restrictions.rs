//! What the network refuses to strangers, and how much a phone tells a new device of the time before, set by hand.

use std::sync::Arc;

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::json;

use super::answer::{self, Answer};
use crate::history::Size;
use crate::network::Net;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LockBody {
    /// Seconds of the epoch; without it the network names no end.
    ends_at: Option<u64>,
    /// Whether the devices are told.
    #[serde(default)]
    notice: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GuardBody {
    guarded: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct History {
    chats: u32,
    messages: u32,
    withheld: bool,
}

pub(super) async fn show(State(net): State<Arc<Net>>, Path(number): Path<String>) -> Answer {
    let account = answer::account(&net, &number)?;
    answer::ok(net.restrictions.show(account.number))
}

pub(super) async fn lock(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: LockBody = answer::body(&text)?;
    let account = answer::account(&net, &number)?;
    net.restrictions.lock(&net, &account, wanted.ends_at, wanted.notice);
    answer::ok(net.restrictions.show(account.number))
}

/// The devices are always told.
pub(super) async fn unlock(State(net): State<Arc<Net>>, Path(number): Path<String>) -> Answer {
    let account = answer::account(&net, &number)?;
    net.restrictions.unlock(&net, &account);
    answer::ok(net.restrictions.show(account.number))
}

pub(super) async fn guard(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: GuardBody = answer::body(&text)?;
    let account = answer::account(&net, &number)?;
    net.restrictions.guard(account.number, wanted.guarded);
    answer::ok(net.restrictions.show(account.number))
}

pub(super) async fn history(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let History { chats, messages, withheld } = answer::body(&text)?;
    let account = answer::account(&net, &number)?;
    net.history.set(account.number, Size { chats, messages, withheld });
    answer::ok(json!({"chats": chats, "messages": messages, "withheld": withheld}))
}
