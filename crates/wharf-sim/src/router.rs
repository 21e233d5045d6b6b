//! From one device to another: what a phone sends to whom, which keys it takes for that, and what the server tells devices. Holds one
//! lock at a time.

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
use crate::delivery::{self, Copy, Place, Post};
use crate::group::{Refusal, post};
use crate::network::Net;
use crate::phone::companion;
use crate::phone::keyring::Sealed;
use crate::{clock, keys};

/// Below this many one-time keys the server asks a device for more.
const FEW_ONE_TIME_KEYS: usize = 5;

#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("{0} is not on WhatsApp")]
    NotRegistered(Number),
    #[error(transparent)]
    Group(#[from] Refusal),
    #[error(transparent)]
    Signal(#[from] SignalProtocolError),
}

pub(crate) fn forward_retry(net: &Net, from: Address, to: Address, id: &str, node: Node) {
    if let Some(account) = net.known(to.number) {
        let pending = Pending { class: Class::Receipt, id: id.to_owned(), from: Some(from), node: Arc::new(node), urgent: false };
        net.enqueue(&account, to.device, pending);
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

/// What becomes of the copies that a phone sends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copies {
    Good,
    /// They cannot be decrypted: those who get them ask again.
    Garbled,
    /// Phones alone may show it: linked devices are told that there is something, as WhatsApp does with what can be opened once.
    ForPhones,
    /// The sender does not know the recipient's linked devices yet: these are told that there is something.
    Missing,
}

/// Sends a message from a phone to a group, or to all devices of a number and to the sender's own linked devices.
pub(crate) fn send_from_phone(
    net: &Arc<Net>,
    sender: &Arc<Account>,
    to: Number,
    id: &str,
    message: &wa::Message,
    copies: Copies,
) -> Result<(), SendError> {
    if to.is_group() {
        return post::speak(net, sender, to, id, message);
    }
    let recipient = net.account(to).ok_or(SendError::NotRegistered(to))?;
    // The sender's own devices first: a receipt of the recipient's does not overtake the message.
    let mut targets = if to == sender.number { Vec::new() } else { sender.addresses() };
    targets.extend(recipient.addresses());
    targets.retain(|target| *target != Address::phone(sender.number));
    sender.phone().remember_sent(id, to, message);
    let post = Post::from_phone(sender.number, Place::Person(to), id, message);
    for target in targets {
        let copy = if copies == Copies::ForPhones && target.device != 0 {
            Copy::default()
        } else if copies == Copies::Missing && target.device != 0 && target.number != sender.number {
            Copy { missed: true, ..Copy::default() }
        } else {
            let mut sealed = seal(net, sender, target, to, message, false)?;
            if copies == Copies::Garbled {
                sealed.garble();
            }
            Copy::alone(sealed)
        };
        delivery::deliver(net, &post, target, copy);
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
    // A new session takes the place of the old one, which stays among the earlier ones: what is on its way still opens.
    if let Some(bundle) = bundle {
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
        .attr("pushname", account.name())
        .build();
    net.enqueue(account, device, Pending { class: Class::Notification, id, from: None, node: Arc::new(node), urgent: false });
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
        Ok(sealed) => {
            let post = Post::from_phone(account.number, Place::Peer, &keys::message_id(), &message);
            delivery::deliver(net, &post, to, Copy::alone(sealed));
        }
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
    let list = companion::key_index_list(&account.phone(), raw_id, indexes, false);
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
