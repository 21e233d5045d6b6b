//! How the stanzas of a group or of statuses name their chat and those in it.

use wacore_binary::builder::NodeBuilder;

use crate::address::{Address, Number};

/// A chat of many, as its stanzas name those in it.
#[derive(Clone, Copy)]
pub(crate) struct Crowd {
    pub(crate) chat: Number,
    /// Stanzas name people by LID, or by phone number as in old groups.
    pub(crate) by_lid: bool,
}

impl Crowd {
    pub(crate) const STATUS: Self = Self { chat: Number::STATUS, by_lid: true };

    pub(crate) fn participant(self, of: Address) -> wacore_binary::Jid {
        if self.by_lid { of.lid() } else { of.jid() }
    }

    /// From the chat: the device in the chat's addressing, and the same person's other name.
    pub(crate) fn names(self, node: NodeBuilder, from: Address) -> NodeBuilder {
        let node = node.attr("from", self.chat.jid()).attr("participant", self.participant(from));
        if self.by_lid { node.attr("participant_pn", from.number.jid()) } else { node.attr("participant_lid", from.number.lid()) }
    }
}
