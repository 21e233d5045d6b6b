//! The acts that change a group, one function per act, used by linked devices and by people at their phones alike. Owns that a change is
//! kept, told to those whom it concerns, and followed by new keys where somebody left.

use std::sync::Arc;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::{Description, Group, Rank, Refusal};
use crate::account::device::{Class, Pending};
use crate::address::Number;
use crate::network::Net;
use crate::{clock, keys};

type Result<T> = std::result::Result<T, Refusal>;

/// The result of an act on several people, one by one.
pub(crate) type Each = Vec<(Number, Option<Refusal>)>;

/// A person in the group's own addressing, with the other name beside it.
pub(crate) fn participant(group: &Group, tag: &'static str, number: Number, rank: Option<Rank>) -> Node {
    let node = if group.by_lid {
        NodeBuilder::new(tag).attr("jid", number.lid()).attr("phone_number", number.jid())
    } else {
        NodeBuilder::new(tag).attr("jid", number.jid()).attr("lid", number.lid())
    };
    match rank.and_then(Rank::attr) {
        Some(rank) => node.attr("type", rank).build(),
        None => node.build(),
    }
}

fn participants(group: &Group, numbers: &[Number]) -> Vec<Node> {
    numbers.iter().map(|number| participant(group, "participant", *number, None)).collect()
}

/// The group as a member sees it.
pub(crate) fn describe(group: &Group) -> Node {
    let mut children: Vec<Node> =
        group.members.iter().map(|member| participant(group, "participant", member.number, Some(member.rank))).collect();
    children.extend(group.description.as_ref().map(|description| describe_text(group, description)));
    let switches = [("announcement", group.announcement), ("locked", group.locked)];
    children.extend(switches.into_iter().filter(|(_, on)| *on).map(|(tag, _)| NodeBuilder::new(tag).build()));
    if group.disappear_after_secs > 0 {
        children.push(NodeBuilder::new("ephemeral").attr("expiration", group.disappear_after_secs).build());
    }
    children.push(approval(group.approval));
    children.push(add_mode(group.members_add));
    NodeBuilder::new("group")
        .attr("id", group.id.0.to_string())
        .attr("addressing_mode", group.mode())
        .attr("subject", &group.subject)
        .attr("s_t", group.subject_at_secs)
        .attr("s_o", group.address(group.subject_by))
        .attr("s_o_pn", group.subject_by.jid())
        .attr("creation", group.created_at_secs)
        .attr("creator", group.address(group.creator))
        .attr("creator_pn", group.creator.jid())
        .attr("size", group.members.len())
        .attr("a_v_id", (group.subject_at_secs * 1_000_000).to_string())
        .attr("p_v_id", (group.created_at_secs * 1_000_000).to_string())
        .children(children)
        .build()
}

fn describe_text(group: &Group, description: &Description) -> Node {
    NodeBuilder::new("description")
        .attr("id", &description.id)
        .attr("participant", group.address(description.by))
        .attr("participant_pn", description.by.jid())
        .attr("t", description.at_secs)
        .children([NodeBuilder::new("body").string_content(description.text.as_str()).build()])
        .build()
}

fn approval(on: bool) -> Node {
    let join = NodeBuilder::new("group_join").attr("state", if on { "on" } else { "off" }).build();
    NodeBuilder::new("membership_approval_mode").children([join]).build()
}

fn add_mode(members_add: bool) -> Node {
    NodeBuilder::new("member_add_mode").string_content(if members_add { "all_member_add" } else { "admin_add" }).build()
}

pub(crate) fn create(net: &Net, group: &Group) {
    net.groups.insert(group.clone());
    let created = NodeBuilder::new("create").attr("type", "new").attr("key", keys::message_id()).children([describe(group)]).build();
    kept_and_told(net, group, group.creator, &group.numbers(), created);
}

pub(crate) fn add(net: &Net, id: Number, by: Number, numbers: &[Number]) -> Result<Each> {
    let (each, group) = net.groups.change(id, |group| {
        if group.members_add {
            group.member(by)?;
        } else {
            group.admin(by)?;
        }
        Ok(one_by_one(numbers, |number| if net.account(number).is_some() { group.enter(number) } else { Err(Refusal::Unknown) }))
    })?;
    told_of(net, &group, by, "add", &each, &group.numbers());
    Ok(each)
}

pub(crate) fn remove(net: &Net, id: Number, by: Number, numbers: &[Number]) -> Result<Each> {
    let mut before = Vec::new();
    let (each, group) = net.groups.change(id, |group| {
        group.admin(by)?;
        before = group.numbers();
        Ok(one_by_one(numbers, |number| match group.rank(number) {
            None => Err(Refusal::Unknown),
            Some(Rank::SuperAdmin) if number != by => Err(Refusal::NotAcceptable),
            Some(_) => group.leave(number),
        }))
    })?;
    told_of(net, &group, by, "remove", &each, &before);
    new_keys(net, &group, &each);
    Ok(each)
}

pub(crate) fn leave(net: &Net, id: Number, by: Number) -> Result<()> {
    let mut before = Vec::new();
    let ((), group) = net.groups.change(id, |group| {
        before = group.numbers();
        group.leave(by)
    })?;
    let each = vec![(by, None)];
    told_of(net, &group, by, "remove", &each, &before);
    new_keys(net, &group, &each);
    Ok(())
}

pub(crate) fn set_rank(net: &Net, id: Number, by: Number, numbers: &[Number], rank: Rank) -> Result<Each> {
    let (each, group) = net.groups.change(id, |group| {
        group.admin(by)?;
        Ok(one_by_one(numbers, |number| group.set_rank(number, rank)))
    })?;
    let tag = if rank == Rank::Admin { "promote" } else { "demote" };
    told_of(net, &group, by, tag, &each, &group.numbers());
    Ok(each)
}

/// `true`: the person is in. `false`: the admins have been asked.
pub(crate) fn join(net: &Net, code: &str, by: Number) -> Result<(Group, bool)> {
    let id = net.groups.by_code(code)?.id;
    let (entered, group) = net.groups.change(id, |group| group.join(by))?;
    if entered {
        let added = NodeBuilder::new("add").attr("reason", "invite").children(participants(&group, &[by])).build();
        kept_and_told(net, &group, by, &group.numbers(), added);
    } else {
        let asked = NodeBuilder::new("created_membership_requests")
            .attr("request_method", "invite_link")
            .children([participant(&group, "requested_user", by, None)])
            .build();
        kept_and_told(net, &group, by, &group.admins(), asked);
    }
    Ok((group, entered))
}

pub(crate) fn decide(net: &Net, id: Number, by: Number, numbers: &[Number], approve: bool) -> Result<Each> {
    let (each, group) = net.groups.change(id, |group| {
        group.admin(by)?;
        Ok(one_by_one(numbers, |number| {
            let asked = group.requests.iter().any(|request| request.number == number);
            group.requests.retain(|request| request.number != number);
            match (asked, approve) {
                (false, _) => Err(Refusal::Unknown),
                (true, true) => group.enter(number),
                (true, false) => Ok(()),
            }
        }))
    })?;
    if approve {
        told_of(net, &group, by, "add", &each, &group.numbers());
    } else {
        request_over(net, &group, by, &each);
    }
    Ok(each)
}

/// Whoever asked does not want in any more.
pub(crate) fn withdraw(net: &Net, id: Number, by: Number) -> Result<()> {
    let ((), group) = net.groups.change(id, |group| {
        let asked = group.requests.iter().any(|request| request.number == by);
        group.requests.retain(|request| request.number != by);
        if asked { Ok(()) } else { Err(Refusal::Unknown) }
    })?;
    request_over(net, &group, by, &vec![(by, None)]);
    Ok(())
}

/// One word for a request that was rejected and for one that was withdrawn: told to those who decide and to whoever asked.
fn request_over(net: &Net, group: &Group, by: Number, each: &Each) {
    let to: Vec<Number> = group.admins().into_iter().chain(done(each)).collect();
    told_of(net, group, by, "revoked_membership_requests", each, &to);
}

pub(crate) fn set_subject(net: &Net, id: Number, by: Number, subject: &str) -> Result<()> {
    let ((), group) = net.groups.change(id, |group| {
        group.editor(by)?;
        if subject.is_empty() || subject.chars().count() > 100 {
            return Err(Refusal::NotAcceptable);
        }
        subject.clone_into(&mut group.subject);
        group.subject_by = by;
        group.subject_at_secs = clock::now_secs();
        Ok(())
    })?;
    let told = NodeBuilder::new("subject").attr("subject", subject).attr("s_o", group.address(by)).attr("s_t", group.subject_at_secs);
    kept_and_told(net, &group, by, &group.numbers(), told.build());
    Ok(())
}

/// Replaces the description whose id is `previous`; no text deletes it.
pub(crate) fn set_description(net: &Net, id: Number, by: Number, new: &str, previous: Option<&str>, text: Option<&str>) -> Result<()> {
    let ((), group) = net.groups.change(id, |group| {
        group.editor(by)?;
        if group.description.as_ref().map(|description| description.id.as_str()) != previous {
            return Err(Refusal::Conflict);
        }
        let now = clock::now_secs();
        group.description = text.map(|text| Description { id: new.to_owned(), text: text.to_owned(), by, at_secs: now });
        Ok(())
    })?;
    let told = match &group.description {
        Some(description) => describe_text(&group, description),
        None => NodeBuilder::new("description").attr("id", new).children([NodeBuilder::new("delete").build()]).build(),
    };
    kept_and_told(net, &group, by, &group.numbers(), told);
    Ok(())
}

/// A switch of the group.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Switch {
    Announcement(bool),
    Locked(bool),
    Approval(bool),
    MembersAdd(bool),
    /// Seconds after which messages disappear; 0 keeps them.
    Disappear(u32),
}

/// Addresses the group's members in another way. Nobody is told: a device learns it when a message of the old kind is refused.
pub(crate) fn readdress(net: &Net, id: Number, by: Number, by_lid: bool) -> Result<()> {
    net.groups.change(id, |group| {
        group.admin(by)?;
        group.by_lid = by_lid;
        Ok(())
    })?;
    net.save_groups();
    Ok(())
}

pub(crate) fn set(net: &Net, id: Number, by: Number, switch: Switch) -> Result<()> {
    let ((), group) = net.groups.change(id, |group| {
        group.admin(by)?;
        match switch {
            Switch::Announcement(on) => group.announcement = on,
            Switch::Locked(on) => group.locked = on,
            Switch::Approval(on) => {
                group.approval = on;
                if !on {
                    group.requests.clear();
                }
            }
            Switch::MembersAdd(on) => group.members_add = on,
            Switch::Disappear(seconds) => group.disappear_after_secs = seconds,
        }
        Ok(())
    })?;
    let told = match switch {
        Switch::Announcement(true) => NodeBuilder::new("announcement").build(),
        Switch::Announcement(false) => NodeBuilder::new("not_announcement").build(),
        Switch::Locked(true) => NodeBuilder::new("locked").build(),
        Switch::Locked(false) => NodeBuilder::new("unlocked").build(),
        Switch::Approval(on) => approval(on),
        Switch::MembersAdd(on) => add_mode(on),
        Switch::Disappear(0) => NodeBuilder::new("not_ephemeral").build(),
        Switch::Disappear(seconds) => NodeBuilder::new("ephemeral").attr("expiration", seconds).build(),
    };
    kept_and_told(net, &group, by, &group.numbers(), told);
    Ok(())
}

pub(crate) fn new_invite(net: &Net, id: Number, by: Number) -> Result<String> {
    let ((), group) = net.groups.change(id, |group| {
        group.admin(by)?;
        group.new_invite();
        Ok(())
    })?;
    let told = NodeBuilder::new("invite").attr("code", &group.invite).build();
    kept_and_told(net, &group, by, &group.numbers(), told);
    Ok(group.invite)
}

/// A picture is announced in the way of pictures. No id: it was taken away.
pub(crate) fn picture(net: &Net, group: &Group, by: Number, picture: Option<&str>) {
    let change = match picture {
        Some(picture) => NodeBuilder::new("set").attr("id", picture),
        None => NodeBuilder::new("delete"),
    };
    let change = change.attr("jid", group.id.jid()).attr("author", group.address(by)).build();
    let id = keys::stanza_id();
    let node = NodeBuilder::new("notification")
        .attr("from", group.id.jid())
        .attr("type", "picture")
        .attr("id", &id)
        .attr("t", clock::now_secs())
        .children([change])
        .build();
    to_devices(net, &group.numbers(), &id, node);
}

fn one_by_one(numbers: &[Number], mut act: impl FnMut(Number) -> Result<()>) -> Each {
    numbers.iter().map(|number| (*number, act(*number).err())).collect()
}

fn told_of(net: &Net, group: &Group, by: Number, tag: &'static str, each: &Each, to: &[Number]) {
    let done = done(each);
    if !done.is_empty() {
        kept_and_told(net, group, by, to, NodeBuilder::new(tag).children(participants(group, &done)).build());
    }
}

fn done(each: &Each) -> Vec<Number> {
    each.iter().filter(|(_, refused)| refused.is_none()).map(|(number, _)| *number).collect()
}

/// Each change makes a new version of what it changes. The time tells versions apart and orders them.
fn numbered(mut told: Node) -> Node {
    told.attrs.insert("v_id", (clock::now_ms() * 1000).to_string());
    told
}

/// Only linked devices get a notice: a phone asks the server whenever it looks.
fn kept_and_told(net: &Net, group: &Group, by: Number, to: &[Number], told: Node) {
    net.save_groups();
    let id = keys::stanza_id();
    let name = net.known(by).map_or_else(String::new, |account| account.name());
    let node = NodeBuilder::new("notification")
        .attr("from", group.id.jid())
        .attr("type", "w:gp2")
        .attr("id", &id)
        .attr("participant", group.address(by))
        .attr("participant_pn", by.jid())
        .attr("addressing_mode", group.mode())
        .attr("notify", name)
        .attr("t", clock::now_secs())
        .children([numbered(told)])
        .build();
    to_devices(net, to, &id, node);
}

fn to_devices(net: &Net, to: &[Number], id: &str, node: Node) {
    let node = Arc::new(node);
    for account in to.iter().filter_map(|number| net.known(*number)) {
        let devices: Vec<u16> = account.registry().devices.keys().copied().collect();
        for device in devices {
            let pending = Pending { class: Class::Notification, id: id.to_owned(), from: None, node: Arc::clone(&node), urgent: false };
            net.enqueue(&account, device, pending);
        }
    }
}

/// Who left has the keys of those who stay: their phones make new ones for their next message.
fn new_keys(net: &Net, group: &Group, each: &Each) {
    let gone = done(each);
    if gone.is_empty() {
        return;
    }
    for account in group.numbers().into_iter().chain(gone).filter_map(|number| net.known(number)) {
        account.phone().keyring.groups.renew(group.id);
        net.save(&account);
    }
}
