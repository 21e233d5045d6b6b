//! What the pump knows of the queue: what is ready, which chats rest, what is being written down.
//!
//! The order of a chat is kept: when one of its messages must wait, the later ones wait behind it, and the messages of
//! other chats go past. After a refusal of a first contact all first contacts wait for a time, and so they do where the session's pace says
//! so; then one of them tries.

mod contacts;
pub(super) mod pacer;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use wharf_api::ids::MessageId;
use wharf_api::types::hold::HoldReason;
use wharf_api::{Timestamp, limits};
use wharf_core::Backoff;
use wharf_core::message::handover::HandoverTaker;
use wharf_core::store::{Held, HoldRow, Outgoing};

use contacts::Contacts;
use pacer::Pacer;

use super::window::Window;
use crate::session::timelock::Word;

/// How many messages are read and claimed at a time.
pub(super) const PAGE: u32 = 32;
/// While so many that were read wait for others of their chats no more are read.
const READ_AHEAD: usize = 4 * PAGE as usize;
/// Rows that were not yet visible when the cursor passed them are found this much later.
const REWIND: Duration = Duration::from_secs(2);
/// How long a request waits for its message: for a shorter rest it need not be let go.
const WAITED: Duration = limits::SEND_WAIT;
/// How many tries of earlier processes count at the most. Claims are made for many messages at once, and whoever stopped or waited for an
/// overloaded server after that has counted what was never on the wire: two tries are left in any case.
const MOST_BEFORE: u32 = limits::SEND_ATTEMPTS - 2;
/// How long a try that was counted beforehand may be made. The count shows for longer than that that somebody has the message.
const COUNTED_FOR: Duration = Duration::from_mins(30);
/// How the session rests when the server is overloaded.
const SESSION_HOLD: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(5));
/// How a chat rests after a try without an answer, on a socket that lives.
const CHAT_REST: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));

/// A message with what this process knows of its tries.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) message: Outgoing,
    /// Tries that had no answer, in this process and before it.
    pub(super) tries: u32,
    /// How often it was not written although the connection seemed to be there.
    unwritten: u32,
    claimed: bool,
    /// A try may have reached WhatsApp, and nobody knows.
    pub(super) doubtful: bool,
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
    until: Until,
    items: VecDeque<Item>,
    /// Whether it rests because it is a first contact: it need not where it is none any more.
    cold: bool,
}

/// Now, by the clock that dates go by and by the one that never jumps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) clock: Timestamp,
    pub(super) steady: Instant,
}

#[derive(Clone, Copy, Debug)]
enum Until {
    /// A pause of our own.
    Steady(Instant),
    /// A date, which outlives the process.
    Clock(Timestamp),
}

impl Until {
    fn left(self, now: Moment) -> Duration {
        match self {
            Self::Steady(at) => at.saturating_duration_since(now.steady),
            Self::Clock(at) => at.since(now.clock),
        }
    }
}

/// A change of what is held back, to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Hold(HoldRow),
    Lift(Held),
}

/// What a refusal of a first contact means for the queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal {
    pub(super) reason: HoldReason,
    /// Whether the chat was a first contact.
    pub(super) cold: bool,
    /// WhatsApp's own date, where it named one: all first contacts wait for it.
    pub(super) ends: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub(in crate::session) struct Queue {
    /// Whether what an earlier process held back is known.
    pub(super) recalled: bool,
    ready: VecDeque<Item>,
    resting: HashMap<String, Resting>,
    /// How often each chat was refused in a row.
    refusals: HashMap<String, u32>,
    contacts: Contacts,
    /// The plan's pace, where one is kept.
    pub(super) pacer: Option<Pacer>,
    /// Nothing goes before that, by the pace; and whether that was written down.
    paced: Option<(Timestamp, bool)>,
    /// An earlier process had used the pace up.
    was_paced: bool,
    /// When the plan was read.
    pub(super) paced_at: Option<Instant>,
    /// What WhatsApp said of its lock last, and when.
    pub(super) lock_asked: Option<(Timestamp, Word)>,
    changes: Vec<Change>,
    /// Messages that were found to wait: whoever waits for them need not.
    waiting: Vec<MessageId>,
    /// The chats that have a message on the wire.
    flying: HashMap<String, MessageId>,
    pub(super) window: Window,
    /// The messages whose first try was counted when they were accepted, and is not made yet; with when they were read first.
    counted: HashMap<MessageId, Instant>,
    settling: HashSet<MessageId>,
    /// Those that have settled since a look began, while one is under way.
    settled_meanwhile: Option<Vec<MessageId>>,
    /// Where this process hands over what it accepts.
    pub(super) taker: Option<Arc<HandoverTaker>>,
    /// The last pump left something that only a look finds.
    pub(in crate::session) left: bool,
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
        self.settled_meanwhile = None;
        self.flying.clear();
        self.rewound_at = Some(Instant::now());
    }

    /// Whether there may be rows before the cursor that were not read.
    pub(super) fn is_behind(&self) -> bool {
        self.cursor == 0 || self.rewound_at.is_none_or(|at| at.elapsed() > REWIND)
    }

    pub(super) fn cursor(&mut self) -> i64 {
        if self.is_behind() {
            self.cursor = 0;
            self.rewound_at = Some(Instant::now());
        }
        self.cursor
    }

    /// Takes a page of the queue in. `claimed` tells of a message whether its acceptance counted its first try.
    pub(super) fn add(&mut self, rows: Vec<(i64, Outgoing)>, claimed: impl Fn(&MessageId) -> bool, now: Moment) -> Fetched {
        let Some((last, _)) = rows.last() else {
            return Fetched::Nothing;
        };
        self.cursor = *last;
        self.counted.retain(|_, since| now.steady.duration_since(*since) < COUNTED_FOR);
        for (_, message) in rows {
            if claimed(&message.id) {
                self.counted.insert(message.id.clone(), now.steady);
            }
            self.line_up(message, now);
        }
        Fetched::Something
    }

    /// Takes a message in whose acceptance has counted its first try. All that was accepted before it is known.
    pub(super) fn take_in(&mut self, message: Outgoing, now: Moment) {
        self.counted.insert(message.id.clone(), now.steady);
        self.line_up(message, now);
    }

    fn line_up(&mut self, mut message: Outgoing, now: Moment) {
        if message.expires_at <= now.clock || self.knows(&message.id) {
            return;
        }
        if let Some(chat) = self.resting.get(&message.chat) {
            if chat.until.left(now) >= WAITED {
                self.waiting.push(message.id);
            }
            return;
        }
        // A try that was refused for a time was a try, but none without an answer.
        let refused = self.refusals.get(&message.chat).copied().unwrap_or_default();
        let claimed = self.counted.contains_key(&message.id);
        message.attempts = message.attempts.saturating_sub(u32::from(claimed));
        let tries = message.attempts.saturating_sub(refused).min(MOST_BEFORE);
        self.ready.push_back(Item { tries, unwritten: 0, doubtful: tries > 0, message, claimed });
    }

    pub(super) fn knows(&self, id: &MessageId) -> bool {
        let resting = self.resting.values().flat_map(|chat| &chat.items);
        self.settling.contains(id)
            || self.flying.values().any(|flying| flying == id)
            || self.ready.iter().chain(resting).any(|item| item.message.id == *id)
    }

    /// Whether whatever comes goes at once: nothing rests, and the pace holds nothing back.
    pub(super) fn flows(&self) -> bool {
        self.resting.is_empty() && self.paced.is_none() && !self.is_paused() && !self.contacts_wait()
    }

    pub(super) fn has_room(&self) -> bool {
        self.ready.len() < READ_AHEAD
    }

    /// Whether a message may go on the wire now, beside those that are there.
    pub(super) fn has_next(&self) -> bool {
        let stranger = self.strangers_fly();
        self.ready.iter().any(|item| self.may_fly(item, stranger))
    }

    /// One of a chat at a time, so that its order is kept, and one of all first contacts: its answer is for the others too.
    fn may_fly(&self, item: &Item, stranger: bool) -> bool {
        let chat = &item.message.chat;
        let waits = self.flying.contains_key(chat) || (stranger && self.may_be_new(chat));
        !waits
    }

    fn strangers_fly(&self) -> bool {
        self.flying.keys().any(|chat| self.may_be_new(chat))
    }

    /// The message goes on the wire.
    pub(super) fn took_off(&mut self, item: &Item) {
        self.flying.insert(item.message.chat.clone(), item.message.id.clone());
        self.counted.remove(&item.message.id);
    }

    /// It is not on the wire any more.
    pub(super) fn landed(&mut self, item: &Item) {
        self.flying.remove(&item.message.chat);
    }

    pub(super) fn unclaimed(&self) -> Vec<MessageId> {
        self.ready.iter().filter(|item| !item.claimed).map(|item| item.message.id.clone()).collect()
    }

    pub(super) fn mark_claimed(&mut self) {
        self.ready.iter_mut().for_each(|item| item.claimed = true);
    }

    /// The next message that may fly. What is not claimed is not overtaken.
    pub(super) fn next_claimed(&mut self) -> Option<Item> {
        let stranger = self.strangers_fly();
        let claimed = self.ready.iter().take_while(|item| item.claimed);
        let next = claimed.enumerate().find(|(_, item)| self.may_fly(item, stranger))?.0;
        self.ready.remove(next)
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
    pub(super) fn rest_chat(&mut self, mut item: Item, now: Moment) {
        item.claimed = false;
        let rest = CHAT_REST.pause(item.tries.saturating_sub(1));
        self.rest(item, Until::Steady(now.steady + rest), false, now);
    }

    /// Lets the chat rest where the message was not written: what was claimed for that try is for the next one.
    pub(super) fn rest_unwritten(&mut self, mut item: Item, now: Moment) {
        let rest = CHAT_REST.pause(item.unwritten);
        item.unwritten += 1;
        self.rest(item, Until::Steady(now.steady + rest), false, now);
    }

    /// Lets the chat rest after a try that none of the recipient's devices could be sealed for. Their phone may upload keys soon.
    pub(super) fn rest_unkeyed(&mut self, mut item: Item, rests: Backoff, now: Moment) {
        item.claimed = false;
        let rest = rests.pause(2 * item.tries.saturating_sub(1));
        self.rest(item, Until::Steady(now.steady + rest), false, now);
    }

    /// Lets the chat rest after a refusal that time may heal: until WhatsApp's own date, or longer each time. All first contacts rest
    /// until that date too, or for `gap`: then one of them tries.
    pub(super) fn hold_new(&mut self, mut item: Item, refusal: Refusal, holds: Backoff, gap: Duration, now: Moment) {
        item.claimed = false;
        let chat = item.message.chat.clone();
        let refusals = self.refusals.entry(chat.clone()).or_default();
        let until = refusal.ends.unwrap_or(now.clock + holds.pause(*refusals));
        *refusals += 1;
        let times = *refusals;
        self.changes.push(Change::Hold(HoldRow { what: Held::Chat(chat), until, reason: refusal.reason, times }));
        // Where somebody known is refused, that says nothing of others, but for a date.
        if refusal.cold || refusal.ends.is_some() {
            self.hold_contacts(refusal.ends.unwrap_or(now.clock + gap), refusal.reason, true);
        }
        self.rest(item, Until::Clock(until), refusal.cold, now);
    }

    /// Lets the whole session rest, longer each time in a row.
    pub(super) fn hold_all(&mut self, item: Item, now: Moment) {
        // What was on the wire with the first one hears the same word.
        if let Some(until) = self.paused_until.filter(|until| *until > now.steady) {
            if until.duration_since(now.steady) >= WAITED {
                self.waiting.push(item.message.id.clone());
            }
            return self.again(item);
        }
        let rest = SESSION_HOLD.pause(self.pauses);
        self.paused_until = Some(now.steady + rest);
        self.pauses += 1;
        let until = now.clock + rest;
        self.changes.push(Change::Hold(HoldRow { what: Held::Session, until, reason: HoldReason::Overload, times: self.pauses }));
        if rest >= WAITED {
            self.waiting.push(item.message.id.clone());
        }
        self.again(item);
    }

    /// Takes in what an earlier process held back. Chats that are `known` by now were no first contacts.
    pub(super) fn recall(&mut self, holds: Vec<HoldRow>, known: &[String], now: Moment) {
        self.recalled = true;
        for HoldRow { what, until, times, reason } in holds {
            match what {
                Held::Chat(chat) => {
                    let cold = !known.contains(&chat);
                    self.resting.insert(chat.clone(), Resting { until: Until::Clock(until), items: VecDeque::new(), cold });
                    self.refusals.insert(chat, times);
                }
                Held::FirstContacts => self.recall_contacts(until, reason),
                Held::Session if reason == HoldReason::Pace => {
                    self.paced = Some((until, true));
                    self.was_paced = true;
                }
                Held::Session => {
                    self.paused_until = Some(now.steady + until.since(now.clock));
                    self.pauses = times;
                }
            }
        }
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
        }
        if std::mem::take(&mut self.pauses) > 0 {
            self.changes.push(Change::Lift(Held::Session));
        }
    }

    fn rest(&mut self, item: Item, until: Until, cold: bool, now: Moment) {
        let chat = item.message.chat.clone();
        let (later, ready) = std::mem::take(&mut self.ready).into_iter().partition(|other| other.message.chat == chat);
        self.ready = ready;
        let mut items: VecDeque<Item> = later;
        items.push_front(item);
        if until.left(now) >= WAITED {
            self.waiting.extend(items.iter().map(|item| item.message.id.clone()));
        }
        self.resting.insert(chat, Resting { until, items, cold });
    }

    /// Brings back what has rested enough.
    pub(super) fn release(&mut self, now: Moment) {
        let rested: Vec<String> =
            self.resting.iter().filter(|(_, chat)| chat.until.left(now).is_zero()).map(|(name, _)| name.clone()).collect();
        for name in rested {
            let Some(chat) = self.resting.remove(&name) else { continue };
            for item in chat.items.into_iter().rev() {
                self.ready.push_front(item);
            }
            // Messages of the chat that came while it rested were passed over.
            self.cursor = 0;
        }
        self.release_contacts(now.clock);
        if let Some((until, noted)) = self.paced
            && until <= now.clock
        {
            self.paced = None;
            self.cursor = 0;
            if noted {
                self.changes.push(Change::Lift(Held::Session));
            }
        }
    }

    /// Whether the pace lets nothing go for now.
    pub(super) fn is_paced(&self) -> bool {
        self.paced.is_some()
    }

    /// Takes what is over pace out of what is ready: it is read again later.
    pub(super) fn pace(&mut self, now: Moment) {
        let Some(mut pacer) = self.pacer.take() else { return };
        let mut begins: Option<String> = None;
        let mut pause = None;
        let (mut go, mut wait, mut ahead) = (VecDeque::new(), Vec::new(), 0);
        for item in std::mem::take(&mut self.ready) {
            let chat = &item.message.chat;
            let cost = pacer.cost(item.message.audience.len());
            if self.paced.is_some() {
                wait.push(item);
            } else if let Some(at) = pacer.message_at(ahead, cost, now.clock) {
                let noted = at.since(now.clock) >= WAITED;
                self.paced = Some((at, noted));
                if noted {
                    let (what, reason) = (Held::Session, HoldReason::Pace);
                    self.changes.push(Change::Hold(HoldRow { what, until: at, reason, times: 1 }));
                }
                wait.push(item);
            } else if !pacer.counts_contacts() || !self.is_new(chat) || pacer.has_begun(chat) || begins.as_ref() == Some(chat) {
                ahead += cost;
                go.push_back(item);
            } else if begins.is_some() || pause.is_some() {
                // One after the other, with the plan's pause between.
                wait.push(item);
            } else if let Some(at) = pacer.contact_at(now.clock) {
                pause = Some(at);
                wait.push(item);
            } else {
                begins = Some(chat.clone());
                ahead += cost;
                go.push_back(item);
            }
        }
        self.ready = go;
        self.pacer = Some(pacer);
        if let Some(at) = pause {
            self.hold_contacts(at, HoldReason::Pace, at.since(now.clock) >= WAITED);
        }
        let paced = self.paced.map_or(Duration::ZERO, |(until, _)| until.since(now.clock));
        let contacts = pause.map_or(Duration::ZERO, |at| at.since(now.clock));
        if paced.max(contacts) >= WAITED {
            self.waiting.extend(wait.into_iter().map(|item| item.message.id));
        }
    }

    /// The pace of this process's beginning.
    pub(super) fn first_pacer(&mut self, mut pacer: Pacer, now: Timestamp) {
        if std::mem::take(&mut self.was_paced) {
            pacer.assume_full(now);
        }
        self.pacer = Some(pacer);
    }

    /// The pace of a new plan: what only the old one held back goes on.
    pub(super) fn set_pacer(&mut self, pacer: Option<Pacer>) {
        if let Some((_, noted)) = self.paced.take()
            && noted
        {
            self.changes.push(Change::Lift(Held::Session));
        }
        self.forget_pace_of_contacts();
        self.cursor = 0;
        self.pacer = pacer;
    }

    /// The message goes on the wire now.
    pub(super) fn begins(&mut self, chat: &str, now: Moment, pause: Duration) {
        let Some(pacer) = &mut self.pacer else { return };
        pacer.begins(chat, now.clock, pause);
        if let Some(at) = pacer.pause_ends() {
            self.hold_contacts(at, HoldReason::Pace, at.since(now.clock) >= WAITED);
        }
    }

    /// How long until something that rests may go on.
    pub(in crate::session) fn due(&self, now: Timestamp) -> Option<Duration> {
        let now = Moment { clock: now, steady: Instant::now() };
        let chats = self.resting.values().filter(|chat| !chat.items.is_empty()).map(|chat| chat.until.left(now));
        let paced = self.paced.map(|(until, _)| until.since(now.clock));
        chats.chain(paced).chain(self.contacts_due(now.clock)).min()
    }

    /// The message's outcome is known and is being written.
    pub(super) fn settling(&mut self, item: &Item) {
        self.lift(&item.message.chat);
        self.settling.insert(item.message.id.clone());
    }

    pub(super) fn settled(&mut self, ids: &[MessageId]) {
        if let Some(meanwhile) = &mut self.settled_meanwhile {
            meanwhile.extend_from_slice(ids);
            return;
        }
        for id in ids {
            self.settling.remove(id);
        }
    }

    /// The database is being read: what settles meanwhile may come as if it were queued still.
    pub(super) fn begins_look(&mut self) {
        self.settled_meanwhile = Some(Vec::new());
    }

    /// What was read is taken in.
    pub(super) fn ends_look(&mut self) {
        let settled = self.settled_meanwhile.take().unwrap_or_default();
        self.settled(&settled);
    }
}

#[cfg(test)]
mod tests;
