//! Who is told of a new picture or about.

use std::collections::BTreeSet;
use std::sync::Arc;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use crate::account::Account;
use crate::account::device::{Class, Pending};
use crate::address::Number;
use crate::network::Net;
use crate::{clock, keys};

/// Tells the person's own devices and those who know the person of a new picture; no id: it was taken away.
pub(crate) fn pictured(net: &Net, account: &Arc<Account>, picture: Option<&str>) {
    let change = match picture {
        Some(picture) => NodeBuilder::new("set").attr("id", picture),
        None => NodeBuilder::new("delete"),
    };
    tell(net, account, "picture", change.attr("jid", account.number.jid()).build());
}

/// Tells the person's own devices and those who know the person of a new about.
pub(crate) fn described(net: &Net, account: &Arc<Account>, text: &str) {
    tell(net, account, "status", NodeBuilder::new("set").bytes(text.as_bytes().to_vec()).build());
}

/// Who ever asked for a person's devices knows the person.
fn tell(net: &Net, of: &Arc<Account>, kind: &'static str, change: Node) {
    let mut people: BTreeSet<Number> = of.registry().watchers.iter().copied().collect();
    people.insert(of.number);
    let id = keys::stanza_id();
    let node = NodeBuilder::new("notification")
        .attr("from", of.number.jid())
        .attr("type", kind)
        .attr("id", &id)
        .attr("t", clock::now_secs())
        .attr("notify", of.name())
        .children([change])
        .build();
    let node = Arc::new(node);
    for person in people.into_iter().filter_map(|number| net.known(number)) {
        let devices: Vec<u16> = person.registry().devices.keys().copied().collect();
        for device in devices {
            let pending = Pending { class: Class::Notification, id: id.clone(), from: None, node: Arc::clone(&node), urgent: false };
            net.enqueue(&person, device, pending);
        }
    }
}
