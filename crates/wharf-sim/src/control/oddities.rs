//! What rarely happens and has to be survived: late answers, and stanzas that no client knows.

use std::sync::Arc;

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::json;

use super::answer::{self, Answer, Failure};
use crate::network::Net;
use crate::phone::{person, recovery};
use crate::stanza::strange::{self, Strange};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecoverBody {
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resend {
    id: String,
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SendBody {
    kind: Strange,
}

/// The phone answers what a device of its own asked about a message, once more or at last.
pub(super) async fn recover(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: RecoverBody = answer::body(&text)?;
    let account = answer::account(&net, &number)?;
    let question = account.phone().recovery.asked(&wanted.id);
    let question = question.ok_or_else(|| Failure::missing("not_asked", "no device has asked this phone for that message"))?;
    recovery::answer(&net, &account, &question);
    answer::ok(json!({"to": question.from.to_string()}))
}

/// The phone sends a message again to all linked devices of a number, as if they had asked for it.
pub(super) async fn resend(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: Resend = answer::body(&text)?;
    let account = answer::account(&net, &number)?;
    let to = answer::account(&net, &wanted.to)?;
    if account.phone().sent_message(&wanted.id).is_none() {
        return Err(Failure::missing("no_such_message", "this phone has sent no such message"));
    }
    let devices: Vec<_> = to.addresses().into_iter().filter(|address| address.device != 0).collect();
    for device in &devices {
        person::send_again(&net, *device, account.number, &wanted.id);
    }
    answer::ok(json!({"devices": devices.len()}))
}

/// The server sends something that no client knows to every device of the phone's.
pub(super) async fn stanza(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: SendBody = answer::body(&text)?;
    let account = answer::account(&net, &number)?;
    let devices = strange::send(&net, &account, wanted.kind);
    answer::ok(json!({"devices": devices}))
}
