//! A message in a group, from one device to all the others: the body is sealed once with the sender's key for the group, and devices that
//! lack that key get it beside, sealed for them alone. Owns the fan-out, the receipts that come back, and what a phone sends.

use std::collections::HashMap;
use std::sync::Arc;

use wacore::messages::MessageUtils;
use wacore::types::message::EditAttribute;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;

use super::{Group, Refusal};
use crate::account::Account;
use crate::account::device::{Class, Pending};
use crate::address::{Address, Number};
use crate::network::Net;
use crate::phone::keyring::Sealed;
use crate::phone::{InGroup, Parcel, person};
use crate::router::{self, ReceiptKind, SendError};
use crate::{clock, wire};

/// What all copies of one message share.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) from: Address,
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) edit: Option<String>,
    pub(crate) device_identity: Option<Vec<u8>>,
    /// Answers a retry request.
    pub(crate) retry: bool,
}

/// What one device gets: the sender's key or a repeated message, sealed for it alone, and the body that is sealed for all.
#[derive(Default)]
pub(crate) struct Copy {
    pub(crate) alone: Option<Sealed>,
    pub(crate) shared: Option<Vec<u8>>,
}

/// To all devices of all members but the one that sent.
pub(crate) fn fan_out(net: &Arc<Net>, group: &Group, post: &Post, mut alone: HashMap<Address, Sealed>, shared: &[u8]) {
    for to in devices(net, group, post.from) {
        deliver(net, group, post, to, Copy { alone: alone.remove(&to), shared: Some(shared.to_vec()) });
    }
}

/// All devices of all members, without one.
fn devices(net: &Net, group: &Group, but: Address) -> Vec<Address> {
    let accounts = group.members.iter().filter_map(|member| net.account(member.number));
    accounts.flat_map(|account| account.addresses()).filter(|address| *address != but).collect()
}

pub(crate) fn deliver(net: &Arc<Net>, group: &Group, post: &Post, to: Address, copy: Copy) {
    let Some(account) = net.known(to.number) else { return };
    if to.device == 0 {
        return deliver_to_phone(net, group, post, &account, copy);
    }
    let name = net.known(post.from.number).map_or_else(String::new, |sender| sender.name.clone());
    let pending = Pending {
        class: Class::Message,
        id: post.id.clone(),
        from: Some(post.from),
        node: Arc::new(stanza(group, post, &name, copy)),
        urgent: false,
    };
    account.books().delivered(&post.id, post.from, to.device);
    router::enqueue(net, &account, to.device, pending);
}

fn deliver_to_phone(net: &Arc<Net>, group: &Group, post: &Post, account: &Arc<Account>, copy: Copy) {
    let (sealed, key, shared) = match (copy.shared, copy.alone) {
        (Some(bytes), key) => (Sealed { prekey: false, bytes }, key, true),
        (None, Some(alone)) => (alone, None, false),
        (None, None) => return,
    };
    let parcel = Parcel {
        from: post.from,
        id: post.id.clone(),
        sent_at_secs: clock::now_secs(),
        sealed,
        recipient: None,
        peer: false,
        group: Some(InGroup { id: group.id, key, shared }),
    };
    person::receive(net, account, parcel);
}

fn stanza(group: &Group, post: &Post, sender_name: &str, copy: Copy) -> Node {
    let mut children = Vec::new();
    let mut introduces = false;
    if let Some(alone) = copy.alone {
        introduces = alone.prekey;
        let enc = NodeBuilder::new("enc").attr("v", "2").attr("type", if alone.prekey { "pkmsg" } else { "msg" });
        let enc = if post.retry { enc.attr("count", "1") } else { enc };
        children.push(enc.bytes(alone.bytes).build());
    }
    if let Some(shared) = copy.shared {
        children.push(NodeBuilder::new("enc").attr("v", "2").attr("type", "skmsg").bytes(shared).build());
    }
    if let (true, Some(identity)) = (introduces, &post.device_identity) {
        children.push(wire::bytes_node("device-identity", identity.clone()));
    }
    let message = NodeBuilder::new("message")
        .attr("from", group.id.jid())
        .attr("id", &post.id)
        .attr("type", &post.kind)
        .attr("t", clock::now_secs())
        .attr("notify", sender_name)
        .attr("addressing_mode", group.mode());
    let message = named(group, message, post.from);
    let message = match &post.edit {
        Some(edit) => message.attr("edit", edit),
        None => message,
    };
    message.children(children).build()
}

/// Who of the group: the device in the group's addressing, and the same person's other name.
fn named(group: &Group, node: NodeBuilder, from: Address) -> NodeBuilder {
    if group.by_lid {
        node.attr("participant", from.lid()).attr("participant_pn", from.number.jid())
    } else {
        node.attr("participant", from.jid()).attr("participant_lid", from.number.lid())
    }
}

/// A receipt from one member's device to all devices of another member.
pub(crate) fn receipt(net: &Arc<Net>, id: Number, from: Address, to: Number, ids: &[String], kind: ReceiptKind) {
    let (Ok(group), Some(account), Some(first)) = (net.groups.find(id), net.known(to), ids.first()) else {
        return;
    };
    // Who is out of the group is not heard of any more.
    if group.rank(to).is_none() || group.rank(from.number).is_none() {
        return;
    }
    let mut node = NodeBuilder::new("receipt").attr("from", id.jid()).attr("id", first).attr("t", clock::now_secs());
    if let Some(kind) = kind.attr() {
        node = node.attr("type", kind);
    }
    if ids.len() > 1 {
        let items = ids[1..].iter().map(|id| NodeBuilder::new("item").attr("id", id).build());
        node = node.children([NodeBuilder::new("list").children(items.collect::<Vec<_>>()).build()]);
    }
    let node = Arc::new(named(&group, node, from).build());
    for device in account.registry().devices.values_mut() {
        device.enqueue(Pending { class: Class::Receipt, id: first.clone(), from: Some(from), node: Arc::clone(&node), urgent: false });
    }
    if kind != ReceiptKind::Inactive {
        let mut phone = account.phone();
        for id in ids {
            phone.ledger.receipt(id, kind != ReceiptKind::Delivered);
        }
    }
    net.save(&account);
}

/// Asks a linked device for a message again, on behalf of one that could not open it.
pub(crate) fn forward_retry(net: &Net, id: Number, from: Address, to: Address, message_id: &str, mut node: Node) {
    let Ok(group) = net.groups.find(id) else { return };
    if group.rank(from.number).is_none() {
        return;
    }
    node.attrs.0.retain(|(key, _)| key != "to" && key != "participant" && key != "participant_pn");
    node.attrs.insert("from", id.jid());
    node.attrs.insert("participant", if group.by_lid { from.lid() } else { from.jid() });
    node.attrs.insert("t", clock::now_secs());
    router::forward_retry(net, from, to, message_id, node);
}

/// A message that a person writes into a group at the phone.
pub(crate) fn speak(net: &Arc<Net>, sender: &Arc<Account>, id: Number, message_id: &str, message: &wa::Message) -> Result<(), SendError> {
    let group = net.groups.find(id)?;
    may_say(&group, sender.number, router::edit(message).as_deref())?;
    let own = Address::phone(sender.number);
    sender.phone().remember_sent(message_id, id, message);
    let targets = devices(net, &group, own);
    let untold = sender.phone().keyring.groups.untold(id, &targets);
    let mut alone = HashMap::new();
    if !untold.is_empty() {
        let key = wa::Message { sender_key_distribution_message: MessageField::some(distribution(sender, id)?), ..Default::default() };
        for target in untold {
            alone.insert(target, router::seal(net, sender, target, sender.number, &key, false)?);
            sender.phone().keyring.groups.mark_told(id, target);
        }
    }
    let shared = sender.phone().keyring.groups.encrypt(id, &MessageUtils::encode_and_pad(message))?;
    let post = said(own, message_id, message, false);
    fan_out(net, &group, &post, alone, &shared);
    net.save(sender);
    Ok(())
}

/// What all copies of a phone's message say of it.
fn said(from: Address, id: &str, message: &wa::Message, retry: bool) -> Post {
    let kind = wacore::send::stanza_type_from_message(message).to_owned();
    let edit = EditAttribute::infer_from_message(message).map(|edit| edit.to_string_val().to_owned());
    Post { from, id: id.to_owned(), kind, edit, device_identity: None, retry }
}

fn distribution(sender: &Account, id: Number) -> Result<wa::message::SenderKeyDistributionMessage, SendError> {
    let key = sender.phone().keyring.groups.distribution(id)?;
    Ok(wa::message::SenderKeyDistributionMessage { group_id: Some(id.to_string()), axolotl_sender_key_distribution_message: Some(key) })
}

/// Gives one device what a phone said in a group again, sealed for it alone, and the phone's key with it.
pub(crate) fn say_again(net: &Arc<Net>, sender: &Arc<Account>, id: Number, to: Address, message_id: &str, message: &wa::Message) {
    let again = || -> Result<(), SendError> {
        let group = net.groups.find(id)?;
        group.member(to.number)?;
        let mut message = message.clone();
        message.sender_key_distribution_message = MessageField::some(distribution(sender, id)?);
        let sealed = router::seal(net, sender, to, sender.number, &message, true)?;
        let from = Address::phone(sender.number);
        let post = said(from, message_id, &message, true);
        deliver(net, &group, &post, to, Copy { alone: Some(sealed), shared: None });
        Ok(())
    };
    if let Err(error) = again() {
        tracing::debug!(%error, message_id, "cannot say it again");
    }
}

/// What takes back a message of somebody else.
const ADMIN_REVOKE: &str = "8";

/// Whether a member may send this: not everywhere may everybody speak, and only an admin deletes for others.
fn may_say(group: &Group, sender: Number, edit: Option<&str>) -> Result<(), Refusal> {
    group.speaker(sender)?;
    if edit == Some(ADMIN_REVOKE) { group.admin(sender) } else { Ok(()) }
}

/// Why the server refuses a message of this account to the group, as a code.
pub(crate) fn refusal(net: &Net, id: Number, sender: Number, edit: Option<&str>) -> Option<u16> {
    let checked = net.groups.find(id).and_then(|group| may_say(&group, sender, edit));
    match checked.err()? {
        // A message that only admins may send has a code of its own.
        Refusal::NotAdmin if edit != Some(ADMIN_REVOKE) => Some(420),
        refusal => Some(refusal.code()),
    }
}
