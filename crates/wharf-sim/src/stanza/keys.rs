//! Signal key distribution: upload, fetch, count, digest, rotate.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use wacore::prekeys::compute_key_bundle_digest;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

use super::{Session, login, wire};
use crate::account::Account;
use crate::account::bundle::PublicKeys;
use crate::account::device::Device;
use crate::address::Address;
use crate::faults::Action;
use crate::keys::fixed;
use crate::router;

pub(super) fn handle(session: &Session, account: &Arc<Account>, id: u16, node: &NodeRef<'_>) {
    if let Some(wanted) = node.get_optional_child("key") {
        let whose = wanted.get_optional_child("user").and_then(|user| wire::jid(user, "jid")).and_then(|jid| Address::from_jid(&jid));
        let fault =
            session.net.faults.take(&[Action::DropOnKeys, Action::DelayKeys], Some(account.number), whose.map(|whose| whose.number));
        if fault.as_ref().is_some_and(|rule| rule.action == Action::DropOnKeys) {
            return session.handle.cut();
        }
        let users = wanted.get_children_by_tag("user").filter_map(|user| fetch(session, account, user));
        let list = NodeBuilder::new("list").children(users.collect::<Vec<_>>()).build();
        return match fault {
            Some(rule) => later(session, wire::result(&wire::text(node, "id"), vec![list]), rule.delay_ms),
            None => session.answer(node, vec![list]),
        };
    }
    let mut registry = account.registry();
    let Some(device) = registry.devices.get_mut(&id) else {
        return session.refuse(node, 401, "not-authorized");
    };
    if wire::is(node, "type", "set") {
        let stored = match node.get_optional_child("rotate") {
            Some(rotate) => rotate_signed(device, rotate),
            None => upload(device, node),
        };
        let first = !device.one_time.is_empty() && !std::mem::replace(&mut device.key_share_sent, true);
        drop(registry);
        session.net.save(account);
        match stored {
            Some(()) => session.answer(node, Vec::new()),
            None => session.refuse(node, 406, "not-acceptable"),
        }
        if first {
            login::share(&session.net, account, id);
        }
    } else if node.get_optional_child("digest").is_some() {
        if device.one_time.is_empty() {
            session.refuse(node, 404, "item-not-found");
        } else {
            session.answer(node, vec![digest(device)]);
        }
    } else {
        let count = NodeBuilder::new("count").attr("value", device.one_time.len()).build();
        session.answer(node, vec![count]);
    }
}

fn later(session: &Session, answer: Node, delay_ms: Option<u64>) {
    let (handle, stop) = (session.handle.clone(), session.net.stop.clone());
    let delay = Duration::from_millis(delay_ms.unwrap_or(1000));
    session.net.tasks.spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(delay) => handle.send(answer),
        }
    });
}

/// One device's bundle under the name it was asked for; an unknown device is named with 406.
fn fetch(session: &Session, asker: &Account, user: &NodeRef<'_>) -> Option<Node> {
    let Some(jid) = wire::jid(user, "jid") else {
        return Some(NodeBuilder::new("user").build());
    };
    let address = Address::from_jid(&jid);
    let rule = session.net.faults.take(&[Action::RefuseKeys, Action::OmitKeys], Some(asker.number), address.map(|address| address.number));
    let refused = match rule.map(|rule| (rule.action, rule.code)) {
        Some((Action::OmitKeys, _)) => return None,
        Some((_, code)) => code.or(Some(406)),
        None => None,
    };
    let bundle = address.filter(|_| refused.is_none()).and_then(|address| router::take_bundle(&session.net, address));
    Some(match bundle {
        Some(bundle) => bundle.into_node(jid),
        None => NodeBuilder::new("user")
            .attr("jid", jid)
            .children([NodeBuilder::new("error").attr("code", refused.unwrap_or(406)).attr("text", "not-acceptable").build()])
            .build(),
    })
}

fn upload(device: &mut Device, node: &NodeRef<'_>) -> Option<()> {
    let (signed_id, signed_public, signed_signature) = signed(node.get_optional_child("skey")?)?;
    device.keys = PublicKeys {
        registration_id: wire::be_uint(wire::child_bytes(node, "registration")?)?,
        identity: wire::child_bytes(node, "identity")?.try_into().ok()?,
        signed_id,
        signed_public,
        signed_signature,
    };
    let mut fresh = Vec::new();
    for key in node.get_optional_child("list")?.children()? {
        let id = wire::be_uint(wire::child_bytes(key, "id")?)?;
        let public: [u8; 32] = wire::child_bytes(key, "value")?.try_into().ok()?;
        fresh.push((id, public));
    }
    // A repeated upload replaces the keys it names.
    let ids: HashSet<u32> = fresh.iter().map(|(id, _)| *id).collect();
    device.one_time.retain(|(id, _)| !ids.contains(id));
    device.one_time.extend(fresh);
    Some(())
}

fn rotate_signed(device: &mut Device, rotate: &NodeRef<'_>) -> Option<()> {
    let (id, public, signature) = signed(rotate.get_optional_child("skey")?)?;
    device.keys.signed_id = id;
    device.keys.signed_public = public;
    device.keys.signed_signature = signature;
    Some(())
}

fn signed(node: &NodeRef<'_>) -> Option<(u32, [u8; 32], Vec<u8>)> {
    Some((
        wire::be_uint(wire::child_bytes(node, "id")?)?,
        wire::child_bytes(node, "value")?.try_into().ok()?,
        wire::child_bytes(node, "signature")?.to_vec(),
    ))
}

fn digest(device: &Device) -> Node {
    let publics: Vec<&[u8]> = device.one_time.iter().map(|(_, public)| public.as_slice()).collect();
    let keys = &device.keys;
    let hash = compute_key_bundle_digest(&keys.identity, &keys.signed_public, &keys.signed_signature, &publics);
    let three = |id: u32| id.to_be_bytes()[1..].to_vec();
    let ids = device.one_time.iter().map(|(id, _)| wire::bytes_node("id", three(*id)));
    NodeBuilder::new("digest")
        .children([
            wire::bytes_node("registration", keys.registration_id.to_be_bytes()),
            wire::bytes_node("type", [5]),
            wire::bytes_node("identity", keys.identity),
            NodeBuilder::new("skey")
                .children([
                    wire::bytes_node("id", three(keys.signed_id)),
                    wire::bytes_node("value", fixed(&keys.signed_public)),
                    wire::bytes_node("signature", keys.signed_signature.clone()),
                ])
                .build(),
            NodeBuilder::new("list").children(ids.collect::<Vec<_>>()).build(),
            wire::bytes_node("hash", hash),
        ])
        .build()
}
