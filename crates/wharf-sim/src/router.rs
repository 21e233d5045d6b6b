//! From one device to another: to a phone at once, to a linked device through its queue. Holds one lock at a time.

use std::sync::Arc;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use wacore_libsignal::protocol::SignalProtocolError;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;

use crate::account::Account;
use crate::account::bundle::Bundle;
use crate::account::device::{Class, Pending};
use crate::address::{Address, Number};
use crate::group::{Refusal, post};
use crate::network::Net;
use crate::phone::keyring::Sealed;
use crate::phone::{Parcel, companion, person};
use crate::stanza::message;
use crate::{clock, keys};

/// Below this many one-time keys the server asks a device for more.
const FEW_ONE_TIME_KEYS: usize = 5;

/// A ciphertext with everything the recipient's stanza says about it.
pub(crate) struct Letter {
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) edit: Option<String>,
    pub(crate) sent_at_secs: u64,
    pub(crate) sealed: Sealed,
    pub(crate) peer: bool,
    /// For a copy to an own device: whom the message went to.
    pub(crate) recipient: Option<Number>,
    pub(crate) device_identity: Option<Vec<u8>>,
    /// Answers a retry request.
    pub(crate) retry: bool,
}

impl Letter {
    /// What a person sends at the phone.
    fn from_phone(sender: Number, to: Address, id: &str, message: &wa::Message, sealed: Sealed, recipient: Option<Number>) -> Self {
        Self {
            from: Address::phone(sender),
            to,
            id: id.to_owned(),
            kind: kind(message),
            edit: edit(message),
            sent_at_secs: clock::now_secs(),
            sealed,
            peer: false,
            recipient,
            device_identity: None,
            retry: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReceiptKind {
    Delivered,
    Inactive,
    Read,
    Played,
}

impl ReceiptKind {
    /// The attribute on the wire; delivery has none.
    pub(crate) const fn attr(self) -> Option<&'static str> {
        match self {
            Self::Delivered => None,
            Self::Inactive => Some("inactive"),
            Self::Read => Some("read"),
            Self::Played => Some("played"),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("{0} is not on WhatsApp")]
    NotRegistered(Number),
    #[error(transparent)]
    Group(#[from] Refusal),
    #[error(transparent)]
    Signal(#[from] SignalProtocolError),
}

pub(crate) fn deliver(net: &Arc<Net>, letter: Letter) {
    let Some(account) = net.known(letter.to.number) else {
        return;
    };
    // Who is blocked is not told so: the server takes the message and drops it.
    if letter.from.number != letter.to.number && net.profiles.blocks(letter.to.number, letter.from.number) {
        return;
    }
    if letter.to.device == 0 {
        let parcel = Parcel {
            from: letter.from,
            id: letter.id,
            sent_at_secs: letter.sent_at_secs,
            sealed: letter.sealed,
            recipient: letter.recipient,
            peer: letter.peer,
            group: None,
        };
        return person::receive(net, &account, parcel);
    }
    let sender_name = net.known(letter.from.number).map_or_else(String::new, |sender| sender.name.clone());
    let pending = Pending {
        class: Class::Message,
        id: letter.id.clone(),
        from: Some(letter.from),
        node: Arc::new(message::stanza(&letter, &sender_name)),
        urgent: letter.peer,
    };
    if !letter.peer {
        account.books().delivered(&letter.id, letter.from, letter.to.device);
    }
    enqueue(net, &account, letter.to.device, pending);
}

pub(crate) fn enqueue(net: &Net, account: &Arc<Account>, device: u16, pending: Pending) {
    if let Some(device) = account.registry().devices.get_mut(&device) {
        device.enqueue(pending);
    }
    net.save(account);
}

/// A receipt from one device to all devices of a user.
pub(crate) fn receipt(net: &Arc<Net>, from: Address, to: Number, ids: &[String], kind: ReceiptKind) {
    let Some(account) = net.known(to) else { return };
    let Some(first) = ids.first() else { return };
    let mut node = NodeBuilder::new("receipt").attr("from", from.jid()).attr("id", first).attr("t", clock::now_secs());
    if let Some(kind) = kind.attr() {
        node = node.attr("type", kind);
    }
    if ids.len() > 1 {
        let items = ids[1..].iter().map(|id| NodeBuilder::new("item").attr("id", id).build());
        node = node.children([NodeBuilder::new("list").children(items.collect::<Vec<_>>()).build()]);
    }
    let node = Arc::new(node.build());
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

/// One of an account's devices has read: the others learn it, the phone among them.
pub(crate) fn read_elsewhere(net: &Net, account: &Arc<Account>, from: Address, place: (Number, Address), ids: &[String], kind: &str) {
    let (chat, sender) = place;
    let Some(first) = ids.first() else { return };
    let mut node = NodeBuilder::new("receipt").attr("id", first).attr("t", clock::now_secs()).attr("type", kind);
    node = if chat.is_group() {
        node.attr("from", chat.jid()).attr("participant", from.jid())
    } else {
        node.attr("from", from.jid()).attr("recipient", sender.number.jid())
    };
    if ids.len() > 1 {
        let items = ids[1..].iter().map(|id| NodeBuilder::new("item").attr("id", id).build());
        node = node.children([NodeBuilder::new("list").children(items.collect::<Vec<_>>()).build()]);
    }
    let node = Arc::new(node.build());
    for device in account.registry().devices.values_mut().filter(|device| device.id != from.device) {
        device.enqueue(Pending { class: Class::Receipt, id: first.clone(), from: Some(from), node: Arc::clone(&node), urgent: false });
    }
    if from.device != 0 {
        account.phone().ledger.read(Some(chat), ids);
    }
    net.save(account);
}

pub(crate) fn forward_retry(net: &Net, from: Address, to: Address, id: &str, node: Node) {
    if let Some(account) = net.known(to.number) {
        let pending = Pending { class: Class::Receipt, id: id.to_owned(), from: Some(from), node: Arc::new(node), urgent: false };
        enqueue(net, &account, to.device, pending);
    }
}

/// One fetch of a device's keys: uses up a one-time key.
pub(crate) fn take_bundle(net: &Net, address: Address) -> Option<Bundle> {
    let account = net.account(address.number)?;
    if address.device == 0 {
        let bundle = account.phone().keyring.bundle();
        net.save(&account);
        return Some(bundle);
    }
    let mut registry = account.registry();
    let device = registry.devices.get_mut(&address.device)?;
    let bundle = device.take_bundle();
    if bundle.one_time.is_some() && device.one_time.len() == FEW_ONE_TIME_KEYS {
        device.ask_for_keys();
    }
    drop(registry);
    net.save(&account);
    Some(bundle)
}

/// Sends a message from a phone to a group, or to all devices of a number and to the sender's own linked devices.
pub(crate) fn send_from_phone(net: &Arc<Net>, sender: &Arc<Account>, to: Number, id: &str, message: &wa::Message) -> Result<(), SendError> {
    if to.is_group() {
        return post::speak(net, sender, to, id, message);
    }
    let recipient = net.account(to).ok_or(SendError::NotRegistered(to))?;
    // The sender's own devices first: a receipt of the recipient's does not overtake the message.
    let mut targets = if to == sender.number { Vec::new() } else { sender.addresses() };
    targets.extend(recipient.addresses());
    targets.retain(|target| *target != Address::phone(sender.number));
    sender.phone().remember_sent(id, to, message);
    for target in targets {
        let sealed = seal(net, sender, target, to, message, false)?;
        let recipient = (target.number == sender.number).then_some(to);
        deliver(net, Letter::from_phone(sender.number, target, id, message, sealed, recipient));
    }
    net.save(sender);
    Ok(())
}

/// The stanza's word for what a message is.
pub(crate) fn kind(message: &wa::Message) -> String {
    wacore::send::stanza_type_from_message(message).to_owned()
}

/// The stanza's word for what a message does to another one.
pub(crate) fn edit(message: &wa::Message) -> Option<String> {
    wacore::types::message::EditAttribute::infer_from_message(message).map(|edit| edit.to_string_val().to_owned())
}

/// Sends a message whose first copies cannot be decrypted: those who get it ask for it again.
pub(crate) fn garble_from_phone(
    net: &Arc<Net>,
    sender: &Arc<Account>,
    to: Number,
    id: &str,
    message: &wa::Message,
) -> Result<(), SendError> {
    let recipient = net.account(to).ok_or(SendError::NotRegistered(to))?;
    sender.phone().remember_sent(id, to, message);
    for target in recipient.addresses() {
        let mut sealed = seal(net, sender, target, to, message, false)?;
        if let Some(last) = sealed.bytes.last_mut() {
            *last ^= 1;
        }
        deliver(net, Letter::from_phone(sender.number, target, id, message, sealed, None));
    }
    net.save(sender);
    Ok(())
}

/// Sends what phones alone may show: linked devices are told that there is something, as WhatsApp does with what can be opened once.
pub(crate) fn send_to_phone_alone(
    net: &Arc<Net>,
    sender: &Arc<Account>,
    to: Number,
    id: &str,
    message: &wa::Message,
) -> Result<(), SendError> {
    let recipient = net.account(to).ok_or(SendError::NotRegistered(to))?;
    let from = Address::phone(sender.number);
    sender.phone().remember_sent(id, to, message);
    for target in recipient.addresses() {
        if target.device == 0 {
            let sealed = seal(net, sender, target, to, message, false)?;
            deliver(net, Letter::from_phone(sender.number, target, id, message, sealed, None));
            continue;
        }
        let node = Arc::new(message::withheld(from, id, &kind(message), &sender.name));
        recipient.books().delivered(id, from, target.device);
        enqueue(
            net,
            &recipient,
            target.device,
            Pending { class: Class::Message, id: id.to_owned(), from: Some(from), node, urgent: false },
        );
    }
    net.save(sender);
    Ok(())
}

/// Encrypts for one device, opening a session first where there is none or a new one is asked for.
pub(crate) fn seal(
    net: &Arc<Net>,
    sender: &Arc<Account>,
    target: Address,
    destination: Number,
    message: &wa::Message,
    fresh: bool,
) -> Result<Sealed, SendError> {
    let known = !fresh && sender.phone().keyring.has_session(target);
    // Fetched before the sender's phone is locked again: two phones may write to each other at once.
    let bundle = if known { None } else { Some(take_bundle(net, target).ok_or(SendError::NotRegistered(target.number))?) };
    let mut phone = sender.phone();
    if let Some(bundle) = bundle {
        if fresh {
            phone.keyring.forget_session(target);
        }
        phone.keyring.start_session(target, &bundle.to_signal()?)?;
    }
    Ok(phone.seal(target, destination, message)?)
}

/// Tells a new device the name its owner goes by. A client without one waits at every login for settings that bring it.
pub(crate) fn share_push_name(net: &Net, account: &Arc<Account>, device: u16) {
    let id = keys::stanza_id();
    let node = NodeBuilder::new("notification")
        .attr("from", account.number.jid())
        .attr("type", "account_sync")
        .attr("id", &id)
        .attr("t", clock::now_secs())
        .attr("pushname", &account.name)
        .build();
    enqueue(net, account, device, Pending { class: Class::Notification, id, from: None, node: Arc::new(node), urgent: false });
}

/// What a phone gives each new device, so that it can read the account's settings.
pub(crate) fn share_app_state_key(net: &Arc<Net>, account: &Arc<Account>, device: u16) {
    use wa::message as m;
    let (key_id, key) = account.app_state().key();
    let key = m::AppStateSyncKey {
        key_id: MessageField::some(m::AppStateSyncKeyId { key_id: Some(key_id.to_vec()) }),
        key_data: MessageField::some(m::AppStateSyncKeyData {
            key_data: Some(key.to_vec()),
            fingerprint: MessageField::some(m::AppStateSyncKeyFingerprint {
                raw_id: Some(account.registry().raw_id),
                current_index: Some(0),
                device_indexes: vec![0],
            }),
            timestamp: i64::try_from(clock::now_ms()).ok(),
        }),
    };
    let message = wa::Message {
        protocol_message: MessageField::some(m::ProtocolMessage {
            r#type: Some(m::protocol_message::Type::APP_STATE_SYNC_KEY_SHARE),
            app_state_sync_key_share: MessageField::some(m::AppStateSyncKeyShare { keys: vec![key] }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let to = Address::new(account.number, device);
    match seal(net, account, to, account.number, &message, false) {
        Ok(sealed) => deliver(
            net,
            Letter {
                from: Address::phone(account.number),
                to,
                id: keys::message_id(),
                kind: "text".to_owned(),
                edit: None,
                sent_at_secs: clock::now_secs(),
                sealed,
                peer: true,
                recipient: None,
                device_identity: None,
                retry: false,
            },
        ),
        Err(error) => tracing::warn!(%error, "no app-state key for a new device"),
    }
}

/// Tells everyone who knows the account's device list that one came or went.
pub(crate) fn device_list_changed(net: &Net, account: &Arc<Account>, device: u16, key_index: u32, added: bool) {
    let registry = account.registry();
    let indexes: Vec<u32> = registry.devices.values().map(|d| d.key_index).collect();
    let mut watchers: Vec<Number> = registry.watchers.iter().copied().collect();
    let raw_id = registry.raw_id;
    drop(registry);
    watchers.retain(|watcher| *watcher != account.number);
    watchers.push(account.number);
    let list = companion::key_index_list(&account.phone(), raw_id, indexes);
    let changed = NodeBuilder::new("device").attr("jid", Address::new(account.number, device).jid()).attr("key-index", key_index).build();
    for watcher in watchers.into_iter().filter_map(|number| net.known(number)) {
        let id = keys::stanza_id();
        let node = NodeBuilder::new("notification")
            .attr("from", account.number.jid())
            .attr("lid", account.number.lid())
            .attr("type", "devices")
            .attr("id", &id)
            .attr("t", clock::now_secs())
            .children([NodeBuilder::new(if added { "add" } else { "remove" }).children([changed.clone(), list.clone()]).build()])
            .build();
        let node = Arc::new(node);
        let mut registry = watcher.registry();
        for other in registry.devices.values_mut() {
            // The new device itself learns its list by asking.
            if watcher.number == account.number && other.id == device {
                continue;
            }
            other.enqueue(Pending { class: Class::Notification, id: id.clone(), from: None, node: Arc::clone(&node), urgent: false });
        }
        drop(registry);
        net.save(&watcher);
    }
}
