//! First contacts: who is one, and until when they wait.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;
use wharf_api::Timestamp;
use wharf_api::types::hold::HoldReason;
use wharf_core::message::hold::{is_contact, is_personal};
use wharf_core::store::{Held, HoldRow};

use super::{Change, Moment, Queue, Until};
use crate::session::timelock::Word;

/// How many chats one look at the queue asks the store about, and how long an answer «unknown» is believed.
const ASKED_AT_ONCE: usize = 64;
const STRANGER_FOR: Duration = Duration::from_secs(20);
/// How many chats are remembered not to be first contacts.
const KNOWN_KEPT: usize = 10_000;

#[derive(Debug)]
struct Wait {
    until: Timestamp,
    reason: HoldReason,
    /// Whether it is written down.
    noted: bool,
}

#[derive(Debug, Default)]
pub(super) struct Contacts {
    wait: Option<Wait>,
    /// Chats that are no first contacts.
    known: HashSet<String>,
    /// Chats that were none of the known ones when the store was asked last.
    unknown: HashMap<String, Instant>,
}

impl Queue {
    /// Whether the chat is a first contact, as far as the store was asked.
    pub(in crate::session::outgoing) fn is_stranger(&self, chat: &str) -> bool {
        is_personal(chat) && !self.contacts.known.contains(chat)
    }

    /// Whether the chat is new to the pace, which counts groups too.
    pub(in crate::session::outgoing) fn is_new(&self, chat: &str) -> bool {
        is_contact(chat, HoldReason::Pace) && !self.contacts.known.contains(chat)
    }

    /// Whether it may be one by any reckoning. What is not known is taken for new until a message got through.
    pub(super) fn may_be_new(&self, chat: &str) -> bool {
        self.is_stranger(chat) || self.is_new(chat)
    }

    /// The chats of which the store has to be asked whether they are first contacts; of all that are ready where `all`.
    pub(in crate::session::outgoing) fn to_be_asked(&self, now: Moment, all: bool) -> Vec<String> {
        let all = all || self.contacts.wait.is_some() || self.pacer.is_some();
        let ready = self.ready.iter().filter(|_| all).map(|item| &item.message.chat);
        let cold = self.resting.iter().filter(|(_, chat)| chat.cold).map(|(name, _)| name);
        let mut chats: Vec<String> = Vec::new();
        for chat in ready.chain(cold) {
            let answered = self.contacts.unknown.get(chat).is_some_and(|at| now.steady.duration_since(*at) < STRANGER_FOR);
            let may_be = if self.pacer.is_some() { self.is_new(chat) } else { self.is_stranger(chat) };
            if chats.len() < ASKED_AT_ONCE && may_be && !answered && !chats.contains(chat) {
                chats.push(chat.clone());
            }
        }
        chats
    }

    /// Takes the answer in, and while first contacts wait lets them: their messages are read again later.
    pub(in crate::session::outgoing) fn sort_out(&mut self, asked: Vec<String>, known: Vec<String>, now: Moment) {
        let contacts = &mut self.contacts;
        if !asked.is_empty() {
            contacts.unknown.retain(|_, at| now.steady.duration_since(*at) < STRANGER_FOR);
            contacts.unknown.extend(asked.into_iter().filter(|chat| !known.contains(chat)).map(|chat| (chat, now.steady)));
        }
        if contacts.known.len() > KNOWN_KEPT {
            contacts.known.clear();
        }
        for chat in known {
            // Whoever wrote to us is no first contact any more.
            if let Some(resting) = self.resting.get_mut(&chat).filter(|resting| resting.cold) {
                resting.until = Until::Clock(now.clock);
                resting.cold = false;
            }
            self.contacts.known.insert(chat);
        }
        let Some(wait) = &self.contacts.wait else { return };
        let (lets_go, reason) = (wait.noted, wait.reason);
        // What stands behind a message on the wire stays: that one may make the chat known, and what comes later would go before what is
        // read again.
        let waits = |chat: &String| is_contact(chat, reason) && !self.contacts.known.contains(chat) && !self.flying.contains_key(chat);
        let (wait, ready): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.ready).into_iter().partition(|item| waits(&item.message.chat));
        self.ready = ready;
        if lets_go {
            self.waiting.extend(wait.into_iter().map(|item| item.message.id));
        }
    }

    /// What WhatsApp says of its lock, by itself or asked.
    pub(in crate::session::outgoing) fn hear(&mut self, word: Word, gap: Duration, now: Moment) {
        match word {
            Word::On(ends) => {
                let ends = ends.filter(|ends| *ends > now.clock);
                self.hold_contacts(ends.unwrap_or(now.clock + gap), HoldReason::ReachoutTimelock, true);
            }
            Word::Off => {
                if self.contacts.wait.as_ref().is_some_and(|wait| wait.reason == HoldReason::ReachoutTimelock) {
                    self.lift_contacts();
                    // Their own hold was for the lock.
                    for chat in self.resting.values_mut().filter(|chat| chat.cold) {
                        chat.until = Until::Clock(now.clock);
                    }
                }
            }
        }
    }

    /// First contacts wait until then. A wait for the pace does not shorten one that WhatsApp asked for.
    pub(super) fn hold_contacts(&mut self, until: Timestamp, reason: HoldReason, noted: bool) {
        let earlier = self.contacts.wait.take();
        if let Some(wait) = earlier {
            if reason == HoldReason::Pace && (wait.reason != HoldReason::Pace || wait.until > until) {
                self.contacts.wait = Some(wait);
                return;
            }
            if wait.noted && !noted {
                self.changes.push(Change::Lift(Held::FirstContacts));
            }
        }
        self.contacts.wait = Some(Wait { until, reason, noted });
        if noted {
            self.changes.push(Change::Hold(HoldRow { what: Held::FirstContacts, until, reason, times: 1 }));
        }
    }

    pub(super) fn recall_contacts(&mut self, until: Timestamp, reason: HoldReason) {
        self.contacts.wait = Some(Wait { until, reason, noted: true });
    }

    /// Their time is over: the first of them tries.
    pub(super) fn release_contacts(&mut self, now: Timestamp) {
        if self.contacts.wait.as_ref().is_some_and(|wait| wait.until <= now) {
            self.lift_contacts();
        }
    }

    pub(super) fn forget_pace_of_contacts(&mut self) {
        if self.contacts.wait.as_ref().is_some_and(|wait| wait.reason == HoldReason::Pace) {
            self.lift_contacts();
        }
    }

    fn lift_contacts(&mut self) {
        if let Some(wait) = self.contacts.wait.take() {
            self.cursor = 0;
            if wait.noted {
                self.changes.push(Change::Lift(Held::FirstContacts));
            }
        }
    }

    pub(super) fn contacts_wait(&self) -> bool {
        self.contacts.wait.is_some()
    }

    pub(super) fn contacts_due(&self, now: Timestamp) -> Option<Duration> {
        self.contacts.wait.as_ref().map(|wait| wait.until.since(now))
    }

    /// The network took a message to the chat.
    pub(in crate::session::outgoing) fn got_through(&mut self, chat: &str) {
        if is_contact(chat, HoldReason::Pace) && self.contacts.known.len() <= KNOWN_KEPT {
            self.contacts.known.insert(chat.to_owned());
        }
    }
}
