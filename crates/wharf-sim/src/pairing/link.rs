//! The way of a device from its QR codes to the list of linked ones, and off it again.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::sync::oneshot;
use wacore_binary::NodeRef;
use wacore_binary::builder::NodeBuilder;

use super::{Candidate, Done, Error, Linked, Offer, Outcome, PairingState, passkey};
use crate::account::device::Device;
use crate::account::{Account, lock};
use crate::address::{Address, Number};
use crate::faults::Action;
use crate::network::Net;
use crate::phone::companion::{self, Hosting};
use crate::{clock, keys, router, wire};

const REFERENCES: usize = 6;
/// How long the person waits for the new device to answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a person looks at the screen until the new device has logged in.
const LOGIN_PATIENCE: Duration = Duration::from_secs(3);

impl Candidate {
    /// Gives the device the references it shows as QR codes, once nothing holds them back.
    pub(crate) fn announce(self: &Arc<Self>, net: &Arc<Net>) {
        if !net.faults.stands(Action::HoldQr) {
            return self.give_references(net);
        }
        let (of, device, mut rules) = (Arc::clone(net), Arc::clone(self), net.faults.watch());
        net.tasks.spawn(async move {
            while of.faults.stands(Action::HoldQr) {
                tokio::select! {
                    () = of.stop.cancelled() => return,
                    _ = rules.changed() => {}
                }
            }
            if !lock(&device.state).withdrawn {
                device.give_references(&of);
            }
        });
    }

    fn give_references(self: &Arc<Self>, net: &Net) {
        let wanted = match net.faults.take(&[Action::ExpireQr], None, None) {
            Some(_) => 0,
            None => REFERENCES,
        };
        let references: Vec<String> = (0..wanted).map(|_| format!("2@{}", BASE64_STANDARD.encode(keys::random_bytes::<24>()))).collect();
        let mut waiting = lock(&net.references);
        for reference in &references {
            waiting.insert(reference.clone(), Arc::clone(self));
        }
        drop(waiting);
        let nodes = references.iter().map(|reference| wire::bytes_node("ref", reference.as_bytes()));
        self.handle.send(
            NodeBuilder::new("iq")
                .attr("from", wire::server())
                .attr("type", "set")
                .attr("id", keys::stanza_id())
                .attr("xmlns", "md")
                .children([NodeBuilder::new("pair-device").children(nodes.collect::<Vec<_>>()).build()])
                .build(),
        );
        let mut state = lock(&self.state);
        state.references = references;
        state.announced = true;
    }

    /// The device is gone, or linked: nobody can scan it any more.
    pub(crate) fn withdraw(&self, net: &Net) {
        let state = std::mem::replace(&mut *lock(&self.state), PairingState { withdrawn: true, ..PairingState::default() });
        let mut waiting = lock(&net.references);
        for reference in &state.references {
            waiting.remove(reference);
        }
        drop(waiting);
        if let Some(flow) = &state.code {
            let mut codes = lock(&net.codes);
            if codes.get(&flow.number).is_some_and(|other| other.handle.id == self.handle.id) {
                codes.remove(&flow.number);
            }
        }
    }

    /// The phone accepts: sign the device's identity and tell the device.
    pub(super) fn offer(&self, net: &Net, account: Arc<Account>, identity: &[u8; 32], secret: &[u8], hosting: Hosting, done: Done) {
        let mut registry = account.registry();
        let (device, key_index, raw_id) = (registry.next_device, registry.next_key_index, registry.raw_id);
        registry.next_device += 1;
        registry.next_key_index += 1;
        drop(registry);
        net.save(&account);
        let container = companion::introduce(&account.phone(), (raw_id, key_index), identity, secret, hosting);
        let address = Address::new(account.number, device);
        let iq = keys::stanza_id();
        self.handle.send(
            NodeBuilder::new("iq")
                .attr("from", wire::server())
                .attr("type", "set")
                .attr("id", &iq)
                .attr("t", clock::now_secs())
                .children([NodeBuilder::new("pair-success")
                    .children([
                        wire::bytes_node("device-identity", container),
                        NodeBuilder::new("platform").attr("name", "android").build(),
                        NodeBuilder::new("device").attr("jid", address.jid()).attr("lid", address.lid()).build(),
                    ])
                    .build()])
                .build(),
        );
        lock(&self.state).offer = Some(Offer { iq, account, device, key_index, done });
    }

    /// The device answered a request of the server's.
    pub(crate) fn answered(&self, net: &Net, node: &NodeRef<'_>) {
        let id = wire::text(node, "id");
        let offer = lock(&self.state).offer.take_if(|offer| offer.iq == id);
        let Some(offer) = offer else { return };
        let signed = node.get_optional_child("pair-device-sign").and_then(|sign| wire::child_bytes(sign, "device-identity"));
        let Some(signed) = signed.filter(|_| wire::is(node, "type", "result")) else {
            let text = node.get_optional_child("error").map(|error| wire::text(error, "text")).unwrap_or_default();
            let _ = offer.done.send(Err(Error::Refused(text)));
            return;
        };
        if !companion::is_signed(&offer.account.phone(), signed, &self.keys.identity) {
            let _ = offer.done.send(Err(Error::Refused("the device's signature is not one".to_owned())));
            return self.handle.cut();
        }
        self.register(net, offer, signed.to_vec());
    }

    fn register(&self, net: &Net, offer: Offer, signed_identity: Vec<u8>) {
        let Offer { account, device: id, key_index, done, .. } = offer;
        let device = Device {
            id,
            key_index,
            platform: self.platform.clone(),
            noise_public: self.noise_public,
            keys: self.keys.clone(),
            one_time: std::collections::VecDeque::new(),
            signed_identity,
            key_share_sent: false,
            pending: std::collections::VecDeque::new(),
            handle: None,
            active: false,
            available: false,
        };
        account.registry().devices.insert(id, device);
        net.save(&account);
        self.withdraw(net);
        // The real server restarts the stream here; the client comes back as a linked device.
        self.handle.farewell(wire::stream_error(Some(515), None));
        router::share_push_name(net, &account, id);
        router::device_list_changed(net, &account, id, key_index, true);
        let address = Address::new(account.number, id);
        let _ = done.send(Ok(Outcome::Linked(Linked {
            phone: account.number.to_string(),
            device: id,
            jid: address.jid().to_string(),
            lid: address.lid().to_string(),
            platform: self.platform.clone(),
        })));
    }
}

/// The fields of a QR code. It may come as a link for the phone's camera; they are behind the hash sign.
fn fields(text: &str) -> Vec<&str> {
    text.trim().rsplit_once('#').map_or(text.trim(), |(_, fields)| fields).split(',').collect()
}

/// The name that the device brings which shows this code.
pub(crate) fn name_shown(net: &Net, text: &str) -> Option<String> {
    lock(&net.references).get(*fields(text).first()?)?.push_name.clone()
}

/// The person scans: `text` is what the QR code says.
pub(crate) async fn scan(net: &Arc<Net>, text: &str, number: Number, hosting: Hosting) -> Result<Outcome, Error> {
    let [reference, _noise, identity, secret, ..] = fields(text)[..] else {
        return Err(Error::MalformedQr);
    };
    let decode = |field: &str| BASE64_STANDARD.decode(field).ok();
    let identity: [u8; 32] = decode(identity).and_then(|bytes| bytes.try_into().ok()).ok_or(Error::MalformedQr)?;
    let secret = decode(secret).ok_or(Error::MalformedQr)?;
    let candidate = lock(&net.references).get(reference).cloned().ok_or(Error::UnknownQr)?;
    let (done, answer) = oneshot::channel();
    let owner = net.owner(number);
    if passkey::is_wanted(&owner) {
        passkey::ask(&candidate, owner, &secret);
        return Ok(Outcome::asked(number));
    }
    candidate.offer(net, Arc::clone(&owner), &identity, &secret, hosting, done);
    wait(&owner, answer).await
}

/// Until the phone shows the device as linked, which it does when the device has logged in.
pub(super) async fn wait(owner: &Account, answer: oneshot::Receiver<Result<Outcome, Error>>) -> Result<Outcome, Error> {
    let outcome = match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => answer?,
        _ => return Err(Error::NoAnswer),
    };
    // It is linked in any case; a device that does not come is not waited for any longer.
    if let Outcome::Linked(linked) = &outcome {
        let _ = tokio::time::timeout(LOGIN_PATIENCE, active(owner, linked.device)).await;
    }
    Ok(outcome)
}

/// Ends when the device is there, or when it was unlinked.
async fn active(owner: &Account, device: u16) {
    loop {
        let arrived = owner.arrived.notified();
        if owner.registry().devices.get(&device).is_none_or(|device| device.active) {
            return;
        }
        arrived.await;
    }
}

/// Unlinks a device, whoever wants it: its connection ends and its keys are gone.
pub(crate) fn unlink(net: &Net, account: &Arc<Account>, id: u16) -> bool {
    let Some(device) = account.registry().devices.remove(&id) else {
        return false;
    };
    account.phone().keyring.forget_session(Address::new(account.number, id));
    if let Some(handle) = &device.handle {
        handle.farewell(wire::stream_error(Some(401), Some("device_removed")));
    }
    router::device_list_changed(net, account, id, device.key_index, false);
    net.save(account);
    true
}
