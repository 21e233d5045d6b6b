//! What the devices of who is called hear of a call.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::{Call, Over};
use crate::account::device::{Class, Pending};
use crate::account::{Account, lock};
use crate::address::{Address, Number};
use crate::network::Net;
use crate::phone::person;
use crate::router::SendError;
use crate::{clock, keys};

/// A call that a person makes.
pub(crate) struct Dialled {
    pub(crate) to: Number,
    pub(crate) video: bool,
    pub(crate) ring: Duration,
    /// How often each device is told of it.
    pub(crate) notices: u8,
}

/// Rings at all devices, and stops after a while; gives the call's id.
pub(crate) fn call(net: &Arc<Net>, caller: &Arc<Account>, dialled: &Dialled) -> Result<String, SendError> {
    called(net, caller.number, dialled.to)?;
    let call = Call {
        id: keys::hex(&keys::random_bytes::<16>()).to_uppercase(),
        from: caller.number,
        to: dialled.to,
        video: dialled.video,
        rang: BTreeSet::new(),
        over: None,
    };
    lock(&net.calls.0).push(call.clone());
    for _ in 0..dialled.notices {
        tell(net, &call, &offer(&call));
    }
    let (of, from, id) = (Arc::clone(net), caller.number, call.id.clone());
    person::later(net, dialled.ring, move || {
        end(&of, from, &id, Over::Timeout);
    });
    Ok(call.id)
}

/// Stops the ringing. `false` where nothing rings.
pub(crate) fn end(net: &Arc<Net>, caller: Number, id: &str, over: Over) -> bool {
    let Some(call) = net.calls.end(id, over, |call| call.from == caller) else { return false };
    tell(net, &call, &terminated(&call, over));
    true
}

/// The phone that is called answers or rejects, and the devices beside it ring no more. `false` where nothing rings. A group's call goes
/// on for the others, and is nobody's to end.
pub(crate) fn take(net: &Arc<Net>, called: Number, id: &str, over: Over) -> bool {
    let Some(call) = net.calls.end(id, over, |call| call.to == called) else { return false };
    tell(net, &call, &terminated(&call, over));
    true
}

fn terminated(call: &Call, over: Over) -> Node {
    let terminate = NodeBuilder::new("terminate").attr("call-id", &call.id).attr("call-creator", Address::phone(call.from).lid());
    match over.reason() {
        Some(reason) => terminate.attr("reason", reason).build(),
        None => terminate.build(),
    }
}

/// Whose devices ring.
fn called(net: &Net, caller: Number, to: Number) -> Result<Vec<Arc<Account>>, SendError> {
    if !to.is_group() {
        return net.account(to).map(|account| vec![account]).ok_or(SendError::NotRegistered(to));
    }
    let group = net.groups.find(to)?;
    group.member(caller)?;
    Ok(group.numbers().into_iter().filter(|number| *number != caller).filter_map(|number| net.account(number)).collect())
}

fn offer(call: &Call) -> Node {
    let mut offer = NodeBuilder::new("offer")
        .attr("call-id", &call.id)
        .attr("call-creator", Address::phone(call.from).lid())
        .attr("caller_pn", call.from.jid())
        .attr("device_class", "phone")
        .attr("joinable", "0");
    if call.to.is_group() {
        offer = offer.attr("group-jid", call.to.jid());
    }
    let mut media = vec![NodeBuilder::new("audio").attr("enc", "opus").attr("rate", 16_000u32).build()];
    if call.video {
        media.push(NodeBuilder::new("video").attr("enc", "vp8").attr("dec", "vp8").build());
    }
    offer.children(media).build()
}

/// Says one thing of a call to every device of who is called.
fn tell(net: &Net, call: &Call, said: &Node) {
    let name = net.known(call.from).map_or_else(String::new, |caller| caller.name());
    for account in called(net, call.from, call.to).unwrap_or_default() {
        // Who is blocked hears it ring, and nothing rings.
        if net.profiles.blocks(account.number, call.from) {
            continue;
        }
        let devices: Vec<u16> = account.registry().devices.keys().copied().collect();
        for device in devices {
            let id = keys::stanza_id();
            let node = NodeBuilder::new("call")
                .attr("from", Address::phone(call.from).lid())
                .attr("id", &id)
                .attr("t", clock::now_secs())
                .attr("notify", &name)
                .attr("platform", "android")
                .attr("version", "2.26.1")
                .children([said.clone()])
                .build();
            let pending = Pending { class: Class::Call, id, from: Some(Address::phone(call.from)), node: Arc::new(node), urgent: false };
            net.enqueue(&account, device, pending);
        }
    }
}
