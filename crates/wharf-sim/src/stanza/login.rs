//! The first payload of a connection: a registration or a login. Refuses unknown devices and wrong keys with 401.

use std::sync::Arc;

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};
use waproto::buffa::Message as _;
use waproto::whatsapp::ClientPayload;

use super::{Role, refusal, wire};
use crate::account::Account;
use crate::account::device::{Class, Device};
use crate::address::{Address, Number};
use crate::connection::handle::Handle;
use crate::faults::Action;
use crate::network::Net;
use crate::pairing::Candidate;
use crate::{clock, history, presence, router};

pub(super) fn open(net: &Arc<Net>, handle: &Handle, client_static: [u8; 32], payload: &[u8]) -> Role {
    let Ok(mut payload) = ClientPayload::decode_from_slice(payload) else {
        return refuse(handle, 400);
    };
    if !net.versions.admits(&payload) {
        return refuse(handle, 405);
    }
    if let Some(registration) = payload.device_pairing_data.take() {
        if let Some(rule) = net.faults.take(&[Action::RefuseRegistration], None, None) {
            return refusal::at_the_door(handle, &rule);
        }
        let Some(candidate) = Candidate::new(handle.clone(), client_static, payload.push_name.take(), &registration) else {
            return refuse(handle, 400);
        };
        let candidate = Arc::new(candidate);
        candidate.announce(net);
        return Role::Candidate(candidate);
    }
    let number = payload.username.map(Number);
    if let Some(rule) = net.faults.take(&[Action::RefuseLogin], number, None) {
        return refusal::at_the_door(handle, &rule);
    }
    let device = payload.device.and_then(|device| u16::try_from(device).ok()).unwrap_or(0);
    let account = number.and_then(|number| net.known(number));
    match account {
        Some(account) if enter(net, handle, &account, device, client_static) => Role::Linked { account, device },
        _ => refuse(handle, 401),
    }
}

fn refuse(handle: &Handle, reason: u16) -> Role {
    handle.send(NodeBuilder::new("failure").attr("reason", reason).attr("location", "sim").build());
    handle.close();
    Role::Refused
}

fn enter(net: &Arc<Net>, handle: &Handle, account: &Arc<Account>, id: u16, client_static: [u8; 32]) -> bool {
    let mut registry = account.registry();
    let Some(device) = registry.devices.get_mut(&id) else {
        return false;
    };
    if device.noise_public != client_static {
        return false;
    }
    if let Some(older) = device.handle.replace(handle.clone()) {
        older.farewell(wire::stream_error(None, Some("replaced")));
    }
    device.active = false;
    device.available = false;
    let share_keys = !device.one_time.is_empty() && !std::mem::replace(&mut device.key_share_sent, true);
    handle.send(NodeBuilder::new("success").attr("t", clock::now_secs()).attr("lid", Address::new(account.number, id).lid()).build());
    handle.send(edge_routing());
    if let Some(seconds) = net.versions.expires_in() {
        handle.send(client_expiration(seconds));
    }
    for pending in device.pending.iter().filter(|pending| pending.urgent) {
        handle.send(Arc::clone(&pending.node));
    }
    drop(registry);
    if share_keys {
        share(net, account, id);
    }
    true
}

/// What a phone gives a new device, which it can do from the device's first one-time keys on.
pub(super) fn share(net: &Arc<Net>, account: &Arc<Account>, id: u16) {
    router::share_app_state_key(net, account, id);
    history::share(net, account, id);
}

/// Makes the client put routing data before its next header, as the real network does.
fn edge_routing() -> Node {
    NodeBuilder::new("ib")
        .children([NodeBuilder::new("edge_routing").children([wire::bytes_node("routing_info", *b"sim-edge")]).build()])
        .build()
}

/// When the network takes the claimed version no more.
fn client_expiration(seconds: u32) -> Node {
    let end = NodeBuilder::new("client_expiration").attr("t", clock::now_secs() + u64::from(seconds)).build();
    NodeBuilder::new("ib").children([end]).build()
}

/// `<active/>`: the device wants what waited for it. Everything it has not acknowledged goes out again, in order.
pub(super) fn activate(net: &Net, account: &Account, id: u16, handle: &Handle, node: &NodeRef<'_>) {
    handle.send(wire::result(&wire::text(node, "id"), Vec::new()));
    if node.get_optional_child("active").is_none() {
        return;
    }
    let mut registry = account.registry();
    let Some(device) = registry.devices.get_mut(&id) else {
        return;
    };
    if device.active {
        return;
    }
    device.active = true;
    account.arrived.notify_waiters();
    backlog(device, handle);
    drop(registry);
    for state in presence::missed(net, Address::new(account.number, id)) {
        handle.send(state);
    }
}

fn backlog(device: &Device, handle: &Handle) {
    let waiting: Vec<_> = device.pending.iter().filter(|pending| !pending.urgent).collect();
    let of = |class: Class| waiting.iter().filter(|pending| pending.class == class).count();
    if !waiting.is_empty() {
        let preview = NodeBuilder::new("offline_preview")
            .attr("count", waiting.len())
            .attr("message", of(Class::Message))
            .attr("receipt", of(Class::Receipt))
            .attr("notification", of(Class::Notification))
            .attr("appdata", 0u8)
            .attr("call", of(Class::Call))
            .build();
        handle.send(NodeBuilder::new("ib").children([preview]).build());
    }
    for pending in &waiting {
        let mut node = Node::clone(&pending.node);
        node.attrs.insert("offline", "0");
        handle.send(node);
    }
    let done = NodeBuilder::new("offline").attr("count", waiting.len()).build();
    handle.send(NodeBuilder::new("ib").children([done]).build());
}
