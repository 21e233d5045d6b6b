//! From the commit to the wire without a look at the database: what this process accepts for a session whose queue it empties itself.
//!
//! Whatever any node accepts for a session draws numbers from the session's row, which is locked to the end of the commit. So whoever finds
//! the number there that this process left last knows that nobody else has accepted anything in between. Where it is another one, or a
//! message was accepted that does not go at once, the taker looks into the database, which is always right: a look too many is only that.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use wharf_api::ids::{MessageId, SessionId};

use crate::store::Outgoing;

/// How many messages wait to be taken. With more than that a look is as good.
const MOST_WAITING: usize = 256;
/// How many messages are remembered as gone until whoever accepted them has asked.
const MOST_GONE: usize = 1_024;

/// Numbers that a commit of this process has drawn for a session, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnNumbers {
    pub session: SessionId,
    /// The number that was there before.
    pub from: i64,
    /// The last one that was drawn.
    pub to: i64,
    pub accepted: Option<NewlyAccepted>,
}

/// A message that was accepted under the last of these numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewlyAccepted {
    /// Its acceptance counted its first try.
    Goes(Outgoing),
    /// It stays in the database until somebody looks.
    Waits,
}

/// What was handed over since the last time.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct HandedOver {
    /// In the order of their acceptance; nothing where there is to be a look.
    pub messages: Vec<Outgoing>,
    /// The database may have messages that were not handed over. It is said once: a look that begins from now on finds them.
    pub look: bool,
}

/// One session's.
#[derive(Debug, Default)]
struct HandoverLine {
    state: Mutex<LineState>,
    rung: Notify,
}

#[derive(Debug, Default)]
struct LineState {
    /// The number that the last commit of this process has left.
    last: Option<i64>,
    /// Somebody takes.
    open: bool,
    due: HandedOver,
    /// What was handed over, or comes with the look that is due, and its acceptor has not asked yet.
    gone: HashSet<MessageId>,
}

impl LineState {
    /// Tells whether the taker has something new.
    fn draw(&mut self, DrawnNumbers { from, to, accepted, .. }: DrawnNumbers) -> bool {
        let follows = self.last == Some(from);
        self.last = self.last.max(Some(to));
        if !self.open {
            return false;
        }
        let full = self.due.messages.len() >= MOST_WAITING;
        if !follows || full || matches!(accepted, Some(NewlyAccepted::Waits)) {
            self.due = HandedOver { messages: Vec::new(), look: true };
        }
        // Whoever accepted another one wakes the session himself.
        let Some(NewlyAccepted::Goes(message)) = accepted else { return false };
        if self.gone.len() >= MOST_GONE {
            self.gone.clear();
        }
        self.gone.insert(message.id.clone());
        if !self.due.look {
            self.due.messages.push(message);
        }
        true
    }

    fn is_empty(&self) -> bool {
        self.due.messages.is_empty() && !self.due.look
    }
}

type Lines = Arc<Mutex<HashMap<SessionId, Arc<HandoverLine>>>>;

/// The lines of one process.
#[derive(Debug, Default)]
pub struct Handover(Lines);

impl Handover {
    /// The line of a session, for the one who empties its queue. It is there until he drops it, or somebody asks for another one.
    pub fn line(&self, session: &SessionId) -> HandoverTaker {
        let line = Arc::<HandoverLine>::default();
        lock(&self.0).insert(session.clone(), Arc::clone(&line));
        HandoverTaker { lines: Arc::clone(&self.0), session: session.clone(), line }
    }

    /// Takes in what a commit has drawn, in its order; before anybody is answered. Gives those who are to be rung then.
    pub fn commit(&self, drawn: Vec<DrawnNumbers>) -> HandoverRing {
        let mut ring = HandoverRing::default();
        if drawn.is_empty() {
            return ring;
        }
        let lines = lock(&self.0);
        for numbers in drawn {
            let Some(line) = lines.get(&numbers.session) else { continue };
            if lock(&line.state).draw(numbers) && !ring.0.iter().any(|other| Arc::ptr_eq(other, line)) {
                ring.0.push(Arc::clone(line));
            }
        }
        ring
    }

    /// Whether a message that was just accepted has gone to whoever empties the session's queue: he need not be woken then. It is said
    /// once.
    pub fn has_gone(&self, session: &SessionId, id: &MessageId) -> bool {
        let line = lock(&self.0).get(session).cloned();
        line.is_some_and(|line| lock(&line.state).gone.remove(id))
    }
}

/// Those who have something to take.
#[derive(Debug, Default)]
pub struct HandoverRing(Vec<Arc<HandoverLine>>);

impl HandoverRing {
    pub fn ring(self) {
        for line in self.0 {
            line.rung.notify_one();
        }
    }
}

/// Whoever empties a session's queue, at his end of the line.
#[derive(Debug)]
pub struct HandoverTaker {
    lines: Lines,
    session: SessionId,
    line: Arc<HandoverLine>,
}

impl HandoverTaker {
    /// Begins to take. What was accepted before is found by a look, which is to begin after this.
    pub fn open(&self) {
        let mut state = lock(&self.line.state);
        state.open = true;
        state.due = HandedOver::default();
    }

    pub fn take(&self) -> HandedOver {
        std::mem::take(&mut lock(&self.line.state).due)
    }

    /// Waits until there may be something to take.
    pub async fn rung(&self) {
        self.line.rung.notified().await;
    }

    /// Ends, where there is nothing to take. Tells whether that was so.
    pub fn close_if_empty(&self) -> bool {
        let mut state = lock(&self.line.state);
        let empty = state.is_empty();
        state.open &= !empty;
        empty
    }

    /// Ends in any case. Tells whether something was left, which only a look finds now.
    pub fn close(&self) -> bool {
        let mut state = lock(&self.line.state);
        state.open = false;
        let left = !state.is_empty();
        state.due = HandedOver::default();
        left
    }
}

impl Drop for HandoverTaker {
    fn drop(&mut self) {
        let mut lines = lock(&self.lines);
        if lines.get(&self.session).is_some_and(|line| Arc::ptr_eq(line, &self.line)) {
            lines.remove(&self.session);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use wharf_api::Timestamp;

    use super::*;
    use crate::samples::{message, session};

    fn outgoing(number: u128) -> Outgoing {
        Outgoing {
            id: message(number),
            wa_id: number.to_string(),
            chat: "a".to_owned(),
            payload: Vec::new(),
            audience: Vec::new(),
            attempts: 1,
            accepted_at: Timestamp::from_millis(0),
            expires_at: Timestamp::from_millis(1),
        }
    }

    /// The commit of a message that goes.
    fn goes(from: i64, number: u128) -> Vec<DrawnNumbers> {
        vec![DrawnNumbers { session: session(1), from, to: from + 1, accepted: Some(NewlyAccepted::Goes(outgoing(number))) }]
    }

    /// A commit that draws a number for something else.
    fn other(from: i64) -> Vec<DrawnNumbers> {
        vec![DrawnNumbers { session: session(1), from, to: from + 1, accepted: None }]
    }

    fn ids(handed: &HandedOver) -> Vec<MessageId> {
        handed.messages.iter().map(|message| message.id.clone()).collect()
    }

    /// A line whose taker knows all up to number 1.
    fn known(hub: &Handover) -> HandoverTaker {
        let taker = hub.line(&session(1));
        hub.commit(other(0)).ring();
        taker.open();
        taker
    }

    #[tokio::test]
    async fn what_follows_on_what_this_process_wrote_is_handed_over_in_its_order_and_rings() {
        let hub = Handover::default();
        let taker = known(&hub);
        hub.commit([goes(1, 1), other(2), goes(3, 2)].concat()).ring();
        assert!(taker.rung().now_or_never().is_some());
        let handed = taker.take();
        assert!(!handed.look);
        assert_eq!(ids(&handed), [message(1), message(2)]);
        assert_eq!(taker.take(), HandedOver::default());
        assert!(hub.has_gone(&session(1), &message(1)) && !hub.has_gone(&session(1), &message(1)), "it is said once");
        hub.commit(other(4)).ring();
        assert!(taker.rung().now_or_never().is_none(), "nobody is rung for what is no message");
    }

    #[test]
    fn behind_what_somebody_else_wrote_there_is_a_look_and_nothing_is_handed_over_before_it() {
        let hub = Handover::default();
        let taker = known(&hub);
        hub.commit([goes(1, 1), goes(3, 2), goes(4, 3)].concat()).ring();
        assert_eq!(taker.take(), HandedOver { messages: Vec::new(), look: true });
        assert!(hub.has_gone(&session(1), &message(3)), "it comes with the look");
        hub.commit(goes(5, 4)).ring();
        assert_eq!(ids(&taker.take()), [message(4)], "and what follows is handed over again");
    }

    #[test]
    fn a_message_that_waits_is_looked_for_and_its_acceptor_wakes_the_session() {
        let hub = Handover::default();
        let taker = known(&hub);
        let waits = DrawnNumbers { session: session(1), from: 1, to: 2, accepted: Some(NewlyAccepted::Waits) };
        hub.commit(vec![waits]).ring();
        assert!(taker.take().look && !hub.has_gone(&session(1), &message(1)));
    }

    #[test]
    fn of_a_session_of_which_nothing_is_known_the_first_message_is_looked_for() {
        let hub = Handover::default();
        let taker = hub.line(&session(1));
        taker.open();
        hub.commit(goes(7, 1)).ring();
        assert!(taker.take().look);
    }

    #[test]
    fn nothing_is_handed_over_to_nobody_and_what_is_left_at_the_end_is_told() {
        let hub = Handover::default();
        hub.commit(goes(0, 1)).ring();
        let taker = known(&hub);
        assert!(taker.close_if_empty());
        hub.commit(goes(1, 2)).ring();
        assert!(!hub.has_gone(&session(1), &message(2)), "whoever accepted it wakes the session");
        taker.open();
        hub.commit(goes(2, 3)).ring();
        assert!(!taker.close_if_empty() && taker.close() && !taker.close());
        taker.open();
        assert_eq!(taker.take(), HandedOver::default(), "it was to be looked for at the beginning");
    }

    #[test]
    fn too_many_are_looked_for() {
        let hub = Handover::default();
        let taker = known(&hub);
        for number in 0..=MOST_WAITING {
            hub.commit(goes(1 + i64::try_from(number).unwrap(), number as u128)).ring();
        }
        assert_eq!(taker.take(), HandedOver { messages: Vec::new(), look: true });
    }

    #[test]
    fn a_line_ends_with_its_taker_and_not_with_the_one_before() {
        let hub = Handover::default();
        let before = hub.line(&session(1));
        let taker = known(&hub);
        drop(before);
        hub.commit(goes(1, 1)).ring();
        assert_eq!(ids(&taker.take()), [message(1)]);
        drop(taker);
        assert!(!hub.has_gone(&session(1), &message(1)));
    }
}
