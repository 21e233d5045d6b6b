//! A message to many, in a group or as a status: the body is sealed once with the sender's key for the chat, and devices that lack that
//! key get it beside, sealed for them alone. Owns the fan-out and what a phone says; who gets it is decided elsewhere.

use std::collections::HashMap;
use std::sync::Arc;

use wacore::messages::MessageUtils;
use wacore_binary::Node;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;

use crate::account::Account;
use crate::address::{Address, Number};
use crate::clock;
use crate::crowd::Crowd;
use crate::delivery::{self, Copy, Place, Post};
use crate::network::Net;
use crate::phone::keyring::Sealed;
use crate::router::{self, SendError};

/// To all these devices but the one that sent.
pub(crate) fn fan_out(net: &Arc<Net>, to: &[Address], post: &Post, mut alone: HashMap<Address, Sealed>, shared: &[u8]) {
    for to in to.iter().copied().filter(|to| *to != post.from) {
        delivery::deliver(net, post, to, Copy { alone: alone.remove(&to), shared: Some(shared.to_vec()), missed: false });
    }
}

/// Asks a linked device for a message again, on behalf of one that could not open it.
pub(crate) fn forward_retry(net: &Net, crowd: Crowd, from: Address, to: Address, message_id: &str, mut node: Node) {
    node.attrs.0.retain(|(key, _)| key != "to" && key != "participant" && key != "participant_pn");
    node.attrs.insert("from", crowd.chat.jid());
    node.attrs.insert("participant", crowd.participant(from));
    node.attrs.insert("t", clock::now_secs());
    router::forward_retry(net, from, to, message_id, node);
}

/// A message that a person writes at the phone.
pub(crate) fn say(
    net: &Arc<Net>,
    sender: &Arc<Account>,
    place: Place,
    chat: Number,
    targets: &[Address],
    (id, message): (&str, &wa::Message),
) -> Result<(), SendError> {
    sender.phone().remember_sent(id, chat, message);
    let targets: Vec<Address> = targets.iter().copied().filter(|target| *target != Address::phone(sender.number)).collect();
    let untold = sender.phone().keyring.groups.untold(chat, &targets);
    let mut alone = HashMap::new();
    if !untold.is_empty() {
        let key = wa::Message { sender_key_distribution_message: MessageField::some(distribution(sender, chat)?), ..Default::default() };
        for target in untold {
            alone.insert(target, router::seal(net, sender, target, sender.number, &key, false)?);
            sender.phone().keyring.groups.mark_told(chat, target);
        }
    }
    let shared = sender.phone().keyring.groups.encrypt(chat, &MessageUtils::encode_and_pad(message))?;
    let post = Post::from_phone(sender.number, place, id, message);
    fan_out(net, &targets, &post, alone, &shared);
    net.save(sender);
    Ok(())
}

fn distribution(sender: &Account, chat: Number) -> Result<wa::message::SenderKeyDistributionMessage, SendError> {
    let key = sender.phone().keyring.groups.distribution(chat)?;
    let group_id = Some(chat.jid().to_string());
    Ok(wa::message::SenderKeyDistributionMessage { group_id, axolotl_sender_key_distribution_message: Some(key) })
}

/// Gives one device what a phone said again, sealed for it alone, and the phone's key with it.
pub(crate) fn say_again(
    net: &Arc<Net>,
    sender: &Arc<Account>,
    place: Place,
    chat: Number,
    to: Address,
    (id, message): (&str, &wa::Message),
) -> Result<(), SendError> {
    sender.phone().keyring.groups.forget_told(chat, to);
    let mut message = message.clone();
    message.sender_key_distribution_message = MessageField::some(distribution(sender, chat)?);
    let sealed = router::seal(net, sender, to, sender.number, &message, true)?;
    let post = Post::from_phone(sender.number, place, id, &message).again();
    delivery::deliver(net, &post, to, Copy::alone(sealed));
    Ok(())
}
