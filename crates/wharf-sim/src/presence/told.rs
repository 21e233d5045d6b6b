//! What linked devices say of being there and of typing, and who is told of it.

use std::sync::Arc;

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

use super::{Doing, Presences, SeenPresence};
use crate::account::{Account, lock};
use crate::address::{Address, Number};
use crate::network::Net;
use crate::{clock, wire};

/// How long typing is shown after its last word.
const TYPING_MS: u64 = 25_000;

impl Presences {
    /// What others do in the chats of a person now.
    pub(crate) fn seen_by(&self, net: &Net, number: Number) -> Vec<SeenPresence> {
        let now = clock::now_ms();
        let mut seen: Vec<SeenPresence> = lock(&self.0)
            .doing
            .iter()
            .filter(|((from, _), (doing, until))| *from != number && *doing != Doing::Nothing && *until > now)
            .map(|((from, to), (doing, _))| SeenPresence { from: *from, chat: *to, doing: *doing })
            .collect();
        seen.retain(|seen| seen.chat == number || net.groups.find(seen.chat).is_ok_and(|group| group.rank(number).is_some()));
        for one in &mut seen {
            // A chat between two is named by the other one.
            if one.chat == number {
                one.chat = one.from;
            }
        }
        seen.sort_by_key(|seen| (seen.chat, seen.from));
        seen
    }
}

/// A `<presence>` of a linked device.
pub(crate) fn presence(net: &Net, account: &Arc<Account>, device: u16, node: &NodeRef<'_>) {
    let from = account.number;
    if account.rename(&wire::text(node, "name")) {
        net.save(account);
    }
    match wire::text(node, "type").as_str() {
        "subscribe" => {
            if let Some(of) = person(node) {
                lock(&net.presences.0).watchers.entry(of).or_default().insert(from);
                tell(net, of, &[from]);
            }
        }
        "unsubscribe" => {
            if let Some(of) = person(node)
                && let Some(watchers) = lock(&net.presences.0).watchers.get_mut(&of)
            {
                watchers.remove(&from);
            }
        }
        "unavailable" => set_available(net, account, device, false),
        // A presence that only brings a name says nothing of being there.
        "available" => set_available(net, account, device, true),
        _ => {}
    }
}

fn set_available(net: &Net, account: &Account, device: u16, available: bool) {
    if let Some(device) = account.registry().devices.get_mut(&device) {
        device.available = available;
    }
    if available {
        lock(&net.presences.0).announced.entry(account.number).and_modify(|times| *times += 1).or_insert(1);
    }
    devices_changed(net, account);
}

/// The account is online while one of its linked devices says so.
pub(crate) fn devices_changed(net: &Net, account: &Account) {
    set_online(net, account.number, account.has_available_device());
}

fn person(node: &NodeRef<'_>) -> Option<Number> {
    Address::from_jid(&wire::jid(node, "to")?).map(|address| address.number)
}

pub(crate) fn set_online(net: &Net, number: Number, online: bool) {
    let watchers: Vec<Number> = {
        let mut known = lock(&net.presences.0);
        known.online.insert(number, (online, clock::now_secs()));
        known.watchers.get(&number).into_iter().flatten().copied().collect()
    };
    tell(net, number, &watchers);
}

fn tell(net: &Net, of: Number, watchers: &[Number]) {
    let (online, since) = lock(&net.presences.0).online.get(&of).copied().unwrap_or((false, 0));
    let node = NodeBuilder::new("presence").attr("from", of.jid());
    let node = match (online, since) {
        (true, _) => node.attr("type", "available").build(),
        (false, 0) => node.attr("type", "unavailable").attr("last", "deny").build(),
        (false, since) => node.attr("type", "unavailable").attr("last", since).build(),
    };
    for watcher in watchers {
        to_active(net, *watcher, &node);
    }
}

/// A `<chatstate>` of a linked device.
pub(crate) fn chatstate(net: &Net, from: Number, node: &NodeRef<'_>) {
    let chat = wire::jid(node, "to").and_then(|jid| Number::group_from_jid(&jid)).or_else(|| person(node));
    if let Some(chat) = chat {
        show(net, from, chat, Doing::of(node));
    }
}

/// Shows to those in the chat what somebody does there.
pub(crate) fn show(net: &Net, from: Number, chat: Number, doing: Doing) {
    lock(&net.presences.0).doing.insert((from, chat), (doing, clock::now_ms() + TYPING_MS));
    if let Ok(group) = net.groups.find(chat) {
        if group.rank(from).is_none() {
            return;
        }
        let node = NodeBuilder::new("chatstate").attr("from", chat.jid()).attr("participant", group.address(from));
        let node = node.children([doing.node()]).build();
        for member in group.numbers().into_iter().filter(|member| *member != from) {
            to_active(net, member, &node);
        }
    } else if !net.profiles.blocks(chat, from) {
        let node = NodeBuilder::new("chatstate").attr("from", from.jid()).children([doing.node()]).build();
        to_active(net, chat, &node);
        keep(net, from, chat, &node);
    }
}

/// For the devices that are away, where the network is to keep such words for a while. The last one of each person counts.
fn keep(net: &Net, from: Number, to: Number, node: &Node) {
    let Some(account) = net.known(to).filter(|_| net.wishes.chatstate_ttl_secs > 0) else { return };
    let until = clock::now_ms() + net.wishes.chatstate_ttl_secs * 1000;
    let away: Vec<u16> = account.registry().devices.values().filter(|device| !device.active).map(|device| device.id).collect();
    let mut known = lock(&net.presences.0);
    for device in away {
        known.kept.insert((Address::new(to, device), from), (until, node.clone()));
    }
}

/// What a device that comes has missed of chats' states and is still true.
pub(crate) fn missed(net: &Net, device: Address) -> Vec<Node> {
    let now = clock::now_ms();
    let mut known = lock(&net.presences.0);
    let mut missed = Vec::new();
    known.kept.retain(|(of, _), (until, node)| {
        if *of == device && *until > now {
            missed.push(node.clone());
        }
        *of != device && *until > now
    });
    missed
}

/// To the linked devices that say they are there: WhatsApp tells presence and typing to no others, and keeps none of it.
fn to_active(net: &Net, number: Number, node: &Node) {
    let Some(account) = net.known(number) else { return };
    for device in account.registry().devices.values().filter(|device| device.active && device.available) {
        if let Some(handle) = &device.handle {
            handle.send(node.clone());
        }
    }
}
