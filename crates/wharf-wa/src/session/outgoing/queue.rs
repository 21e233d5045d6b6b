//! What the pump knows of the queue: what is ready, which chats rest, what is being written down.
//!
//! The order of a chat is kept: when one of its messages must wait, the later ones wait behind it, and the messages of
//! other chats go past. After a refusal of a first contact all first contacts wait, until one of them goes through.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;
use wharf_api::ids::MessageId;
use wharf_api::types::hold::HoldReason;
use wharf_api::{Timestamp, limits};
use wharf_core::message::hold::is_personal;
use wharf_core::store::{Held, HoldRow, Outgoing};

/// How many messages are read and claimed at a time.
pub(super) const PAGE: u32 = 32;
/// Rows that were not yet visible when the cursor passed them are found this much later.
const REWIND: Duration = Duration::from_secs(2);
/// How long a request waits for its message: for a shorter rest it need not be let go.
const WAITED: Duration = Duration::from_millis(limits::SEND_WAIT_MS);
/// How many chats one look at the queue asks the store about, and how long an answer «unknown» is believed.
const ASKED_AT_ONCE: usize = 64;
const STRANGER_FOR: Duration = Duration::from_secs(20);
/// How many tries of earlier processes count at the most. Claims are made for many messages at once, and whoever stopped or waited for an
/// overloaded server after that has counted what was never on the wire: two tries are left in any case.
const MOST_BEFORE: u32 = limits::SEND_ATTEMPTS - 2;
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
    /// How often it was not written although the connection seemed to be there.
    unwritten: u32,
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

/// First contacts, while they wait.
#[derive(Debug, Default)]
struct Strangers {
    /// Chats that are none.
    known: HashSet<String>,
    /// Chats that were none of the known ones when the store was asked last.
    unknown: HashMap<String, Instant>,
}

/// A change of what is held back, to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Hold { what: Held, rest: Duration, reason: HoldReason, times: u32 },
    Lift(Held),
}

#[derive(Debug, Default)]
pub(in crate::session) struct Queue {
    /// Whether what an earlier process held back is known.
    pub(super) recalled: bool,
    ready: VecDeque<Item>,
    resting: HashMap<String, Resting>,
    /// How often each chat was refused in a row.
    refusals: HashMap<String, u32>,
    strangers: Option<Strangers>,
    changes: Vec<Change>,
    /// Messages that were found to wait: whoever waits for them need not.
    waiting: Vec<MessageId>,
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
            if message.expires_at <= now || self.knows(&message.id) {
                continue;
            }
            if let Some(chat) = self.resting.get(&message.chat) {
                if chat.until.saturating_duration_since(Instant::now()) >= WAITED {
                    self.waiting.push(message.id);
                }
                continue;
            }
            // A try that was refused for a time was a try, but none without an answer.
            let refused = self.refusals.get(&message.chat).copied().unwrap_or_default();
            let tries = message.attempts.saturating_sub(refused).min(MOST_BEFORE);
            self.ready.push_back(Item { tries, unwritten: 0, message, claimed: false });
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
    pub(super) fn rest_chat(&mut self, mut item: Item, now: Instant) {
        item.claimed = false;
        let rest = growing(CHAT_REST, item.tries.saturating_sub(1));
        self.rest(item, rest, now);
    }

    /// The same where the message was not written: what was claimed for that try is for the next one.
    pub(super) fn rest_unwritten(&mut self, mut item: Item, now: Instant) {
        let rest = growing(CHAT_REST, item.unwritten);
        item.unwritten += 1;
        self.rest(item, rest, now);
    }

    /// Lets the chat rest after a refusal that time may heal, longer each time, and all first contacts with it.
    pub(super) fn hold_new(&mut self, mut item: Item, reason: HoldReason, bounds: [Duration; 2], now: Instant) {
        item.claimed = false;
        let chat = item.message.chat.clone();
        let refusals = self.refusals.entry(chat.clone()).or_default();
        let rest = growing(bounds, *refusals);
        *refusals += 1;
        let times = *refusals;
        for what in [Held::Chat(chat), Held::FirstContacts] {
            self.changes.push(Change::Hold { what, rest, reason, times });
        }
        self.strangers.get_or_insert_default();
        self.rest(item, rest, now);
    }

    /// Lets the whole session rest, longer each time in a row.
    pub(super) fn hold_all(&mut self, item: Item, now: Instant) {
        let rest = growing(SESSION_HOLD, self.pauses);
        self.paused_until = Some(now + rest);
        self.pauses += 1;
        self.changes.push(Change::Hold { what: Held::Session, rest, reason: HoldReason::Overload, times: self.pauses });
        if rest >= WAITED {
            self.waiting.push(item.message.id.clone());
        }
        self.again(item);
    }

    /// Takes in what an earlier process held back.
    pub(super) fn recall(&mut self, holds: Vec<HoldRow>, now: (Timestamp, Instant)) {
        self.recalled = true;
        let chats = holds.iter().any(|hold| matches!(hold.what, Held::Chat(_)));
        for HoldRow { what, until, times, .. } in holds {
            let left_ms = u64::try_from(until.as_millis() - now.0.as_millis()).unwrap_or(0);
            let until = now.1 + Duration::from_millis(left_ms);
            match what {
                Held::Chat(chat) => {
                    self.resting.insert(chat.clone(), Resting { until, items: VecDeque::new() });
                    self.refusals.insert(chat, times);
                }
                // One of the chats that rest is the one that tries.
                Held::FirstContacts if chats => drop(self.strangers.get_or_insert_default()),
                Held::FirstContacts => self.changes.push(Change::Lift(Held::FirstContacts)),
                Held::Session => {
                    self.paused_until = Some(until);
                    self.pauses = times;
                }
            }
        }
    }

    /// The chats of ready messages of which it has to be asked whether they are first contacts, while these wait.
    pub(super) fn to_be_asked(&self, now: Instant) -> Vec<String> {
        let Some(strangers) = &self.strangers else { return Vec::new() };
        let mut chats: Vec<String> = Vec::new();
        for item in &self.ready {
            let chat = &item.message.chat;
            let answered = strangers.unknown.get(chat).is_some_and(|at| now.duration_since(*at) < STRANGER_FOR);
            if self.may_be_stranger(chat, strangers) && !answered && !chats.contains(chat) && chats.len() < ASKED_AT_ONCE {
                chats.push(chat.clone());
            }
        }
        chats
    }

    /// Takes the answer in, and lets all first contacts wait: their messages are read again later.
    pub(super) fn sort_out(&mut self, asked: Vec<String>, known: Vec<String>, now: Instant) {
        let Some(mut strangers) = self.strangers.take() else { return };
        strangers.unknown.extend(asked.into_iter().map(|chat| (chat, now)));
        strangers.unknown.retain(|chat, _| !known.contains(chat));
        strangers.known.extend(known);
        let (wait, ready) =
            std::mem::take(&mut self.ready).into_iter().partition(|item| self.may_be_stranger(&item.message.chat, &strangers));
        self.ready = ready;
        let wait: VecDeque<Item> = wait;
        self.waiting.extend(wait.into_iter().map(|item| item.message.id));
        self.strangers = Some(strangers);
    }

    /// A chat that was refused itself is the one that tries when its time is over.
    fn may_be_stranger(&self, chat: &str, strangers: &Strangers) -> bool {
        is_personal(chat) && !strangers.known.contains(chat) && !self.refusals.contains_key(chat)
    }

    /// What is to be written down.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Messages that were found to wait for longer than anybody waits for them.
    pub(super) fn take_waiting(&mut self) -> Vec<MessageId> {
        std::mem::take(&mut self.waiting)
    }

    /// The chat's message has an outcome: whatever held it back does not any more.
    pub(super) fn lift(&mut self, chat: &str) {
        if self.refusals.remove(chat).is_some() {
            self.changes.push(Change::Lift(Held::Chat(chat.to_owned())));
            if self.strangers.take().is_some() {
                self.changes.push(Change::Lift(Held::FirstContacts));
                self.cursor = 0;
            }
        }
        if std::mem::take(&mut self.pauses) > 0 {
            self.changes.push(Change::Lift(Held::Session));
        }
    }

    fn rest(&mut self, item: Item, rest: Duration, now: Instant) {
        let chat = item.message.chat.clone();
        let (later, ready) = std::mem::take(&mut self.ready).into_iter().partition(|other| other.message.chat == chat);
        self.ready = ready;
        let mut items: VecDeque<Item> = later;
        items.push_front(item);
        if rest >= WAITED {
            self.waiting.extend(items.iter().map(|item| item.message.id.clone()));
        }
        self.resting.insert(chat, Resting { until: now + rest, items });
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
        self.lift(&item.message.chat);
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
