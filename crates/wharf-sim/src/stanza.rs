//! What each stanza means. Owns who a connection is; each family has its own file.

mod app_state;
mod group;
mod iq;
mod keys;
mod login;
pub(crate) mod message;
mod pairing;
mod profile;
mod receipt;
pub(crate) mod refusal;
pub(crate) mod strange;
mod usync;

pub(crate) use app_state::tell as tell_app_state;

use std::sync::Arc;

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

use crate::account::Account;
use crate::account::device::Class;
use crate::address::{Address, Number};
use crate::connection::handle::Handle;
use crate::network::Net;
use crate::pairing::Candidate;
use crate::presence;
use crate::wire;

/// Who is at the other end.
pub(crate) enum Role {
    /// A device that wants to be linked.
    Candidate(Arc<Candidate>),
    /// A linked device.
    Linked { account: Arc<Account>, device: u16 },
    /// Nobody the network knows; the refusal is on its way.
    Refused,
}

pub(crate) struct Session {
    pub(crate) net: Arc<Net>,
    pub(crate) handle: Handle,
    pub(crate) role: Role,
}

impl Session {
    pub(crate) fn open(net: &Arc<Net>, handle: Handle, client_static: [u8; 32], payload: &[u8]) -> Self {
        let role = login::open(net, &handle, client_static, payload);
        Self { net: Arc::clone(net), handle, role }
    }

    pub(crate) fn owner(&self) -> Option<Number> {
        match &self.role {
            Role::Linked { account, .. } => Some(account.number),
            _ => None,
        }
    }

    pub(crate) fn stalled(&self) -> bool {
        self.net.faults.stalls(self.owner())
    }

    pub(crate) fn closed(&self) {
        match &self.role {
            Role::Candidate(candidate) => candidate.withdraw(&self.net),
            Role::Linked { account, device } => {
                let was_available = {
                    let mut registry = account.registry();
                    let device =
                        registry.devices.get_mut(device).filter(|device| device.handle.as_ref().is_some_and(|h| h.id == self.handle.id));
                    device.is_some_and(|device| {
                        device.handle = None;
                        device.active = false;
                        std::mem::take(&mut device.available)
                    })
                };
                if was_available {
                    presence::devices_changed(&self.net, account);
                }
            }
            Role::Refused => {}
        }
    }

    pub(crate) fn send(&self, node: Node) {
        self.handle.send(node);
    }

    /// The result of a request.
    pub(crate) fn answer(&self, request: &NodeRef<'_>, children: Vec<Node>) {
        self.send(wire::result(&wire::text(request, "id"), children));
    }

    pub(crate) fn refuse(&self, request: &NodeRef<'_>, code: u16, text: &'static str) {
        self.send(wire::failure(&wire::text(request, "id"), code, text));
    }
}

pub(crate) fn handle(session: &Session, node: &NodeRef<'_>) {
    tracing::trace!(owner = ?session.owner().map(|n| n.0), tag = %node.tag, "stanza in");
    match (node.tag.as_ref(), &session.role) {
        ("iq", _) => iq::handle(session, node),
        ("message", Role::Linked { account, device }) => {
            message::handle(session, account, *device, node);
        }
        ("receipt", Role::Linked { account, device }) => {
            receipt::handle(session, account, *device, node);
        }
        ("ack", Role::Linked { account, device }) => acknowledged(session, account, *device, node),
        ("presence", Role::Linked { account, device }) => presence::presence(&session.net, account, *device, node),
        ("chatstate", Role::Linked { account, .. }) => presence::chatstate(&session.net, account.number, node),
        (tag, _) => tracing::debug!(tag, "stanza without an answer"),
    }
}

fn acknowledged(session: &Session, account: &Arc<Account>, device: u16, node: &NodeRef<'_>) {
    let Some(class) = wire::attr(node, "class").and_then(|class| Class::from_tag(&class)) else {
        return;
    };
    let id = wire::text(node, "id");
    // In a group many members' receipts have the same id: the participant says whose this is.
    let from = wire::jid(node, "participant").or_else(|| wire::jid(node, "to")).and_then(|jid| Address::from_jid(&jid));
    let known = account.registry().devices.get_mut(&device).is_some_and(|device| device.acknowledge(class, &id, from));
    if known {
        session.net.save(account);
    }
    let refused = node.get_attr("error").is_some();
    if let (Class::Message, Some(from), false) = (class, from, refused) {
        account.books().acknowledged(&id, from, device);
    }
}

/// The server's acknowledgement of a stanza.
pub(crate) fn ack(node: &NodeRef<'_>, error: Option<u16>) -> Node {
    let mut ack = NodeBuilder::new("ack").attr("class", node.tag.as_ref()).attr("id", wire::text(node, "id"));
    if let Some(to) = node.get_attr("to") {
        ack = ack.attr("from", to.to_node_value());
    }
    if node.tag != "message"
        && let Some(kind) = wire::attr(node, "type")
    {
        ack = ack.attr("type", kind.as_ref());
    }
    ack = ack.attr("t", crate::clock::now_secs());
    if let Some(error) = error {
        ack = ack.attr("error", error);
    }
    ack.build()
}
