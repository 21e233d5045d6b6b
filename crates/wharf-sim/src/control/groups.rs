//! Groups by hand: what people do with them at their phones.

use std::sync::Arc;

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{self, Answer, Failure};
use crate::account::Account;
use crate::address::Number;
use crate::group::notice::{self, Switch};
use crate::group::{Group, Rank, Refusal};
use crate::network::Net;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateBody {
    creator: String,
    subject: String,
    members: Vec<String>,
    /// Addressed by phone number, as old groups are.
    #[serde(default, rename = "byNumber")]
    by_number: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Participants {
    by: String,
    action: String,
    #[serde(default)]
    numbers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Join {
    phone: String,
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsBody {
    by: String,
    subject: Option<String>,
    announcement: Option<bool>,
    locked: Option<bool>,
    approval: Option<bool>,
    #[serde(rename = "byNumber")]
    by_number: Option<bool>,
}

pub(super) async fn list(State(net): State<Arc<Net>>) -> Answer {
    let groups: Vec<Value> = net.groups.all().iter().map(describe).collect();
    answer::ok(groups)
}

pub(super) async fn show(State(net): State<Arc<Net>>, Path(id): Path<String>) -> Answer {
    answer::ok(describe(&net.groups.find(group(&id)?)?))
}

fn describe(group: &Group) -> Value {
    json!({
        "id": group.id.to_string(),
        "subject": group.subject,
        "description": group.description.as_ref().map(|description| description.text.clone()),
        "creator": group.creator.to_string(),
        "addressing": group.mode(),
        "announcement": group.announcement,
        "locked": group.locked,
        "approval": group.approval,
        "disappearAfterSecs": group.disappear_after_secs,
        "inviteCode": group.invite,
        "members": group.members.iter().map(|member| json!({"number": member.number.to_string(), "rank": member.rank})).collect::<Vec<_>>(),
        "requests": group.requests.iter().map(|request| request.number.to_string()).collect::<Vec<_>>(),
    })
}

/// With the suffix of groups or without.
fn group(text: &str) -> Result<Number, Failure> {
    let with_suffix = if text.contains('@') { text.to_owned() } else { format!("{text}@g.us") };
    Number::parse(&with_suffix).ok_or_else(|| Failure::invalid(format!("{text} is not the id of a group")))
}

pub(super) async fn create(State(net): State<Arc<Net>>, text: String) -> Answer {
    let wanted: CreateBody = answer::body(&text)?;
    let creator = person(&net, &wanted.creator)?;
    let mut members = Vec::new();
    for member in &wanted.members {
        members.push(person(&net, member)?.number);
    }
    let mut group = Group::new(creator.number, wanted.subject, members);
    group.by_lid = !wanted.by_number;
    notice::create(&net, &group);
    answer::ok(describe(&group))
}

/// A phone's person, who owns no number that belongs to a group.
fn person(net: &Net, text: &str) -> Result<Arc<Account>, Failure> {
    answer::account(net, text)
}

pub(super) async fn participants(State(net): State<Arc<Net>>, Path(id): Path<String>, text: String) -> Answer {
    let wanted: Participants = answer::body(&text)?;
    let id = group(&id)?;
    let by = person(&net, &wanted.by)?.number;
    let numbers: Vec<Number> = wanted.numbers.iter().map(|number| answer::number(number)).collect::<Result<_, _>>()?;
    let each = match wanted.action.as_str() {
        "add" => notice::add(&net, id, by, &numbers)?,
        "remove" => notice::remove(&net, id, by, &numbers)?,
        "promote" => notice::set_rank(&net, id, by, &numbers, Rank::Admin)?,
        "demote" => notice::set_rank(&net, id, by, &numbers, Rank::Member)?,
        "approve" => notice::decide(&net, id, by, &numbers, true)?,
        "reject" => notice::decide(&net, id, by, &numbers, false)?,
        "leave" => {
            notice::leave(&net, id, by)?;
            vec![(by, None)]
        }
        "withdraw" => {
            notice::withdraw(&net, id, by)?;
            vec![(by, None)]
        }
        other => return Err(Failure::invalid(format!("{other} is not an action"))),
    };
    let results = each.iter().map(|(number, refusal)| json!({"number": number.to_string(), "error": refusal.map(Refusal::text)}));
    answer::ok(results.collect::<Vec<_>>())
}

pub(super) async fn join(State(net): State<Arc<Net>>, text: String) -> Answer {
    let wanted: Join = answer::body(&text)?;
    let by = person(&net, &wanted.phone)?.number;
    let (group, entered) = notice::join(&net, &wanted.code, by)?;
    answer::ok(json!({"group": group.id.to_string(), "joined": entered}))
}

pub(super) async fn settings(State(net): State<Arc<Net>>, Path(id): Path<String>, text: String) -> Answer {
    let wanted: SettingsBody = answer::body(&text)?;
    let id = group(&id)?;
    let by = person(&net, &wanted.by)?.number;
    if let Some(subject) = &wanted.subject {
        notice::set_subject(&net, id, by, subject)?;
    }
    let switches =
        [wanted.announcement.map(Switch::Announcement), wanted.locked.map(Switch::Locked), wanted.approval.map(Switch::Approval)];
    for switch in switches.into_iter().flatten() {
        notice::set(&net, id, by, switch)?;
    }
    if let Some(by_number) = wanted.by_number {
        notice::readdress(&net, id, by, !by_number)?;
    }
    answer::ok(describe(&net.groups.find(id)?))
}
