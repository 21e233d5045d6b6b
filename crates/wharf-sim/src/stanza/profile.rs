//! Pictures, abouts, privacy and blocklists, as linked devices ask for them and change them.

use std::sync::Arc;

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef};

use super::{Session, wire};
use crate::account::Account;
use crate::address::{Address, Number};
use crate::group::{Refusal, notice};
use crate::profile;

/// A phone number or a group.
fn number(jid: &Jid) -> Option<Number> {
    Number::group_from_jid(jid).or_else(|| Address::from_jid(jid).map(|address| address.number))
}

pub(super) fn picture(session: &Session, account: &Arc<Account>, node: &NodeRef<'_>) {
    let target = match wire::jid(node, "target") {
        Some(jid) => number(&jid),
        None => Some(account.number),
    };
    let Some(target) = target else {
        return session.refuse(node, 404, "item-not-found");
    };
    if wire::is(node, "type", "get") {
        return show(session, node, target);
    }
    match set(session, account, node, target) {
        Ok(picture) => session.answer(node, picture.into_iter().collect()),
        Err(refusal) => session.refuse(node, refusal.code(), refusal.text()),
    }
}

fn show(session: &Session, node: &NodeRef<'_>, target: Number) {
    let profiles = &session.net.profiles;
    let Some(picture) = profiles.of(target).picture else {
        return session.refuse(node, 404, "item-not-found");
    };
    let answer = NodeBuilder::new("picture")
        .attr("id", &picture.id)
        .attr("type", "image")
        .attr("url", profiles.picture_url(&picture.id))
        .attr("direct_path", format!("/control/pictures/{}", picture.id))
        .build();
    session.answer(node, vec![answer]);
}

fn set(session: &Session, account: &Arc<Account>, node: &NodeRef<'_>, target: Number) -> Result<Option<Node>, Refusal> {
    let net = &session.net;
    if target.is_group() {
        net.groups.find(target)?.editor(account.number)?;
    } else if target != account.number {
        return Err(Refusal::NotAdmin);
    }
    let bytes = wire::child_bytes(node, "picture").filter(|bytes| !bytes.is_empty());
    let id = net.profiles.set_picture(target, bytes);
    net.save_profiles();
    match net.groups.find(target) {
        Ok(group) => notice::picture(net, &group, account.number, id.as_deref()),
        Err(_) => profile::pictured(net, account, id.as_deref()),
    }
    Ok(id.map(|id| NodeBuilder::new("picture").attr("id", id).build()))
}

pub(super) fn blocklist(session: &Session, account: &Arc<Account>, node: &NodeRef<'_>) {
    let net = &session.net;
    if wire::is(node, "type", "set") {
        let item = node.get_optional_child("item");
        let other = item.and_then(|item| wire::jid(item, "jid")).and_then(|jid| Address::from_jid(&jid));
        let (Some(item), Some(other)) = (item, other) else {
            return session.refuse(node, 400, "bad-request");
        };
        net.profiles.set_blocked(account.number, other.number, wire::is(item, "action", "block"));
        net.save_profiles();
    }
    let blocked = net.profiles.of(account.number).blocked();
    let items = blocked.into_iter().map(|number| NodeBuilder::new("item").attr("jid", number.lid()).build());
    session.answer(node, vec![NodeBuilder::new("list").children(items.collect::<Vec<_>>()).build()]);
}

/// The about of the account itself.
pub(super) fn set_about(session: &Session, account: &Arc<Account>, node: &NodeRef<'_>) {
    if let Some(text) = node.get_optional_child("status").and_then(NodeRef::content_as_string) {
        session.net.profiles.set_about(account.number, &text);
        session.net.save_profiles();
        profile::described(&session.net, account, &text);
    }
    session.answer(node, Vec::new());
}

const PRIVACY: [&str; 6] = ["readreceipts", "last", "profile", "status", "groupadd", "online"];

/// Who may see what of the account. It is kept and shown to its owner; nobody is kept from anything by it.
pub(super) fn privacy(session: &Session, account: &Arc<Account>, node: &NodeRef<'_>) {
    let profiles = &session.net.profiles;
    if wire::is(node, "type", "set") {
        let chosen = node.get_optional_child("privacy").into_iter().flat_map(|chosen| chosen.get_children_by_tag("category"));
        for category in chosen {
            profiles.set_privacy(account.number, wire::text(category, "name"), wire::text(category, "value"));
        }
        session.net.save_profiles();
        return session.answer(node, Vec::new());
    }
    let profile = profiles.of(account.number);
    let categories = PRIVACY.map(|name| NodeBuilder::new("category").attr("name", name).attr("value", profile.privacy(name)).build());
    session.answer(node, vec![NodeBuilder::new("privacy").children(categories).build()]);
}
