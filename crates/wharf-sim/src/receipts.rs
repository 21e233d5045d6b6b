//! What devices say about messages that reached them: to whoever sent them, and to the other devices of their own account.

use std::sync::Arc;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use crate::account::Account;
use crate::account::device::{Class, Pending};
use crate::address::{Address, Number};
use crate::clock;
use crate::crowd::Crowd;
use crate::network::Net;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReceiptKind {
    Delivered,
    Inactive,
    Read,
    Played,
}

impl ReceiptKind {
    /// The attribute on the wire; delivery has none.
    const fn attr(self) -> Option<&'static str> {
        match self {
            Self::Delivered => None,
            Self::Inactive => Some("inactive"),
            Self::Read => Some("read"),
            Self::Played => Some("played"),
        }
    }
}

/// A receipt from one device to all devices of a user, for messages of their chat, of a group of both or of the user's statuses.
pub(crate) fn receipt(net: &Arc<Net>, shared: Option<Number>, from: Address, to: Number, ids: &[String], kind: ReceiptKind) {
    let Some(account) = net.known(to) else { return };
    let node = NodeBuilder::new("receipt");
    let node = match shared {
        None => node.attr("from", from.jid()),
        Some(Number::STATUS) => Crowd::STATUS.names(node, from),
        Some(id) => {
            let Ok(group) = net.groups.find(id) else { return };
            // Who is out of the group is not heard of any more.
            if group.rank(to).is_none() || group.rank(from.number).is_none() {
                return;
            }
            group.crowd().names(node, from)
        }
    };
    let node = match kind.attr() {
        Some(kind) => node.attr("type", kind),
        None => node,
    };
    queue(&account, from, ids, node, None);
    if kind != ReceiptKind::Inactive {
        let mut phone = account.phone();
        for id in ids {
            phone.ledger.receipt(id, kind != ReceiptKind::Delivered);
        }
    }
    net.save(&account);
}

/// The phone has its copy of what one of its devices sent.
pub(crate) fn copied(net: &Net, account: &Arc<Account>, device: u16, chat: Number, id: &str) {
    let own = Address::phone(account.number);
    let node = NodeBuilder::new("receipt").attr("type", "sender").attr("id", id).attr("t", clock::now_secs());
    let node = if chat.is_shared() {
        node.attr("from", chat.jid()).attr("participant", own.jid())
    } else {
        node.attr("from", own.jid()).attr("recipient", chat.jid())
    };
    let pending = Pending { class: Class::Receipt, id: id.to_owned(), from: Some(own), node: Arc::new(node.build()), urgent: false };
    net.enqueue(account, device, pending);
}

/// One of an account's devices has read messages of a chat: the others learn it, the phone among them.
pub(crate) fn read_elsewhere(net: &Net, account: &Arc<Account>, from: Address, chat: Number, ids: &[String], kind: &str) {
    let node = NodeBuilder::new("receipt").attr("type", kind);
    let node = if chat.is_shared() {
        node.attr("from", chat.jid()).attr("participant", from.jid())
    } else {
        node.attr("from", from.jid()).attr("recipient", chat.jid())
    };
    queue(account, from, ids, node, Some(from.device));
    if from.device != 0 {
        account.phone().ledger.read(Some(chat), ids);
    }
    net.save(account);
}

/// To all linked devices of an account but one.
fn queue(account: &Account, from: Address, ids: &[String], node: NodeBuilder, but: Option<u16>) {
    let Some(first) = ids.first() else { return };
    let node = Arc::new(listing(node, first, &ids[1..]));
    for device in account.registry().devices.values_mut().filter(|device| Some(device.id) != but) {
        device.enqueue(Pending { class: Class::Receipt, id: first.clone(), from: Some(from), node: Arc::clone(&node), urgent: false });
    }
}

fn listing(node: NodeBuilder, first: &str, others: &[String]) -> Node {
    let node = node.attr("id", first).attr("t", clock::now_secs());
    if others.is_empty() {
        return node.build();
    }
    let items = others.iter().map(|id| NodeBuilder::new("item").attr("id", id).build());
    node.children([NodeBuilder::new("list").children(items.collect::<Vec<_>>()).build()]).build()
}
