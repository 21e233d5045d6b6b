//! What a courier has taken and not sent yet, and how it takes more.
//!
//! Reads go on beside requests and writes, so a read may still show as due what was written down meanwhile: an event is known
//! until every read that began before its result was written has been merged.

use std::collections::{HashSet, VecDeque};

use wharf_api::ids::SessionId;
use wharf_core::store::{DueDelivery, UnreadableDelivery};

/// How many deliveries wait before their order gives way to speed.
pub(super) const BUSY: usize = 32;
/// With fewer than this queued the next ones are taken, while the requests under way go on.
const LOW: usize = 64;
/// How many first tries and how many repeats are taken at a time.
const FIRST: u32 = 256;
const REPEATS: u32 = 32;

#[derive(Default)]
pub(super) struct Backlog {
    queue: VecDeque<DueDelivery>,
    /// The events that are queued, under way or not written down yet.
    known: HashSet<i64>,
    /// Those of them that were written down while a read was under way.
    settled: Vec<i64>,
    /// The first tries up to this event were taken in this pass over them; 0 where the next read begins a pass.
    after: i64,
    /// The last read did not find the end.
    more: bool,
}

/// What a read asks for.
#[derive(Clone, Copy)]
pub(super) struct BacklogWish {
    pub after: i64,
    pub first: u32,
    pub repeats: u32,
}

impl BacklogWish {
    /// What cannot be read fills none of the places that were asked for: what stands behind it is still to be read.
    pub fn without(self, unreadable: &[UnreadableDelivery]) -> Self {
        let count = |is_first: bool| unreadable.iter().filter(|lost| (lost.tries == 0) == is_first).count();
        let less = |places: u32, count: usize| places.saturating_sub(u32::try_from(count).unwrap_or(u32::MAX));
        Self { first: less(self.first, count(true)), repeats: less(self.repeats, count(false)), ..self }
    }
}

/// What a read found.
pub(super) struct Taken {
    pub due: Vec<DueDelivery>,
    pub wish: BacklogWish,
}

impl Backlog {
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub fn is_low(&self) -> bool {
        self.queue.len() < LOW
    }

    /// What is known comes again, but for the first tries of this pass.
    pub fn wish(&self) -> BacklogWish {
        let known = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        let first = if self.after == 0 { FIRST.saturating_add(known) } else { FIRST };
        BacklogWish { after: self.after, first, repeats: REPEATS.saturating_add(known) }
    }

    /// Has an event known that is never queued, until it is settled; tells whether it was not known before.
    pub fn knows_from_now_on(&mut self, event: i64) -> bool {
        self.known.insert(event)
    }

    /// Queues what is not known yet; tells whether there may be more.
    pub fn take(&mut self, taken: Taken) -> bool {
        let Taken { due, wish } = taken;
        let firsts = due.iter().filter(|delivery| delivery.tries == 0);
        let (count, last) = firsts.fold((0, 0), |(count, last), delivery| (count + 1, delivery.event.number.max(last)));
        let end = count < wish.first as usize;
        self.more = !end || due.len() - count >= wish.repeats as usize;
        self.after = if end { 0 } else { last };
        for delivery in due {
            if self.known.insert(delivery.event.number) {
                self.queue.push_back(delivery);
            }
        }
        for event in self.settled.drain(..) {
            self.known.remove(&event);
        }
        // A pass of several reads that found its end begins anew: what was committed late, or made due again, stands before it.
        self.more || wish.after > 0
    }

    /// Forgets what was written down. A read that is under way may not have seen it.
    pub fn settle(&mut self, events: impl Iterator<Item = i64>, reading: bool) {
        if reading {
            self.settled.extend(events);
        } else {
            for event in events {
                self.known.remove(&event);
            }
        }
    }

    /// The next delivery that may go out now. `flies` tells whether something of a session is under way.
    pub fn next(&mut self, flies: impl Fn(&Option<SessionId>) -> bool) -> Option<DueDelivery> {
        let in_order = self.queue.len() < BUSY && !self.more;
        let place = self.queue.iter().position(|delivery| !in_order || !flies(&delivery.event.session))?;
        self.queue.remove(place)
    }
}

#[cfg(test)]
mod tests {
    use wharf_api::Timestamp;
    use wharf_api::types::event::EventKind;
    use wharf_core::Chance;
    use wharf_core::chance::SystemChance;
    use wharf_core::store::EventRow;

    use super::*;

    fn due(number: i64, tries: u32, session: &SessionId) -> DueDelivery {
        let chance: &dyn Chance = &SystemChance;
        let (id, at) = (chance.event_id(), Timestamp::from_millis(1));
        let event =
            EventRow { number, id, session: Some(session.clone()), sequence: number, kind: EventKind::SessionQr, at, data: "{}".into() };
        DueDelivery { event, tries }
    }

    fn lost(event: i64) -> UnreadableDelivery {
        UnreadableDelivery { event, tries: 0, why: String::new() }
    }

    fn session() -> SessionId {
        let chance: &dyn Chance = &SystemChance;
        chance.session_id()
    }

    fn numbers(backlog: &mut Backlog) -> Vec<i64> {
        std::iter::from_fn(|| backlog.next(|_| false)).map(|delivery| delivery.event.number).collect()
    }

    #[test]
    fn what_a_read_shows_again_because_it_began_before_the_write_is_not_queued_again() {
        let (mut backlog, session) = (Backlog::default(), session());
        let wish = backlog.wish();
        backlog.take(Taken { due: vec![due(1, 0, &session), due(2, 0, &session)], wish });
        assert_eq!(numbers(&mut backlog), [1, 2]);
        let early = backlog.wish();
        backlog.settle([1].into_iter(), true);
        backlog.take(Taken { due: vec![due(1, 0, &session), due(2, 0, &session), due(3, 0, &session)], wish: early });
        assert_eq!(numbers(&mut backlog), [3]);
        // What was settled then may become due again.
        let wish = backlog.wish();
        backlog.take(Taken { due: vec![due(1, 1, &session), due(2, 0, &session)], wish });
        assert_eq!(numbers(&mut backlog), [1]);
    }

    #[test]
    fn a_long_backlog_is_read_in_one_pass_and_then_from_its_beginning_once_more() {
        let (mut backlog, session) = (Backlog::default(), session());
        let first = i64::from(FIRST);
        let wish = backlog.wish();
        assert!(backlog.take(Taken { due: (1..=first).map(|number| due(number, 0, &session)).collect(), wish }));
        assert_eq!((backlog.wish().after, backlog.is_low()), (first, false));
        let wish = backlog.wish();
        assert!(backlog.take(Taken { due: vec![due(first + 1, 0, &session)], wish }), "what was committed late is looked for");
        assert_eq!(backlog.wish().after, 0);
        let wish = backlog.wish();
        assert!(!backlog.take(Taken { due: Vec::new(), wish }));
        assert_eq!(numbers(&mut backlog).len(), FIRST as usize + 1);
    }

    #[test]
    fn what_stands_behind_a_page_that_cannot_be_read_is_read_as_well() {
        let (mut backlog, session) = (Backlog::default(), session());
        let first = i64::from(FIRST);
        let (wish, page) = (backlog.wish(), (1..=first).map(lost).collect::<Vec<_>>());
        assert!(page.iter().all(|lost| backlog.knows_from_now_on(lost.event)));
        assert!(!backlog.knows_from_now_on(1), "it is given up once");
        assert!(backlog.take(Taken { due: Vec::new(), wish: wish.without(&page) }), "more may stand behind it");
        let wish = backlog.wish();
        assert_eq!((wish.after, wish.first), (0, FIRST * 2), "the page is not written down yet, and comes again");
        let due = vec![due(first + 1, 0, &session)];
        assert!(!backlog.take(Taken { due, wish: wish.without(&page) }));
        assert_eq!(numbers(&mut backlog), [first + 1]);
        // Once it is written down it may be tried again.
        backlog.settle(1..=first, false);
        assert!(backlog.knows_from_now_on(1));
    }

    #[test]
    fn a_sessions_events_go_one_after_the_other_until_too_many_wait() {
        let (mut backlog, one, two) = (Backlog::default(), session(), session());
        let wish = backlog.wish();
        backlog.take(Taken { due: vec![due(1, 0, &one), due(2, 0, &two)], wish });
        let flies = |session: &Option<SessionId>| session.as_ref() == Some(&one);
        assert_eq!(backlog.next(flies).unwrap().event.number, 2);
        assert!(backlog.next(flies).is_none());
        let wish = backlog.wish();
        backlog.take(Taken { due: (3..40).map(|number| due(number, 0, &one)).collect(), wish });
        assert_eq!(backlog.next(flies).unwrap().event.number, 1);
    }
}
