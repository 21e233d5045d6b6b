//! Who is online and who is typing. Nothing of it is kept: it is told to those who are there, and it ends by itself.

mod told;

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

use crate::account::lock;
use crate::address::{Address, Number};
use crate::wire;

pub(crate) use told::{chatstate, devices_changed, missed, presence, set_online, show};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    Typing,
    Recording,
    Nothing,
}

impl Doing {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Typing => "typing",
            Self::Recording => "recording",
            Self::Nothing => "paused",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Typing, Self::Recording, Self::Nothing].into_iter().find(|doing| doing.name() == name)
    }

    fn of(stanza: &NodeRef<'_>) -> Self {
        match stanza.get_optional_child("composing") {
            Some(composing) if wire::is(composing, "media", "audio") => Self::Recording,
            Some(_) => Self::Typing,
            None => Self::Nothing,
        }
    }

    fn node(self) -> Node {
        match self {
            Self::Typing => NodeBuilder::new("composing").build(),
            Self::Recording => NodeBuilder::new("composing").attr("media", "audio").build(),
            Self::Nothing => NodeBuilder::new("paused").build(),
        }
    }
}

/// What somebody does in a chat, as a phone sees it.
pub(crate) struct SeenPresence {
    pub(crate) from: Number,
    pub(crate) chat: Number,
    pub(crate) doing: Doing,
}

#[derive(Default)]
struct KnownPresences {
    online: HashMap<Number, (bool, u64)>,
    /// Who asked to be told of whom.
    watchers: HashMap<Number, HashSet<Number>>,
    /// What a person does in a chat, until when.
    doing: HashMap<(Number, Number), (Doing, u64)>,
    /// The last state of a chat that a device missed, by who made it, and until when it is told.
    kept: HashMap<(Address, Number), (u64, Node)>,
    /// How often a linked device of the account said that it is there.
    announced: HashMap<Number, u64>,
}

#[derive(Default)]
pub(crate) struct Presences(Mutex<KnownPresences>);

impl Presences {
    pub(crate) fn is_online(&self, number: Number) -> bool {
        lock(&self.0).online.get(&number).is_some_and(|(online, _)| *online)
    }

    /// How often a linked device of the account said that it is there.
    pub(crate) fn announced(&self, number: Number) -> u64 {
        lock(&self.0).announced.get(&number).copied().unwrap_or(0)
    }
}
