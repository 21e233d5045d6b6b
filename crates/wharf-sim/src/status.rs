//! Statuses: what one shows to many for a day. The stanza names whom it is for; the server keeps no list.

use std::collections::BTreeSet;
use std::sync::Arc;

use wacore_binary::NodeRef;
use waproto::whatsapp as wa;

use crate::account::Account;
use crate::address::{Address, Number};
use crate::delivery::{self, Copy, Place, Post};
use crate::many;
use crate::network::Net;
use crate::router::{self, SendError};
use crate::wire;

/// What the server answers where a status is written like a message to a group.
const NOT_SO: u16 = 479;

/// Why the server refuses a status, as a code.
pub(crate) fn refusal(node: &NodeRef<'_>) -> Option<u16> {
    node.get_attr("addressing_mode").is_some().then_some(NOT_SO)
}

/// All devices of those whom a status's stanza names.
pub(crate) fn devices(net: &Net, node: &NodeRef<'_>) -> Vec<Address> {
    let listed = node.get_optional_child("participants").map(|list| list.get_children_by_tag("to"));
    let people = listed.into_iter().flatten().filter_map(|to| wire::jid(to, "jid")).filter_map(|jid| Address::from_jid(&jid));
    devices_of(net, people.map(|person| person.number))
}

fn devices_of(net: &Net, people: impl Iterator<Item = Number>) -> Vec<Address> {
    let once: BTreeSet<Number> = people.collect();
    once.into_iter().filter_map(|number| net.account(number)).flat_map(|account| account.addresses()).collect()
}

/// A reaction to somebody's status, which its author's devices alone get.
pub(crate) fn react(net: &Arc<Net>, sender: &Arc<Account>, author: Number, id: &str, message: &wa::Message) -> Result<(), SendError> {
    sender.phone().remember_sent(id, Number::STATUS, message);
    let post = Post::from_phone(sender.number, Place::Status, id, message);
    for target in devices_of(net, [author].into_iter()) {
        let sealed = router::seal(net, sender, target, author, message, false)?;
        delivery::deliver(net, &post, target, Copy::alone(sealed));
    }
    net.save(sender);
    Ok(())
}

/// A status that a person posts at the phone, for these people and the person's own devices.
pub(crate) fn post(net: &Arc<Net>, sender: &Arc<Account>, audience: &[Number], id: &str, message: &wa::Message) -> Result<(), SendError> {
    let targets = devices_of(net, audience.iter().copied().chain([sender.number]));
    many::say(net, sender, Place::Status, Number::STATUS, &targets, (id, message))
}
