//! Questions about groups and changes to them, as linked devices ask. Owns the shape of questions and answers; who may do what is the
//! group's own rule.

use std::sync::Arc;

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

use super::{Session, wire};
use crate::account::Account;
use crate::address::{Address, Number};
use crate::group::notice::{self, Each, Switch};
use crate::group::{Group, Rank, Refusal};
use crate::network::Net;

type GroupAnswer = Result<Vec<Node>, Refusal>;

pub(super) fn handle(session: &Session, account: &Arc<Account>, node: &NodeRef<'_>) {
    let net = &session.net;
    let group = wire::jid(node, "to").and_then(|jid| Number::group_from_jid(&jid));
    let asked = node.children().and_then(<[_]>::first);
    let answer = match (asked, group, wire::is(node, "type", "set")) {
        (None, ..) => Err(Refusal::NotAcceptable),
        (Some(asked), None, set) => of_all(net, account.number, asked, set),
        (Some(asked), Some(group), false) => about(net, account.number, group, asked),
        (Some(asked), Some(group), true) => change(net, account.number, group, asked),
    };
    match answer {
        Ok(children) => session.answer(node, children),
        Err(refusal) => session.refuse(node, refusal.code(), refusal.text()),
    }
}

/// What names no group, or names it by its invite code.
fn of_all(net: &Net, by: Number, asked: &NodeRef<'_>, set: bool) -> GroupAnswer {
    match (asked.tag.as_ref(), set) {
        ("participating", false) => {
            let groups: Vec<Node> = net.groups.of(by).iter().map(notice::describe).collect();
            Ok(vec![NodeBuilder::new("groups").children(groups).build()])
        }
        ("create", true) => create(net, by, asked),
        ("leave", true) => {
            let left = asked.get_optional_child("group").and_then(|group| wire::jid(group, "id"));
            let id = left.and_then(|jid| Number::group_from_jid(&jid)).ok_or(Refusal::NotAcceptable)?;
            notice::leave(net, id, by)?;
            let group = NodeBuilder::new("group").attr("id", id.jid()).build();
            Ok(vec![NodeBuilder::new("leave").children([group]).build()])
        }
        ("invite", false) => Ok(vec![notice::describe(&net.groups.by_code(&wire::text(asked, "code"))?)]),
        ("invite", true) => {
            let (group, entered) = notice::join(net, &wire::text(asked, "code"), by)?;
            let tag = if entered { "group" } else { "membership_approval_request" };
            Ok(vec![NodeBuilder::new(tag).attr("jid", group.id.jid()).build()])
        }
        _ => Err(Refusal::NotAcceptable),
    }
}

fn create(net: &Net, by: Number, asked: &NodeRef<'_>) -> GroupAnswer {
    let subject = wire::text(asked, "subject");
    if subject.is_empty() || subject.chars().count() > 100 {
        return Err(Refusal::NotAcceptable);
    }
    let others: Vec<Number> = named(asked, "participant").into_iter().filter(|number| net.account(*number).is_some()).collect();
    let mut group = Group::new(by, subject, others);
    if let Some(description) = asked.get_optional_child("description")
        && let Some(text) = body(description)
    {
        let id = wire::text(description, "id");
        group.description = Some(crate::group::Description { id, text, by, at_secs: group.created_at_secs });
    }
    group.approval = approval(asked).unwrap_or(false);
    group.members_add =
        asked.get_optional_child("member_add_mode").and_then(NodeRef::content_as_string).is_none_or(|mode| mode != "admin_add");
    group.announcement = asked.get_optional_child("announcement").is_some();
    group.locked = asked.get_optional_child("locked").is_some();
    group.disappear_after_secs =
        asked.get_optional_child("ephemeral").map_or(0, |node| wire::text(node, "expiration").parse().unwrap_or(0));
    notice::create(net, &group);
    Ok(vec![notice::describe(&group)])
}

fn about(net: &Net, by: Number, id: Number, asked: &NodeRef<'_>) -> GroupAnswer {
    let group = net.groups.find(id)?;
    group.member(by)?;
    match asked.tag.as_ref() {
        "query" => Ok(vec![notice::describe(&group)]),
        "invite" => {
            group.admin(by)?;
            Ok(vec![NodeBuilder::new("invite").attr("code", &group.invite).build()])
        }
        "membership_approval_requests" => {
            group.admin(by)?;
            let requests = group.requests.iter().map(|request| {
                let node = NodeBuilder::new("membership_approval_request");
                node.attr("jid", group.address(request.number)).attr("request_time", request.at_secs).build()
            });
            Ok(vec![NodeBuilder::new("membership_approval_requests").children(requests.collect::<Vec<_>>()).build()])
        }
        _ => Err(Refusal::NotAcceptable),
    }
}

fn change(net: &Net, by: Number, id: Number, asked: &NodeRef<'_>) -> GroupAnswer {
    let people = || named(asked, "participant");
    let switch = |switch| notice::set(net, id, by, switch).map(|()| Vec::new());
    match asked.tag.as_ref() {
        "add" => notice::add(net, id, by, &people()).and_then(|each| results(net, id, "add", &each)),
        "remove" => notice::remove(net, id, by, &people()).and_then(|each| results(net, id, "remove", &each)),
        "promote" => notice::set_rank(net, id, by, &people(), Rank::Admin).and_then(|each| results(net, id, "promote", &each)),
        "demote" => notice::set_rank(net, id, by, &people(), Rank::Member).and_then(|each| results(net, id, "demote", &each)),
        "subject" => {
            let subject = asked.content_as_string().unwrap_or_default();
            notice::set_subject(net, id, by, &subject).map(|()| Vec::new())
        }
        "description" => {
            let text = body(asked).filter(|_| !wire::is(asked, "delete", "true"));
            let previous = wire::attr(asked, "prev");
            notice::set_description(net, id, by, &wire::text(asked, "id"), previous.as_deref(), text.as_deref()).map(|()| Vec::new())
        }
        "announcement" => switch(Switch::Announcement(true)),
        "not_announcement" => switch(Switch::Announcement(false)),
        "locked" => switch(Switch::Locked(true)),
        "unlocked" => switch(Switch::Locked(false)),
        "membership_approval_mode" => switch(Switch::Approval(approval_state(asked).ok_or(Refusal::NotAcceptable)?)),
        "member_add_mode" => switch(Switch::MembersAdd(asked.content_as_string().is_some_and(|mode| mode == "all_member_add"))),
        "ephemeral" => switch(Switch::Disappear(wire::text(asked, "expiration").parse().map_err(|_| Refusal::NotAcceptable)?)),
        "not_ephemeral" => switch(Switch::Disappear(0)),
        "invite" => {
            let code = notice::new_invite(net, id, by)?;
            Ok(vec![NodeBuilder::new("invite").attr("code", code).build()])
        }
        "membership_requests_action" => decide(net, id, by, asked),
        _ => Err(Refusal::NotAcceptable),
    }
}

fn decide(net: &Net, id: Number, by: Number, asked: &NodeRef<'_>) -> GroupAnswer {
    let (tag, approve) = if asked.get_optional_child("approve").is_some() { ("approve", true) } else { ("reject", false) };
    let people = asked.get_optional_child(tag).map(|act| named(act, "participant")).ok_or(Refusal::NotAcceptable)?;
    let each = notice::decide(net, id, by, &people, approve)?;
    let results = results(net, id, tag, &each)?;
    Ok(vec![NodeBuilder::new("membership_requests_action").children(results).build()])
}

/// One result per person, under the name of the act.
fn results(net: &Net, id: Number, tag: &'static str, each: &Each) -> GroupAnswer {
    let group = net.groups.find(id)?;
    let people = each.iter().map(|(number, refusal)| {
        let mut node = notice::participant(&group, "participant", *number, None);
        match refusal {
            Some(refusal) => node.attrs.insert("error", refusal.code().to_string()),
            None => node.attrs.insert("type", "200"),
        }
        node
    });
    Ok(vec![NodeBuilder::new(tag).children(people.collect::<Vec<_>>()).build()])
}

fn named(node: &NodeRef<'_>, tag: &str) -> Vec<Number> {
    let people = node.get_children_by_tag(tag).filter_map(|person| wire::jid(person, "jid"));
    people.filter_map(|jid| Address::from_jid(&jid)).map(|address| address.number).collect()
}

fn body(description: &NodeRef<'_>) -> Option<String> {
    description.get_optional_child("body").and_then(NodeRef::content_as_string).map(|text| text.to_string())
}

fn approval(node: &NodeRef<'_>) -> Option<bool> {
    node.get_optional_child("membership_approval_mode").and_then(approval_state)
}

fn approval_state(mode: &NodeRef<'_>) -> Option<bool> {
    mode.get_optional_child("group_join").map(|join| wire::is(join, "state", "on"))
}
