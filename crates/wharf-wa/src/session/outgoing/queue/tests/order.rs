//! Whatever becomes of tries, in whatever order: each chat keeps its order, and nothing is lost or sent twice.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const CHATS: [&str; 4] = ["a", "b", "new@s.whatsapp.net", "other@s.whatsapp.net"];
/// How many rows are read at a time: few, so that many pages are.
const ROWS: usize = 4;

#[derive(Clone, Copy, Debug)]
enum QueueStep {
    /// Three more messages are accepted.
    Accept,
    Fetch,
    TakeOff,
    /// What was sent is written down.
    Settle,
    Pass,
    Sent,
    Again,
    Unanswered,
    Unwritten,
    Refused,
}

use QueueStep::{Accept, Again, Fetch, Pass, Refused, Sent, Settle, TakeOff, Unanswered, Unwritten};

/// A queue with its store and its wire, both in memory.
struct TriedQueue {
    queue: Queue,
    rows: Vec<(i64, &'static str)>,
    accepted: usize,
    /// Written down as sent: no page has them any more.
    settled: BTreeSet<i64>,
    flying: Vec<Item>,
    /// In the order of sending.
    sent: Vec<i64>,
    /// Chats that a message got through to.
    reached: BTreeSet<String>,
    seconds: u64,
}

fn number(item: &Item) -> i64 {
    item.message.wa_id[4..].parse().unwrap()
}

impl TriedQueue {
    fn new(chats: &[usize]) -> Self {
        let rows = (1..).zip(chats.iter().map(|chat| CHATS[*chat])).collect();
        let (settled, reached) = (BTreeSet::new(), BTreeSet::new());
        Self { queue: Queue::default(), rows, accepted: 0, settled, flying: Vec::new(), sent: Vec::new(), reached, seconds: 0 }
    }

    fn now(&self) -> Moment {
        after(self.seconds)
    }

    fn step(&mut self, step: QueueStep, which: prop::sample::Index) -> Result<(), TestCaseError> {
        match step {
            Accept => self.accepted = (self.accepted + 3).min(self.rows.len()),
            Fetch => self.fetch(),
            TakeOff => self.take_off()?,
            Settle => self.settle(),
            Pass => self.pass(which.index(60) as u64 + 1),
            Sent | Again | Unanswered | Unwritten | Refused if self.flying.is_empty() => {}
            Sent | Again | Unanswered | Unwritten | Refused => {
                let item = self.flying.swap_remove(which.index(self.flying.len()));
                self.land(item, step);
            }
        }
        Ok(())
    }

    fn fetch(&mut self) {
        let (after, now) = (self.queue.cursor(), self.now());
        let queued = self.rows[..self.accepted].iter().filter(|(number, _)| *number > after && !self.settled.contains(number));
        let lasting = |(number, chat): &(i64, &'static str)| {
            let message = Outgoing { expires_at: Timestamp::from_millis(i64::MAX / 2), ..row(*number, chat).1 };
            (*number, message)
        };
        let page = queued.take(ROWS).map(lasting).collect();
        self.queue.add(page, unclaimed, now);
    }

    /// Whether it is the first message to somebody.
    fn is_first(&self, item: &Item) -> bool {
        item.message.chat.contains('@') && !self.reached.contains(&item.message.chat)
    }

    fn take_off(&mut self) -> Result<(), TestCaseError> {
        self.queue.mark_claimed();
        let Some(item) = self.queue.next_claimed() else { return Ok(()) };
        let (own, chat) = (number(&item), item.message.chat.as_str());
        prop_assert!(!self.sent.contains(&own), "{own} is sent a second time");
        prop_assert!(self.flying.iter().all(|other| other.message.chat != chat), "two of {chat} fly");
        prop_assert!(!self.is_first(&item) || !self.flying.iter().any(|other| self.is_first(other)), "two first contacts fly");
        let mut before = self.rows.iter().filter(|(number, of)| *of == chat && *number < own);
        prop_assert!(before.all(|(number, _)| self.sent.contains(number)), "{own} overtakes another one of {chat}");
        self.queue.took_off(&item);
        self.flying.push(item);
        Ok(())
    }

    fn land(&mut self, mut item: Item, how: QueueStep) {
        let now = self.now();
        self.queue.landed(&item);
        match how {
            Again => {
                item.tries += 1;
                self.queue.again(item);
            }
            Unanswered => {
                item.tries += 1;
                self.queue.rest_chat(item, now);
            }
            Unwritten => self.queue.rest_unwritten(item, now),
            Refused => self.queue.hold_new(item, Refusal { reason: REASON, cold: false, ends: None }, HOLD, GAP, now),
            _ => {
                self.queue.got_through(&item.message.chat);
                self.queue.settling(&item);
                self.sent.push(number(&item));
                self.reached.insert(item.message.chat);
            }
        }
    }

    fn settle(&mut self) {
        let new: Vec<i64> = self.sent.iter().copied().filter(|number| !self.settled.contains(number)).collect();
        let ids: Vec<MessageId> = new.iter().map(|number| row(*number, "").1.id).collect();
        self.queue.settled(&ids);
        self.settled.extend(new);
    }

    fn pass(&mut self, seconds: u64) {
        self.seconds += seconds;
        let now = self.now();
        self.queue.release(now);
    }

    /// Whatever was before, from now on every try goes well.
    fn drain(&mut self) -> Result<(), TestCaseError> {
        self.accepted = self.rows.len();
        for _ in 0..=self.rows.len() {
            // The longest hold is shorter.
            self.pass(3_600);
            for _ in 0..=self.rows.len() {
                self.fetch();
            }
            for _ in 0..CHATS.len() {
                self.take_off()?;
            }
            for item in std::mem::take(&mut self.flying) {
                self.land(item, Sent);
            }
            self.settle();
        }
        Ok(())
    }
}

fn any_steps() -> impl Strategy<Value = Vec<(QueueStep, prop::sample::Index)>> {
    let often = [Fetch, TakeOff, TakeOff];
    let all = [Accept, Settle, Pass, Sent, Again, Unanswered, Unwritten, Refused].into_iter().chain(often).collect::<Vec<_>>();
    prop::collection::vec((prop::sample::select(all), any::<prop::sample::Index>()), 0..120)
}

proptest! {
    #[test]
    fn every_message_is_sent_once_and_in_the_order_of_its_chat_whatever_becomes_of_tries(
        chats in prop::collection::vec(0_usize..4, 1..20),
        steps in any_steps(),
    ) {
        let mut tried = TriedQueue::new(&chats);
        for (step, which) in steps {
            tried.step(step, which)?;
        }
        tried.drain()?;
        let all: BTreeSet<i64> = tried.rows.iter().map(|(number, _)| *number).collect();
        prop_assert_eq!(tried.sent.len(), all.len(), "{:?} of {:?}", &tried.sent, &all);
        prop_assert_eq!(tried.sent.into_iter().collect::<BTreeSet<_>>(), all);
    }
}
