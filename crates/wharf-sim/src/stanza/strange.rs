//! Stanzas as a later WhatsApp might send them: no client of today knows what they mean, and each must be acknowledged all the same, or
//! it comes again with every connection.

use std::sync::Arc;

use serde::Deserialize;
use wacore_binary::builder::NodeBuilder;

use crate::account::Account;
use crate::account::device::{Class, Pending};
use crate::address::{Address, Number};
use crate::network::Net;
use crate::{clock, keys, wire};

/// The place where something is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Strange {
    /// The stanza itself.
    Tag,
    /// What a notification is about.
    Notification,
    /// What the server says by the way. Nobody acknowledges that.
    Ib,
    /// How a message is sealed.
    Enc,
}

/// Gives the number of devices that get it.
pub(crate) fn send(net: &Net, account: &Arc<Account>, strange: Strange) -> usize {
    let devices: Vec<u16> = account.registry().devices.keys().copied().collect();
    for device in &devices {
        let id = keys::stanza_id();
        let (class, from, node) = match strange {
            Strange::Ib => {
                let word = NodeBuilder::new("ib").attr("from", wire::server()).children([NodeBuilder::new("unheard_of").build()]).build();
                if let Some(handle) = account.registry().devices.get(device).and_then(|device| device.handle.clone()) {
                    handle.send(word);
                }
                continue;
            }
            Strange::Tag => (Class::Unheard, None, plain(Class::Unheard.tag(), &id).attr("from", wire::server()).build()),
            Strange::Notification => {
                let node = plain("notification", &id).attr("from", wire::server()).attr("type", "unheard_of");
                (Class::Notification, None, node.children([NodeBuilder::new("whatever").build()]).build())
            }
            Strange::Enc => {
                let sender = Address::phone(SENDER);
                let node = plain("message", &id).attr("from", sender.jid()).attr("sender_lid", sender.lid()).attr("type", "text");
                let sealed = NodeBuilder::new("enc").attr("v", "9").attr("type", "unheard_of").bytes(vec![1, 2, 3]).build();
                (Class::Message, Some(sender), node.children([sealed]).build())
            }
        };
        net.enqueue(account, *device, Pending { class, id, from, node: Arc::new(node), urgent: false });
    }
    devices.len()
}

/// Who writes what nobody can read.
const SENDER: Number = Number(15_550_001_002);

fn plain(tag: &'static str, id: &str) -> NodeBuilder {
    NodeBuilder::new(tag).attr("id", id).attr("t", clock::now_secs())
}
