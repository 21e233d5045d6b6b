//! Who may say what in a group, and who gets it.

use std::sync::Arc;

use wacore_binary::Node;
use waproto::whatsapp as wa;

use super::{Group, Refusal};
use crate::account::Account;
use crate::address::{Address, Number};
use crate::delivery::{self, Place};
use crate::many;
use crate::network::Net;
use crate::router::SendError;

/// All devices of all members.
pub(crate) fn devices(net: &Net, group: &Group) -> Vec<Address> {
    let accounts = group.members.iter().filter_map(|member| net.account(member.number));
    accounts.flat_map(|account| account.addresses()).collect()
}

/// Asks a linked device for a message again, on behalf of a member's that could not open it.
pub(crate) fn forward_retry(net: &Net, id: Number, from: Address, to: Address, message_id: &str, node: Node) {
    let Ok(group) = net.groups.find(id) else { return };
    if group.rank(from.number).is_some() {
        many::forward_retry(net, group.crowd(), from, to, message_id, node);
    }
}

/// A message that a person writes into a group at the phone.
pub(crate) fn speak(net: &Arc<Net>, sender: &Arc<Account>, id: Number, message_id: &str, message: &wa::Message) -> Result<(), SendError> {
    let group = Arc::new(net.groups.find(id)?);
    may_say(&group, sender.number, delivery::edit(message).as_deref())?;
    let targets = devices(net, &group);
    many::say(net, sender, Place::Group(group), id, &targets, (message_id, message))
}

/// Gives a member's device what a phone said in a group again.
pub(crate) fn say_again(
    net: &Arc<Net>,
    sender: &Arc<Account>,
    id: Number,
    to: Address,
    said: (&str, &wa::Message),
) -> Result<(), SendError> {
    let group = net.groups.find(id)?;
    group.member(to.number)?;
    many::say_again(net, sender, Place::Group(Arc::new(group)), id, to, said)
}

/// What takes back a message of somebody else.
const ADMIN_REVOKE: &str = "8";

/// Whether a member may send this: not everywhere may everybody speak, and only an admin deletes for others.
fn may_say(group: &Group, sender: Number, edit: Option<&str>) -> Result<(), Refusal> {
    group.speaker(sender)?;
    if edit == Some(ADMIN_REVOKE) { group.admin(sender) } else { Ok(()) }
}

/// Why the server refuses a message of this account to the group, as a code.
pub(crate) fn refusal(net: &Net, id: Number, sender: Number, edit: Option<&str>, mode: Option<&str>) -> Option<u16> {
    let group = net.groups.find(id);
    if group.as_ref().is_ok_and(|group| mode.is_some_and(|mode| mode != group.mode())) {
        // The members are addressed in another way than the sender knows.
        return Some(421);
    }
    match group.and_then(|group| may_say(&group, sender, edit)).err()? {
        // A message that only admins may send has a code of its own.
        Refusal::NotAdmin if edit != Some(ADMIN_REVOKE) => Some(420),
        refusal => Some(refusal.code()),
    }
}
