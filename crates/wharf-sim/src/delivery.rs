//! One copy of a message on its way to one device: to a phone at once, to a linked device through its queue. Owns what the copy's stanza
//! says, between two people, in groups and of a status.

use std::sync::Arc;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use waproto::whatsapp as wa;

use crate::account::device::{Class, Pending};
use crate::address::{Address, Number};
use crate::crowd::Crowd;
use crate::group::Group;
use crate::network::Net;
use crate::phone::keyring::Sealed;
use crate::phone::{InGroup, Parcel, person};
use crate::{clock, wire};

/// Where a message was said.
#[derive(Clone)]
pub(crate) enum Place {
    /// To this person.
    Person(Number),
    /// Between devices of one account, not for the person's eyes.
    Peer,
    Group(Arc<Group>),
    Status,
}

/// What all copies of one message share.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) from: Address,
    pub(crate) place: Place,
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) edit: Option<String>,
    pub(crate) sent_at_secs: u64,
    pub(crate) device_identity: Option<Vec<u8>>,
    /// Answers a retry request.
    pub(crate) retry: bool,
}

impl Post {
    /// What a person sends at the phone.
    pub(crate) fn from_phone(sender: Number, place: Place, id: &str, message: &wa::Message) -> Self {
        Self {
            from: Address::phone(sender),
            place,
            id: id.to_owned(),
            kind: kind(message),
            edit: edit(message),
            sent_at_secs: clock::now_secs(),
            device_identity: None,
            retry: false,
        }
    }

    pub(crate) fn again(self) -> Self {
        Self { retry: true, ..self }
    }
}

/// What one device gets: what is sealed for it alone, and the body that is sealed for all of a group. A linked device that gets neither is
/// told that there is something which phones alone may show.
#[derive(Default)]
pub(crate) struct Copy {
    pub(crate) alone: Option<Sealed>,
    pub(crate) shared: Option<Vec<u8>>,
    /// With neither of them: the sender did not know the device, and its own phone can tell it what was said.
    pub(crate) missed: bool,
}

impl Copy {
    pub(crate) const fn alone(sealed: Sealed) -> Self {
        Self { alone: Some(sealed), shared: None, missed: false }
    }
}

/// The stanza's word for what a message is.
fn kind(message: &wa::Message) -> String {
    wacore::send::stanza_type_from_message(message).to_owned()
}

/// The stanza's word for what a message does to another one.
pub(crate) fn edit(message: &wa::Message) -> Option<String> {
    wacore::types::message::EditAttribute::infer_from_message(message).map(|edit| edit.to_string_val().to_owned())
}

pub(crate) fn deliver(net: &Arc<Net>, post: &Post, to: Address, copy: Copy) {
    let Some(account) = net.known(to.number) else { return };
    // Who is blocked is not told so: the server takes the message and drops it.
    if matches!(post.place, Place::Person(_) | Place::Status)
        && post.from.number != to.number
        && net.profiles.blocks(to.number, post.from.number)
    {
        return;
    }
    if to.device == 0 {
        if let Some(parcel) = parcel(post, to, copy) {
            person::receive(net, &account, parcel);
        }
        return;
    }
    let peer = matches!(post.place, Place::Peer);
    let sender_name = net.known(post.from.number).map_or_else(String::new, |sender| sender.name());
    let node = Arc::new(stanza(post, to, copy, &sender_name));
    if !peer {
        account.books().delivered(&post.id, post.from, to.device);
    }
    let pending = Pending { class: Class::Message, id: post.id.clone(), from: Some(post.from), node, urgent: peer };
    net.enqueue(&account, to.device, pending);
}

fn parcel(post: &Post, to: Address, copy: Copy) -> Option<Parcel> {
    let (sealed, key, shared) = match (copy.shared, copy.alone) {
        (Some(bytes), key) => (Sealed { prekey: false, bytes }, key, true),
        (None, alone) => (alone?, None, false),
    };
    let own = to.number == post.from.number;
    let (recipient, group) = match &post.place {
        Place::Person(chat) => (own.then_some(*chat), None),
        Place::Peer => (Some(to.number), None),
        Place::Group(group) => (None, Some(InGroup { id: group.id, key, shared })),
        Place::Status => (None, Some(InGroup { id: Number::STATUS, key, shared })),
    };
    Some(Parcel {
        from: post.from,
        id: post.id.clone(),
        sent_at_secs: post.sent_at_secs,
        sealed,
        recipient,
        peer: matches!(post.place, Place::Peer),
        group,
    })
}

/// The stanza that a linked device gets.
fn stanza(post: &Post, to: Address, copy: Copy, sender_name: &str) -> Node {
    let mut children = Vec::new();
    let introduces = copy.alone.as_ref().is_some_and(|alone| alone.prekey);
    if copy.alone.is_none() && copy.shared.is_none() {
        let unavailable = NodeBuilder::new("unavailable");
        children.push(if copy.missed { unavailable } else { unavailable.attr("type", "view_once") }.build());
    }
    if let Some(alone) = copy.alone {
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
    let message =
        NodeBuilder::new("message").attr("id", &post.id).attr("type", &post.kind).attr("t", post.sent_at_secs).attr("notify", sender_name);
    let message = match &post.edit {
        Some(edit) => message.attr("edit", edit),
        None => message,
    };
    let message = match &post.place {
        Place::Group(group) => group.crowd().names(message.attr("addressing_mode", group.mode()), post.from),
        Place::Status => Crowd::STATUS.names(message, post.from),
        Place::Peer => message.attr("from", post.from.jid()).attr("category", "peer"),
        Place::Person(chat) if post.from.number == to.number => message.attr("from", post.from.jid()).attr("recipient", chat.jid()),
        Place::Person(_) => message.attr("from", post.from.jid()).attr("sender_lid", post.from.lid()),
    };
    message.children(children).build()
}
