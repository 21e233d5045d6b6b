//! Receipts from linked devices: they acknowledge what was delivered, and most go on to whoever sent it.

use std::sync::Arc;

use wacore_binary::NodeRef;

use super::{Session, ack, wire};
use crate::account::Account;
use crate::account::device::Class;
use crate::address::{Address, Number};
use crate::crowd::Crowd;
use crate::faults::Action;
use crate::group::post;
use crate::many;
use crate::media::again;
use crate::phone::person;
use crate::receipts::{self, ReceiptKind};
use crate::router;

pub(super) fn handle(session: &Session, account: &Arc<Account>, device: u16, node: &NodeRef<'_>) {
    session.send(ack(node, None));
    if let Some(offer) = node.get_optional_child("offer") {
        return session.net.calls.rings(&wire::text(offer, "call-id"), Address::new(account.number, device));
    }
    let id = wire::text(node, "id");
    if wire::is(node, "type", "server-error") {
        return again::asked(&session.net, account, device, &id, node);
    }
    let mut ids = vec![id];
    if let Some(items) = node.get_optional_child("list").and_then(NodeRef::children) {
        ids.extend(items.iter().map(|item| wire::text(item, "id")));
    }
    let kind = wire::text(node, "type");
    let chat = wire::jid(node, "to");
    let shared = chat.as_ref().and_then(Number::shared_from_jid);
    let sender = if shared.is_some() { wire::jid(node, "participant") } else { chat };
    let Some(to) = sender.and_then(|jid| Address::from_jid(&jid)) else {
        return;
    };
    let from = Address::new(account.number, device);
    // Reading is no proof of storing: only the delivery kinds take a message off the queue.
    if !matches!(kind.as_str(), "read" | "read-self" | "played" | "played-self") {
        acknowledge(session, account, device, to, &ids, kind != "retry");
    }
    if matches!(kind.as_str(), "read" | "read-self" | "played" | "played-self") {
        receipts::read_elsewhere(&session.net, account, from, shared.unwrap_or(to.number), &ids, &kind);
    }
    let tell = |kind| receipts::receipt(&session.net, shared, from, to.number, &ids, kind);
    match kind.as_str() {
        "" => tell(ReceiptKind::Delivered),
        "inactive" => tell(ReceiptKind::Inactive),
        "read" => tell(ReceiptKind::Read),
        "played" => tell(ReceiptKind::Played),
        "retry" => retry(session, shared, from, to, &ids[0], node),
        // Among own devices only: nobody else learns of it.
        _ => {}
    }
}

fn acknowledge(session: &Session, account: &Arc<Account>, device: u16, from: Address, ids: &[String], read_by_device: bool) {
    let mut registry = account.registry();
    let Some(state) = registry.devices.get_mut(&device) else {
        return;
    };
    for id in ids {
        state.acknowledge(Class::Message, id, Some(from));
    }
    drop(registry);
    session.net.save(account);
    if read_by_device {
        let mut books = account.books();
        for id in ids {
            books.acknowledged(id, from, device);
        }
    }
}

/// A device could not decrypt: only the device that sent can help.
fn retry(session: &Session, shared: Option<Number>, from: Address, to: Address, id: &str, node: &NodeRef<'_>) {
    if to.device == 0 {
        if session.net.faults.take(&[Action::SwallowRetry], Some(to.number), Some(from.number)).is_none() {
            person::send_again(&session.net, from, to.number, id);
        }
        return;
    }
    let mut forwarded = node.to_owned();
    match shared {
        Some(Number::STATUS) => return many::forward_retry(&session.net, Crowd::STATUS, from, to, id, forwarded),
        Some(group) => return post::forward_retry(&session.net, group, from, to, id, forwarded),
        None => {}
    }
    forwarded.attrs.0.retain(|(key, _)| key != "to");
    forwarded.attrs.insert("from", from.jid());
    forwarded.attrs.insert("t", crate::clock::now_secs());
    router::forward_retry(&session.net, from, to, id, forwarded);
}
