//! What the pump knows of the queue: what is ready, which chats rest, what is being written down.
//!
//! The order of a chat is kept: when one of its messages must wait, the later ones wait behind it, and the messages of
//! other chats go past.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;
use wharf_api::Timestamp;
use wharf_api::ids::MessageId;
use wharf_core::store::Outgoing;

/// How many messages are read and claimed at a time.
pub(super) const PAGE: u32 = 32;
/// Rows that were not yet visible when the cursor passed them are found this much later.
const REWIND: Duration = Duration::from_secs(2);
/// How a chat rests after a refusal that time may heal: first and longest.
const CHAT_HOLD: [Duration; 2] = [Duration::from_secs(30), Duration::from_mins(30)];
/// How the session rests when the server is overloaded.
const SESSION_HOLD: [Duration; 2] = [Duration::from_secs(1), Duration::from_mins(5)];
/// How a chat rests after a try without an answer, on a socket that lives.
const CHAT_REST: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(30)];

/// A message with what this process knows of its tries.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) message: Outgoing,
    /// Tries that had no answer, in this process and before it.
    pub(super) tries: u32,
    claimed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    /// There was something, ready or not.
    Something,
    Nothing,
}

/// A chat that rests, with its messages in order.
#[derive(Debug)]
struct Resting {
    until: Instant,
    items: VecDeque<Item>,
}

#[derive(Debug, Default)]
pub(in crate::session) struct Queue {
    ready: VecDeque<Item>,
    resting: HashMap<String, Resting>,
    /// How often each chat was refused in a row.
    refusals: HashMap<String, u32>,
    settling: HashSet<MessageId>,
    cursor: i64,
    rewound_at: Option<Instant>,
    paused_until: Option<Instant>,
    pauses: u32,
}

impl Queue {
    pub(in crate::session) fn is_paused(&self) -> bool {
        self.paused_until.is_some_and(|until| until > Instant::now())
    }

    /// Starts reading from the front again. Nothing that a pump before this one wrote down is still under way.
    pub(super) fn rewind(&mut self) {
        self.cursor = 0;
        self.settling.clear();
        self.rewound_at = Some(Instant::now());
    }

    pub(super) fn cursor(&mut self) -> i64 {
        if self.rewound_at.is_none_or(|at| at.elapsed() > REWIND) {
            self.cursor = 0;
            self.rewound_at = Some(Instant::now());
        }
        self.cursor
    }

    /// Takes a page of the queue in.
    pub(super) fn add(&mut self, rows: Vec<(i64, Outgoing)>, now: Timestamp) -> Fetched {
        let Some((last, _)) = rows.last() else {
            return Fetched::Nothing;
        };
        self.cursor = *last;
        for (_, message) in rows {
            if message.expires_at > now && !self.knows(&message.id) && !self.resting.contains_key(&message.chat) {
                self.ready.push_back(Item { tries: message.attempts, message, claimed: false });
            }
        }
        Fetched::Something
    }

    fn knows(&self, id: &MessageId) -> bool {
        let resting = self.resting.values().flat_map(|chat| &chat.items);
        self.settling.contains(id) || self.ready.iter().chain(resting).any(|item| item.message.id == *id)
    }

    pub(super) fn is_ready_empty(&self) -> bool {
        self.ready.is_empty()
    }

    pub(super) fn unclaimed(&self) -> Vec<MessageId> {
        self.ready.iter().filter(|item| !item.claimed).map(|item| item.message.id.clone()).collect()
    }

    pub(super) fn mark_claimed(&mut self) {
        self.ready.iter_mut().for_each(|item| item.claimed = true);
    }

    /// The next message, if it is claimed.
    pub(super) fn next_claimed(&mut self) -> Option<Item> {
        self.ready.pop_front_if(|item| item.claimed)
    }

    pub(super) fn put_back(&mut self, item: Item) {
        self.ready.push_front(item);
    }

    /// The message goes first when the session can send again; that is another try.
    pub(super) fn again(&mut self, mut item: Item) {
        item.claimed = false;
        self.ready.push_front(item);
    }

    /// Lets the chat rest after a try that had no answer.
    pub(super) fn rest_chat(&mut self, item: Item, now: Instant) {
        let until = now + growing(CHAT_REST, item.tries.saturating_sub(1));
        self.rest(item, until);
    }

    /// Lets the chat rest after a refusal that time may heal, longer each time.
    pub(super) fn hold_chat(&mut self, item: Item, now: Instant) {
        let refusals = self.refusals.entry(item.message.chat.clone()).or_default();
        let until = now + growing(CHAT_HOLD, *refusals);
        *refusals += 1;
        self.rest(item, until);
    }

    /// Lets the whole session rest, longer each time in a row.
    pub(super) fn hold_all(&mut self, item: Item, now: Instant) {
        self.paused_until = Some(now + growing(SESSION_HOLD, self.pauses));
        self.pauses += 1;
        self.again(item);
    }

    fn rest(&mut self, mut item: Item, until: Instant) {
        item.claimed = false;
        let chat = item.message.chat.clone();
        let (later, ready) = std::mem::take(&mut self.ready).into_iter().partition(|other| other.message.chat == chat);
        self.ready = ready;
        let mut items: VecDeque<Item> = later;
        items.push_front(item);
        self.resting.insert(chat, Resting { until, items });
    }

    /// Brings chats back that have rested enough.
    pub(super) fn release(&mut self, now: Instant) {
        let rested: Vec<String> = self.resting.iter().filter(|(_, chat)| chat.until <= now).map(|(name, _)| name.clone()).collect();
        for name in rested {
            let Some(chat) = self.resting.remove(&name) else { continue };
            for item in chat.items.into_iter().rev() {
                self.ready.push_front(item);
            }
            // Messages of the chat that came while it rested were passed over.
            self.cursor = 0;
        }
    }

    /// The message's outcome is known and is being written.
    pub(super) fn settling(&mut self, item: &Item) {
        self.refusals.remove(&item.message.chat);
        self.pauses = 0;
        self.settling.insert(item.message.id.clone());
    }

    pub(super) fn settled(&mut self, ids: &[MessageId]) {
        for id in ids {
            self.settling.remove(id);
        }
    }
}

/// Doubles from the first to the longest.
fn growing([first, longest]: [Duration; 2], times: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times.min(20))).min(longest)
}

#[cfg(test)]
mod tests;
