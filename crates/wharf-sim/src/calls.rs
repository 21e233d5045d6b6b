//! Calls: an offer to each device of who is called, and a word when it is over. Nothing is spoken. Owns which calls ring and at which
//! devices; they end with the process.

mod told;

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::account::lock;
use crate::address::{Address, Number};

pub(crate) use told::{Dialled, call, end, take};

/// Why nobody has to answer any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// Nobody answered in time.
    Timeout,
    /// The caller gave up.
    HungUp,
    /// The phone that was called answered it.
    Answered,
    /// The phone that was called wanted none of it.
    Rejected,
}

impl Over {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::HungUp => "hung_up",
            Self::Answered => "answered",
            Self::Rejected => "rejected",
        }
    }

    /// What the devices are told that rang in vain.
    const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Timeout => Some("timeout"),
            Self::HungUp => None,
            Self::Answered => Some("accepted_elsewhere"),
            Self::Rejected => Some("rejected_elsewhere"),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) from: Number,
    /// A person, or a group that is called together.
    pub(crate) to: Number,
    pub(crate) video: bool,
    /// The devices that said that they ring.
    pub(crate) rang: BTreeSet<Address>,
    pub(crate) over: Option<Over>,
}

/// All calls of this run, oldest first.
#[derive(Default)]
pub(crate) struct Calls(Mutex<Vec<Call>>);

impl Calls {
    /// A device says that it rings.
    pub(crate) fn rings(&self, id: &str, device: Address) {
        if let Some(call) = lock(&self.0).iter_mut().find(|call| call.id == id) {
            call.rang.insert(device);
        }
    }

    pub(crate) fn of(&self, caller: Number) -> Vec<Call> {
        lock(&self.0).iter().filter(|call| call.from == caller).cloned().collect()
    }

    /// Ends a call; `None` where none rings under this id that is `whose`.
    fn end(&self, id: &str, over: Over, whose: impl Fn(&Call) -> bool) -> Option<Call> {
        let mut calls = lock(&self.0);
        let call = calls.iter_mut().find(|call| call.id == id && call.over.is_none() && whose(call))?;
        call.over = Some(over);
        Some(call.clone())
    }
}
