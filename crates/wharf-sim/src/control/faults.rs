//! Rules of misbehaviour, over HTTP.

use std::sync::Arc;

use axum::extract::{Path, State};
use serde_json::json;

use super::answer::{self, Answer, Failure};
use crate::address::Number;
use crate::connection::handle::Handle;
use crate::faults::{Action, Rule};
use crate::network::Net;
use crate::stanza::refusal;

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
    if matches!(rule.action, Action::RefuseRegistration | Action::HoldQr) && rule.phone.is_some() {
        return Err(Failure::invalid("a device that is not linked is nobody's"));
    }
    let phone = rule.phone.as_deref().and_then(Number::parse);
    match rule.action {
        Action::DropSocket if rule.times.is_none() => {
            return answer::ok(json!({"dropped": at_once(&net, phone, Handle::cut)}));
        }
        Action::StreamError => {
            let told = at_once(&net, phone, |handle| refusal::in_the_stream(handle, &rule));
            return answer::ok(json!({"told": told}));
        }
        _ => {}
    }
    answer::ok(net.faults.add(rule))
}

/// Does something with the connections of one owner, or with all of them; gives how many there were.
fn at_once(net: &Net, phone: Option<Number>, act: impl Fn(&Handle)) -> usize {
    let mut met = 0;
    for account in net.accounts() {
        if phone.is_some_and(|phone| phone != account.number) {
            continue;
        }
        for device in account.registry().devices.values() {
            if let Some(handle) = &device.handle {
                act(handle);
                met += 1;
            }
        }
    }
    met
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
