//! What streams of one account that read the same have in common. However many they are, the log is read once for all of them, and
//! together they write so often at the most: each has a turn of its own, and the more sit here the rarer it comes.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use wharf_api::ids::{AccountId, EventId};
use wharf_api::types::event::EventKind;

use super::shown::{body, view};
use crate::store::{self, EventFilter, EventRow, Store};

/// How long a reader waits for the bell before it looks by itself: other nodes ring another bell.
pub const LOOK: Duration = Duration::from_secs(1);
/// How soon a look is worth while when something older is still being committed.
pub const BEHIND: Duration = Duration::from_millis(5);

/// How many events are read at a time: what a slow reader makes us hold.
const BATCH: u32 = 100;
/// How many of the last events are kept for those that have not read them yet, and in how many bytes.
const KEPT: usize = 500;
const KEPT_BYTES: usize = 1 << 20;
/// What one more reader adds to the time between two turns of each.
const EACH: Duration = Duration::from_millis(2);
const ROUND_MAX: Duration = Duration::from_secs(1);
/// Turns taken one after the other by this part of a round lie evenly in it, however many there are.
const STEP: f64 = 0.618_033_988_75;

/// An event as it is sent.
#[derive(Debug)]
pub struct Told {
    number: i64,
    pub id: EventId,
    pub kind: EventKind,
    /// JSON, without a line break.
    pub body: String,
}

/// A part of the log, as [`store::EventPage`] says.
#[derive(Debug)]
pub struct Part {
    pub events: Vec<Arc<Told>>,
    pub position: i64,
    pub more: bool,
    pub behind: bool,
}

/// The feeds of a process.
#[derive(Default)]
pub struct Feeds(Mutex<HashMap<AccountId, Vec<Weak<Feed>>>>);

impl Feeds {
    /// A seat among those who read the same.
    pub fn sit(&self, store: &dyn Store, account: &AccountId, filter: EventFilter, position: i64) -> Seat {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.retain(|_, feeds| {
            feeds.retain(|feed| feed.strong_count() > 0);
            !feeds.is_empty()
        });
        let of_account = feeds.entry(account.clone()).or_default();
        let there = of_account.iter().filter_map(Weak::upgrade).find(|feed| feed.filter == filter);
        let feed = there.unwrap_or_else(|| {
            let bell = store.bell().listen(account);
            let feed = Arc::new(Feed::new(account.clone(), filter, position, bell));
            of_account.push(Arc::downgrade(&feed));
            feed
        });
        Seat::new(feed)
    }
}

struct Feed {
    account: AccountId,
    filter: EventFilter,
    born: Instant,
    seats: AtomicU32,
    tail: tokio::sync::Mutex<FeedTail>,
}

/// The newest part of the log: all that passes the filter after `start`, up to `position`.
struct FeedTail {
    start: i64,
    position: i64,
    events: VecDeque<Arc<Told>>,
    bytes: usize,
    more: bool,
    behind: bool,
    bell: watch::Receiver<()>,
    /// When the log was looked at; never where a look was broken off.
    looked_at: Option<Instant>,
}

impl Feed {
    fn new(account: AccountId, filter: EventFilter, position: i64, bell: watch::Receiver<()>) -> Self {
        let (start, events, bytes) = (position, VecDeque::new(), 0);
        let tail = FeedTail { start, position, events, bytes, more: false, behind: false, bell, looked_at: None };
        Self { account, filter, born: Instant::now(), seats: AtomicU32::new(0), tail: tokio::sync::Mutex::new(tail) }
    }

    fn told(&self, row: &EventRow) -> Arc<Told> {
        // What cannot be read is told without what it tells: a number that is left out would look like a loss.
        let body = body(&self.account, row).or_else(|| serde_json::to_string(&view(&self.account, row)).ok()).unwrap_or_default();
        Arc::new(Told { number: row.number, id: row.id.clone(), kind: row.kind, body })
    }

    /// Reads past everybody.
    async fn read(&self, store: &dyn Store, after: i64) -> Result<Part, store::Error> {
        let found = store.list_events(&self.account, &self.filter, after, BATCH).await?;
        let events = found.rows.iter().map(|row| self.told(row)).collect();
        Ok(Part { events, position: found.position, more: found.more, behind: found.behind })
    }

    /// Reads on where the tail ends, unless somebody just did.
    async fn look(&self, store: &dyn Store, tail: &mut FeedTail) -> Result<(), store::Error> {
        let pause = if tail.behind { BEHIND } else { LOOK };
        let is_fresh = tail.looked_at.is_some_and(|at| at.elapsed() < pause);
        if is_fresh && !tail.more && matches!(tail.bell.has_changed(), Ok(false)) {
            return Ok(());
        }
        // Whoever asks may go away while it is read.
        tail.looked_at = None;
        tail.bell.mark_unchanged();
        let found = self.read(store, tail.position).await?;
        (tail.position, tail.more, tail.behind) = (found.position, found.more, found.behind);
        tail.bytes += found.events.iter().map(|told| told.body.len()).sum::<usize>();
        tail.events.extend(found.events);
        tail.looked_at = Some(Instant::now());
        Ok(())
    }
}

impl FeedTail {
    fn trim(&mut self) {
        while self.events.len() > KEPT || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.events.pop_front() else { return };
            self.bytes -= oldest.body.len();
            self.start = oldest.number;
        }
    }

    /// Nobody else reads: nothing is kept.
    fn move_to(&mut self, position: i64) {
        (self.start, self.position) = (position, position);
        self.events.clear();
        (self.bytes, self.looked_at) = (0, None);
    }

    fn after(&self, position: i64) -> Part {
        let from = self.events.partition_point(|told| told.number <= position);
        let events: Vec<Arc<Told>> = self.events.iter().skip(from).take(BATCH as usize).cloned().collect();
        let is_end = from + events.len() == self.events.len();
        let position = if is_end { self.position } else { events.last().map_or(position, |told| told.number) };
        Part { events, position, more: self.more || !is_end, behind: self.behind }
    }
}

/// One reader's place.
pub struct Seat {
    feed: Arc<Feed>,
    /// Which part of a round is over when its turn comes.
    place: f64,
}

impl Seat {
    fn new(feed: Arc<Feed>) -> Self {
        let number = feed.seats.fetch_add(1, Ordering::Relaxed);
        Self { feed, place: f64::from(number) * STEP % 1.0 }
    }

    /// The next events after a position.
    pub async fn after(&self, store: &dyn Store, position: i64) -> Result<Part, store::Error> {
        let mut tail = self.feed.tail.lock().await;
        if Arc::strong_count(&self.feed) == 1 {
            let part = self.feed.read(store, position).await?;
            tail.move_to(part.position);
            return Ok(part);
        }
        if position >= tail.position {
            self.feed.look(store, &mut tail).await?;
        }
        if position < tail.start || position > tail.position {
            drop(tail);
            return self.feed.read(store, position).await;
        }
        let part = tail.after(position);
        tail.trim();
        Ok(part)
    }

    /// How long it is until this reader's turn.
    pub fn turn(&self) -> Duration {
        self.turn_at(self.feed.born.elapsed())
    }

    fn turn_at(&self, gone: Duration) -> Duration {
        let others = u32::try_from(Arc::strong_count(&self.feed) - 1).unwrap_or(u32::MAX);
        if others == 0 {
            return Duration::ZERO;
        }
        let round = EACH.saturating_mul(others).min(ROUND_MAX).as_secs_f64();
        Duration::from_secs_f64((self.place * round - gone.as_secs_f64()).rem_euclid(round))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chance;
    use crate::chance::SystemChance;
    use crate::event::Bell;

    fn feed() -> Arc<Feed> {
        let account = (&SystemChance as &dyn Chance).account_id();
        let bell = Bell::default().listen(&account);
        Arc::new(Feed::new(account, EventFilter::default(), 10, bell))
    }

    fn told(number: i64) -> Arc<Told> {
        let id = (&SystemChance as &dyn Chance).event_id();
        Arc::new(Told { number, id, kind: EventKind::MessageSent, body: "x".repeat(1_000) })
    }

    #[test]
    fn one_reader_waits_for_nobody_and_the_turns_of_many_lie_apart() {
        let alone = Seat::new(feed());
        assert_eq!(alone.turn_at(Duration::from_secs(7)), Duration::ZERO);
        let seats: Vec<Seat> = (0..100).map(|_| Seat::new(Arc::clone(&alone.feed))).collect();
        let (gone, round) = (Duration::from_secs(7), EACH * 100);
        let mut turns: Vec<Duration> = seats.iter().map(|seat| seat.turn_at(gone)).collect();
        turns.sort();
        assert!(turns.iter().all(|turn| *turn <= round), "{turns:?}");
        let gap = turns.windows(2).map(|two| two[1].saturating_sub(two[0])).max().unwrap();
        assert!(gap < round / 25, "{gap:?}");
        // Whoever had its turn waits about a round for the next.
        let next = seats[0].turn_at(gone + seats[0].turn_at(gone) + Duration::from_micros(1));
        assert!(next + EACH > round, "{next:?}");
    }

    #[tokio::test]
    async fn the_tail_gives_what_came_after_a_position_and_forgets_the_oldest_first() {
        let feed = feed();
        let mut tail = feed.tail.lock().await;
        tail.events.extend((11..=610).map(told));
        (tail.position, tail.bytes) = (615, 600_000);
        let part = tail.after(10);
        assert_eq!((part.events.len(), part.position, part.more), (100, 110, true));
        let part = tail.after(600);
        assert_eq!((part.events.len(), part.events[0].number, part.position, part.more), (10, 601, 615, false));
        let part = tail.after(615);
        assert_eq!((part.events.len(), part.position, part.more), (0, 615, false));
        tail.trim();
        assert_eq!((tail.events.len(), tail.start, tail.bytes), (500, 110, 500_000));
        tail.events.push_back(Arc::new(Told {
            body: "x".repeat(KEPT_BYTES),
            number: 616,
            id: told(1).id.clone(),
            kind: EventKind::MessageSent,
        }));
        tail.bytes += KEPT_BYTES;
        tail.trim();
        assert_eq!((tail.events.len(), tail.start, tail.bytes), (1, 610, KEPT_BYTES));
    }
}
