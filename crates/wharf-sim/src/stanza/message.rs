//! A message from a linked device: written down, refused or delivered, and acknowledged. Refuses newsletters, which are not simulated, and
//! whoever is not on WhatsApp.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use wacore_binary::{Jid, NodeRef};

use super::{Session, ack, wire};
use crate::account::Account;
use crate::address::{Address, Number};
use crate::cast::Behaviour;
use crate::clock;
use crate::delivery::{self, Copy, Place, Post};
use crate::faults::Action;
use crate::group::post;
use crate::phone::keyring::Sealed;
use crate::stats::count;
use crate::{many, restriction, status};

const NOT_FOUND: u16 = 404;

/// One ciphertext of the stanza and the device it is for.
struct Part<'n> {
    to: Address,
    prekey: bool,
    bytes: &'n [u8],
    garbled: bool,
}

pub(super) fn handle(session: &Session, account: &Arc<Account>, device: u16, node: &NodeRef<'_>) {
    let net = &session.net;
    let id = wire::text(node, "id");
    let Some(to) = wire::jid(node, "to") else {
        return session.send(ack(node, Some(400)));
    };
    let target = Address::from_jid(&to);
    let shared_chat = Number::shared_from_jid(&to);
    // A message that is repeated for one member names it beside the group.
    let rule = net.faults.take(
        &[
            Action::DropSocket,
            Action::DropMessage,
            Action::GarbleMessage,
            Action::Nack,
            Action::DelayAck,
            Action::SwallowAck,
            Action::RefreshLid,
        ],
        Some(account.number),
        target.map(|target| target.number).or(shared_chat),
    );
    if rule.as_ref().is_some_and(|rule| rule.action == Action::DropMessage) {
        return;
    }
    let mut parts = parts(node, target.or_else(|| wire::jid(node, "participant").and_then(|jid| Address::from_jid(&jid))));
    if rule.as_ref().is_some_and(|rule| rule.action == Action::GarbleMessage) {
        for part in &mut parts {
            part.garbled = part.to.number != account.number;
        }
    }
    let taps: Vec<_> = parts.iter().map(|part| (part.to, part.prekey, part.bytes)).collect();
    account.books().sent(&id, device, &name(&to, target), &taps);
    if let (Some(chat), Some(shared)) = (shared_chat, shared(node)) {
        account.books().sent_to_many(&id, device, chat, shared);
    }
    count(&net.stats.messages);

    let refusal = match &rule {
        Some(rule) if rule.action == Action::Nack => Some(rule.code.unwrap_or(503)),
        _ => match shared_chat {
            Some(Number::STATUS) => status::refusal(node),
            Some(group) => {
                let attr = |name| wire::attr(node, name);
                post::refusal(net, group, account.number, attr("edit").as_deref(), attr("addressing_mode").as_deref())
            }
            None => refusal(session, account, target).or_else(|| {
                let to = target.filter(|target| target.number != account.number && !wire::is(node, "category", "peer"))?;
                restriction::refusal(net, account, to.number, node)
            }),
        },
    };
    if let Some(code) = refusal {
        count(&net.stats.nacks);
        account.books().answered(&id, true);
        return session.send(ack(node, Some(code)));
    }
    let never_acked =
        target.and_then(|target| net.known(target.number)).is_some_and(|recipient| recipient.behaviour == Behaviour::NeverAcked);
    let mut answer = ack(node, None);
    if rule.as_ref().is_some_and(|rule| rule.action == Action::RefreshLid) {
        answer.attrs.insert("refresh_lid", "true");
    }
    match rule.as_ref().map(|rule| (rule.action, rule.delay_ms)) {
        // The message goes through and its acknowledgement is lost with the connection.
        Some((Action::DropSocket, _)) => session.handle.cut(),
        Some((Action::SwallowAck, _)) => {}
        Some((Action::DelayAck, delay)) => {
            let handle = session.handle.clone();
            let delay = Duration::from_millis(delay.unwrap_or(1000));
            let stop = net.stop.clone();
            net.tasks.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(delay) => handle.send(answer),
                }
            });
            account.books().answered(&id, false);
        }
        _ if never_acked => {}
        _ => {
            count(&net.stats.acks);
            account.books().answered(&id, false);
            session.send(answer);
        }
    }
    match shared_chat {
        Some(Number::STATUS) => deliver_status(session, Address::new(account.number, device), node, &id, &parts),
        Some(group) => deliver_to_group(session, Address::new(account.number, device), node, &id, group, &parts),
        None => deliver(session, account, device, node, &id, target, &parts),
    }
}

/// The ciphertext for all.
fn shared<'n>(node: &'n NodeRef<'_>) -> Option<&'n [u8]> {
    node.get_children_by_tag("enc").find(|enc| wire::is(enc, "type", "skmsg"))?.content_bytes()
}

fn deliver_to_group(session: &Session, from: Address, node: &NodeRef<'_>, id: &str, group: Number, parts: &[Part<'_>]) {
    let Ok(group) = session.net.groups.find(group) else { return };
    let targets = post::devices(&session.net, &group);
    // Who has left gets nothing, not even what it asks for again.
    let parts: Vec<&Part<'_>> = parts.iter().filter(|part| group.rank(part.to.number).is_some()).collect();
    deliver_to_many(session, node, post(node, from, id, Place::Group(Arc::new(group))), &targets, &parts);
}

fn deliver_status(session: &Session, from: Address, node: &NodeRef<'_>, id: &str, parts: &[Part<'_>]) {
    let targets = status::devices(&session.net, node);
    deliver_to_many(session, node, post(node, from, id, Place::Status), &targets, &parts.iter().collect::<Vec<_>>());
}

/// The ciphertext for all, or what one device has asked for again.
fn deliver_to_many(session: &Session, node: &NodeRef<'_>, post: Post, targets: &[Address], parts: &[&Part<'_>]) {
    if let Some(shared) = shared(node) {
        let alone: HashMap<Address, Sealed> = parts.iter().map(|part| (part.to, sealed(part))).collect();
        return many::fan_out(&session.net, targets, &post, alone, shared);
    }
    // What is said of a status goes to its author alone, and is no repeat.
    let again = node.get_attr("participant").is_some();
    let post = if again { post.again() } else { post };
    for part in parts {
        delivery::deliver(&session.net, &post, part.to, Copy::alone(sealed(part)));
    }
}

fn refusal(session: &Session, account: &Arc<Account>, target: Option<Address>) -> Option<u16> {
    let Some(target) = target else { return Some(NOT_FOUND) };
    if target.number == account.number {
        return None;
    }
    match session.net.account(target.number) {
        None => Some(NOT_FOUND),
        Some(recipient) => match recipient.behaviour {
            Behaviour::Refused(code) => Some(code),
            _ => None,
        },
    }
}

fn parts<'n>(node: &'n NodeRef<'_>, target: Option<Address>) -> Vec<Part<'n>> {
    let mut parts = Vec::new();
    if let Some(list) = node.get_optional_child("participants") {
        for to in list.get_children_by_tag("to") {
            let device = wire::jid(to, "jid").and_then(|jid| Address::from_jid(&jid));
            parts.extend(device.and_then(|device| part(to, device)));
        }
    }
    // A message between own devices and a repeated one carry their ciphertext directly.
    parts.extend(target.and_then(|target| part(node, target)));
    parts
}

fn part<'n>(node: &'n NodeRef<'_>, to: Address) -> Option<Part<'n>> {
    let enc = node.get_optional_child("enc")?;
    let prekey = match wire::attr(enc, "type")?.as_ref() {
        "pkmsg" => true,
        "msg" => false,
        _ => return None,
    };
    Some(Part { to, prekey, bytes: enc.content_bytes()?, garbled: false })
}

fn deliver(
    session: &Session,
    account: &Arc<Account>,
    device: u16,
    node: &NodeRef<'_>,
    id: &str,
    target: Option<Address>,
    parts: &[Part<'_>],
) {
    let from = Address::new(account.number, device);
    let recipient = wire::jid(node, "recipient").and_then(|jid| Address::from_jid(&jid)).or(target).map(|recipient| recipient.number);
    let peer = wire::is(node, "category", "peer");
    let place = if peer { Place::Peer } else { Place::Person(recipient.unwrap_or(account.number)) };
    let post = post(node, from, id, place);
    for part in parts {
        delivery::deliver(&session.net, &post, part.to, Copy::alone(sealed(part)));
    }
}

/// What all copies of a device's message share.
fn post(node: &NodeRef<'_>, from: Address, id: &str, place: Place) -> Post {
    Post {
        from,
        place,
        id: id.to_owned(),
        kind: wire::text(node, "type"),
        edit: wire::attr(node, "edit").map(std::borrow::Cow::into_owned),
        sent_at_secs: clock::now_secs(),
        device_identity: wire::child_bytes(node, "device-identity").map(<[u8]>::to_vec),
        retry: false,
    }
}

fn sealed(part: &Part<'_>) -> Sealed {
    let mut sealed = Sealed { prekey: part.prekey, bytes: part.bytes.to_vec() };
    if part.garbled {
        sealed.garble();
    }
    sealed
}

fn name(to: &Jid, target: Option<Address>) -> String {
    target.map_or_else(|| to.to_string(), |target| target.number.to_string())
}
