//! Receipts from linked devices: they acknowledge what was delivered, and most go on to whoever sent it.

use std::sync::Arc;

use wacore_binary::NodeRef;

use super::{Session, ack, wire};
use crate::account::Account;
use crate::account::device::Class;
use crate::address::Address;
use crate::phone::person;
use crate::router::{self, ReceiptKind};

pub(super) fn handle(session: &Session, account: &Arc<Account>, device: u16, node: &NodeRef<'_>) {
    session.send(ack(node, None));
    let id = wire::text(node, "id");
    let mut ids = vec![id];
    if let Some(items) = node.get_optional_child("list").and_then(NodeRef::children) {
        ids.extend(items.iter().map(|item| wire::text(item, "id")));
    }
    let kind = wire::text(node, "type");
    let Some(to) = wire::jid(node, "to").and_then(|jid| Address::from_jid(&jid)) else {
        return;
    };
    let from = Address::new(account.number, device);
    // Reading is no proof of storing: only the delivery kinds take a message off the queue.
    if !matches!(kind.as_str(), "read" | "read-self" | "played" | "played-self") {
        acknowledge(session, account, device, to, &ids, kind != "retry");
    }
    match kind.as_str() {
        "" => router::receipt(&session.net, from, to.number, &ids, ReceiptKind::Delivered),
        "inactive" => router::receipt(&session.net, from, to.number, &ids, ReceiptKind::Inactive),
        "read" => router::receipt(&session.net, from, to.number, &ids, ReceiptKind::Read),
        "played" => router::receipt(&session.net, from, to.number, &ids, ReceiptKind::Played),
        "retry" => retry(session, from, to, &ids[0], node),
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
fn retry(session: &Session, from: Address, to: Address, id: &str, node: &NodeRef<'_>) {
    if to.device == 0 {
        person::send_again(&session.net, from, to.number, id);
        return;
    }
    let mut forwarded = node.to_owned();
    forwarded.attrs.0.retain(|(key, _)| key != "to");
    forwarded.attrs.insert("from", from.jid());
    forwarded.attrs.insert("t", crate::clock::now_secs());
    router::forward_retry(&session.net, from, to, id, forwarded);
}
