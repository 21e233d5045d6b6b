//! A message in a group, from one device to all the others: the body is sealed once with the sender's key for the group, and devices that
//! lack that key get it beside, sealed for them alone. Owns the fan-out and what a phone sends.

use std::collections::HashMap;
use std::sync::Arc;

use wacore::messages::MessageUtils;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;

use super::{Group, Refusal};
use crate::account::Account;
use crate::address::{Address, Number};
use crate::clock;
use crate::delivery::{self, Copy, Place, Post};
use crate::network::Net;
use crate::phone::keyring::Sealed;
use crate::router::{self, SendError};

/// To all devices of all members but the one that sent.
pub(crate) fn fan_out(net: &Arc<Net>, group: &Group, post: &Post, mut alone: HashMap<Address, Sealed>, shared: &[u8]) {
    for to in devices(net, group, post.from) {
        delivery::deliver(net, post, to, Copy { alone: alone.remove(&to), shared: Some(shared.to_vec()) });
    }
}

/// All devices of all members, without one.
fn devices(net: &Net, group: &Group, but: Address) -> Vec<Address> {
    let accounts = group.members.iter().filter_map(|member| net.account(member.number));
    accounts.flat_map(|account| account.addresses()).filter(|address| *address != but).collect()
}

/// Who of the group: the device in the group's addressing, and the same person's other name.
pub(crate) fn named(group: &Group, node: NodeBuilder, from: Address) -> NodeBuilder {
    if group.by_lid {
        node.attr("participant", from.lid()).attr("participant_pn", from.number.jid())
    } else {
        node.attr("participant", from.jid()).attr("participant_lid", from.number.lid())
    }
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
    let group = Arc::new(net.groups.find(id)?);
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
    let post = Post::from_phone(sender.number, Place::Group(Arc::clone(&group)), message_id, message);
    fan_out(net, &group, &post, alone, &shared);
    net.save(sender);
    Ok(())
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
        let post = Post::from_phone(sender.number, Place::Group(Arc::new(group)), message_id, &message).again();
        delivery::deliver(net, &post, to, Copy::alone(sealed));
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
