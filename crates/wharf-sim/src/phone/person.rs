//! What happens at a phone: receiving, the receipts it sends by itself, and what the person then does.

use std::sync::Arc;
use std::time::Duration;

use wacore_binary::builder::NodeBuilder;
use waproto::whatsapp as wa;

use super::ledger::Entry;
use super::{Opened, Parcel, recovery};
use crate::account::Account;
use crate::address::{Address, Number};
use crate::cast::Behaviour;
use crate::crowd::Crowd;
use crate::delivery::{self, Copy, Place, Post};
use crate::group::post;
use crate::many;
use crate::network::Net;
use crate::receipts::{self, ReceiptKind};
use crate::router::{self, Copies};
use crate::{clock, keys, wire};

/// How long an owner's phone waits before it asks its own device again.
const OWN_COPY_PATIENCE: Duration = Duration::from_millis(500);
/// How long the reader takes.
const READING: Duration = Duration::from_secs(1);

/// A ciphertext reached the phone; a phone that is off keeps it for later.
pub(crate) fn receive(net: &Arc<Net>, account: &Arc<Account>, parcel: Parcel) {
    let mut phone = account.phone();
    if !phone.awake {
        phone.inbox.push_back(parcel);
        drop(phone);
        return net.save(account);
    }
    let opened = phone.open(&parcel);
    drop(phone);
    react(net, account, &parcel, opened);
    net.save(account);
}

/// Switches the phone on or off; what waited is received in order.
pub(crate) fn set_awake(net: &Arc<Net>, account: &Arc<Account>, awake: bool) {
    let waiting = {
        let mut phone = account.phone();
        phone.awake = awake;
        if awake { std::mem::take(&mut phone.inbox) } else { std::collections::VecDeque::new() }
    };
    for parcel in waiting {
        receive(net, account, parcel);
    }
    net.save(account);
}

fn react(net: &Arc<Net>, account: &Arc<Account>, parcel: &Parcel, opened: Opened) {
    let (entry, first) = match opened {
        Opened::Shown { entry, first } => (entry, first),
        Opened::Retry(attempt) if parcel.from.number == account.number => {
            // The client passes over a second request for one message while it answers the first, and the contact's matters more.
            let (of, asker, parcel) = (Arc::clone(net), Arc::clone(account), parcel.clone());
            return later(net, OWN_COPY_PATIENCE, move || ask_again(&of, &asker, &parcel, attempt));
        }
        Opened::Retry(attempt) => return ask_again(net, account, parcel, attempt),
        Opened::Asked(questions) => return recovery::asked(net, account, &questions),
        Opened::Silent | Opened::Lost => return,
    };
    if entry.from_me {
        return receipts::copied(net, account, parcel.from.device, entry.chat, &entry.id);
    }
    let ids = [entry.id.clone()];
    let own = Address::phone(account.number);
    if !net.wishes.silent_phones {
        tell(net, own, &entry, &ids, ReceiptKind::Delivered);
    }
    if !first {
        return;
    }
    // Who is there on another device needs none.
    if !account.has_available_device() {
        account.phone().notify(&entry);
    }
    match account.behaviour {
        Behaviour::Echo => {
            read(net, account, &entry);
            if let (Some(text), "text", false) = (&entry.text, entry.kind.as_str(), entry.chat.is_status()) {
                let reply = wa::Message { conversation: Some(text.clone()), ..Default::default() };
                let sent = router::send_from_phone(net, account, entry.chat, &keys::message_id(), &reply, Copies::Good);
                if let Err(error) = sent {
                    tracing::warn!(%error, "the echo was not sent");
                }
            }
        }
        Behaviour::Reader => {
            let (of, reader) = (Arc::clone(net), Arc::clone(account));
            later(net, READING, move || read(&of, &reader, &entry));
        }
        _ => {}
    }
}

/// Does something after a while, unless the network stops first.
pub(crate) fn later(net: &Arc<Net>, delay: Duration, act: impl FnOnce() + Send + 'static) {
    let stop = net.stop.clone();
    net.tasks.spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(delay) => act(),
        }
    });
}

fn read(net: &Arc<Net>, account: &Arc<Account>, entry: &Entry) {
    account.phone().ledger.read_one(&entry.id);
    let own = Address::phone(account.number);
    let ids = [entry.id.clone()];
    tell(net, own, entry, &ids, ReceiptKind::Read);
    net.save(account);
}

/// A receipt goes to who sent, through the chat in which it was sent.
fn tell(net: &Arc<Net>, own: Address, entry: &Entry, ids: &[String], kind: ReceiptKind) {
    receipts::receipt(net, entry.chat.is_shared().then_some(entry.chat), own, entry.sender, ids, kind);
}

/// The person reads what is unread; gives the ids.
pub(crate) fn read_all(net: &Arc<Net>, account: &Arc<Account>, chat: Option<Number>, ids: &[String]) -> Vec<String> {
    let entries = account.phone().ledger.read(chat, ids);
    let own = Address::phone(account.number);
    for entry in &entries {
        let ids = [entry.id.clone()];
        tell(net, own, entry, &ids, ReceiptKind::Read);
        receipts::read_elsewhere(net, account, own, entry.chat, &ids, "read");
    }
    net.save(account);
    entries.into_iter().map(|entry| entry.id).collect()
}

/// The phone could not decrypt: it asks the sending device for the message again, with fresh keys.
fn ask_again(net: &Arc<Net>, account: &Arc<Account>, parcel: &Parcel, attempt: u8) {
    if parcel.from.device == 0 {
        return send_again(net, Address::phone(account.number), parcel.from.number, &parcel.id);
    }
    let bundle = account.phone().keyring.bundle();
    let three = |id: u32| id.to_be_bytes()[1..].to_vec();
    let mut key_nodes = vec![wire::bytes_node("type", [5]), wire::bytes_node("identity", bundle.keys.identity)];
    if let Some((id, public)) = bundle.one_time {
        key_nodes.push(NodeBuilder::new("key").children([wire::bytes_node("id", three(id)), wire::bytes_node("value", public)]).build());
    }
    key_nodes.push(
        NodeBuilder::new("skey")
            .children([
                wire::bytes_node("id", three(bundle.keys.signed_id)),
                wire::bytes_node("value", bundle.keys.signed_public),
                wire::bytes_node("signature", bundle.keys.signed_signature),
            ])
            .build(),
    );
    let mut node = NodeBuilder::new("receipt")
        .attr("from", Address::phone(account.number).jid())
        .attr("id", &parcel.id)
        .attr("type", "retry")
        .attr("t", clock::now_secs());
    // For a copy of its own message the device has to know which chat is meant.
    if let Some(recipient) = parcel.recipient {
        node = node.attr("recipient", recipient.jid());
    }
    let node = node
        .children([
            NodeBuilder::new("retry").attr("count", attempt).attr("id", &parcel.id).attr("t", parcel.sent_at_secs).attr("v", "1").build(),
            wire::bytes_node("registration", bundle.keys.registration_id.to_be_bytes()),
            NodeBuilder::new("keys").children(key_nodes).build(),
        ])
        .build();
    let own = Address::phone(account.number);
    match &parcel.group {
        Some(place) if place.id.is_status() => many::forward_retry(net, Crowd::STATUS, own, parcel.from, &parcel.id, node),
        Some(place) => post::forward_retry(net, place.id, own, parcel.from, &parcel.id, node),
        None => router::forward_retry(net, own, parcel.from, &parcel.id, node),
    }
}

/// A device could not decrypt what a phone sent: encrypt it again in a new session.
pub(crate) fn send_again(net: &Arc<Net>, to: Address, sender: Number, id: &str) {
    let Some(account) = net.known(sender) else {
        return;
    };
    let Some((destination, message)) = account.phone().sent_message(id) else {
        return tracing::debug!(id, "asked again for a message that is gone");
    };
    let said = (id, &message);
    let again = match destination {
        Number::STATUS => many::say_again(net, &account, Place::Status, destination, to, said),
        group if group.is_group() => post::say_again(net, &account, group, to, said),
        person => router::seal(net, &account, to, person, &message, true).map(|sealed| {
            let post = Post::from_phone(sender, Place::Person(person), id, &message).again();
            delivery::deliver(net, &post, to, Copy::alone(sealed));
        }),
    };
    if let Err(error) = again {
        tracing::debug!(%error, id, "cannot send again");
    }
    net.save(&account);
}
