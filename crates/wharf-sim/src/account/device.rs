//! One linked device as the server knows it: keys, connection, and the stanzas it has not acknowledged.

use std::collections::VecDeque;
use std::sync::Arc;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::bundle::{Bundle, PublicKeys};
use crate::address::Address;
use crate::connection::handle::Handle;
use crate::{clock, keys, wire};

/// The families of stanzas a device acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Message,
    Receipt,
    Notification,
    Call,
    /// A family that no client knows.
    Unheard,
}

impl Class {
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Receipt => "receipt",
            Self::Notification => "notification",
            Self::Call => "call",
            Self::Unheard => "unheard",
        }
    }

    pub(crate) fn from_tag(tag: &str) -> Option<Self> {
        [Self::Message, Self::Receipt, Self::Notification, Self::Call, Self::Unheard].into_iter().find(|class| class.tag() == tag)
    }
}

/// A stanza that is kept until the device acknowledges it.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) class: Class,
    pub(crate) id: String,
    /// Who it is from; `None` for the server itself.
    pub(crate) from: Option<Address>,
    pub(crate) node: Arc<Node>,
    /// Goes out before the device is active.
    pub(crate) urgent: bool,
}

pub(crate) struct Device {
    pub(crate) id: u16,
    pub(crate) key_index: u32,
    pub(crate) platform: String,
    pub(crate) noise_public: [u8; 32],
    pub(crate) keys: PublicKeys,
    pub(crate) one_time: VecDeque<(u32, [u8; 32])>,
    /// What the device signed at pairing; part of each of its bundles.
    pub(crate) signed_identity: Vec<u8>,
    pub(crate) key_share_sent: bool,
    pub(crate) pending: VecDeque<Pending>,
    pub(crate) handle: Option<Handle>,
    /// Between its `active` request and its disconnect.
    pub(crate) active: bool,
    /// It says that its person is there: the phone gets no push notices meanwhile.
    pub(crate) available: bool,
}

impl Device {
    /// Takes one one-time key; without one the bundle still works.
    pub(crate) fn take_bundle(&mut self) -> Bundle {
        Bundle { keys: self.keys.clone(), one_time: self.one_time.pop_front(), device_identity: Some(self.signed_identity.clone()) }
    }

    /// Tells the device that the server has few of its one-time keys left.
    pub(crate) fn ask_for_keys(&mut self) {
        let id = keys::stanza_id();
        let node = NodeBuilder::new("notification")
            .attr("from", wire::server())
            .attr("type", "encrypt")
            .attr("id", &id)
            .attr("t", clock::now_secs())
            .children([NodeBuilder::new("count").attr("value", self.one_time.len()).build()])
            .build();
        self.enqueue(Pending { class: Class::Notification, id, from: None, node: Arc::new(node), urgent: false });
    }

    /// Keeps a stanza and sends it when the device listens.
    pub(crate) fn enqueue(&mut self, pending: Pending) {
        if let Some(handle) = &self.handle
            && (self.active || pending.urgent)
        {
            handle.send(Arc::clone(&pending.node));
        }
        self.pending.push_back(pending);
    }

    /// Forgets what was acknowledged; gives true when there was something.
    pub(crate) fn acknowledge(&mut self, class: Class, id: &str, from: Option<Address>) -> bool {
        let before = self.pending.len();
        let matches = |pending: &Pending| {
            pending.class == class
                && pending.id == id
                && match (pending.from, from) {
                    (Some(sent), Some(acked)) => sent.number == acked.number,
                    _ => true,
                }
        };
        // Acknowledgements come mostly in order, so the front is the common case.
        if self.pending.front().is_some_and(matches) {
            self.pending.pop_front();
        }
        self.pending.retain(|pending| !matches(pending));
        self.pending.len() != before
    }
}
