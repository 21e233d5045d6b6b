//! One sliding window: the instants of the calls of the last minute, so that no minute ever has more than the limit.

use std::collections::VecDeque;

use wharf_api::Timestamp;

/// How long a call counts, in milliseconds.
pub const WINDOW_MS: i64 = 60_000;
/// How finely the instants of calls are told to another node, in milliseconds.
const STEP_MS: i64 = 250;

/// Instants in order, with how many calls fell on each: never more entries than calls, nor than the window has milliseconds.
#[derive(Default)]
struct Log {
    instants: VecDeque<(i64, u64)>,
    total: u64,
}

impl Log {
    fn push(&mut self, at: i64) {
        self.total += 1;
        match self.instants.back_mut() {
            Some((last, count)) if *last == at => *count += 1,
            _ => self.instants.push_back((at, 1)),
        }
    }

    /// Puts calls in that were let in some time ago.
    fn insert(&mut self, at: i64, count: u64) {
        let place = self.instants.partition_point(|(known, _)| *known < at);
        self.total += count;
        match self.instants.get_mut(place) {
            Some((known, there)) if *known == at => *there += count,
            _ => self.instants.insert(place, (at, count)),
        }
    }

    /// Takes calls out again that were put in at that instant; none where these count no more.
    fn remove(&mut self, at: i64, count: u64) {
        let place = self.instants.partition_point(|(known, _)| *known < at);
        let Some((_, there)) = self.instants.get_mut(place).filter(|(known, _)| *known == at) else { return };
        let count = count.min(*there);
        *there -= count;
        self.total -= count;
        if *there == 0 {
            self.instants.remove(place);
        }
    }

    fn drop_while(&mut self, gone: impl Fn(i64) -> bool) {
        while let Some((at, count)) = self.instants.front().copied()
            && gone(at)
        {
            self.instants.pop_front();
            self.total -= count;
        }
    }

    /// The instant of the call with that index, the oldest being 0.
    fn nth(&self, index: u64) -> Option<i64> {
        let from_end = self.total.checked_sub(index + 1)?;
        // From the nearer end: a flood of refusals asks for the last place over and over.
        if from_end < index {
            let mut seen = 0;
            return self.instants.iter().rev().find_map(|(at, count)| {
                seen += count;
                (from_end < seen).then_some(*at)
            });
        }
        let mut seen = 0;
        self.instants.iter().find_map(|(at, count)| {
            seen += count;
            (index < seen).then_some(*at)
        })
    }

    /// After the machine's clock went back, nothing lies in the future.
    fn not_after(&mut self, now: i64) {
        for (at, _) in self.instants.iter_mut().rev().take_while(|(at, _)| *at > now) {
            *at = now;
        }
    }
}

pub(super) enum Vacancy {
    Free,
    /// The window is full; a place is free at that time.
    FreeAt(Timestamp),
}

#[derive(Default)]
pub(super) struct Window {
    calls: Log,
    /// When those who were refused were told to come back. Each is told a place of its own, so that a crowd that does
    /// as it is told is not refused a second time.
    promised: Log,
}

impl Window {
    /// Whether another call fits. Counts nothing but, where it does not fit, the promise.
    pub fn ask(&mut self, limit: u64, now: Timestamp) -> Vacancy {
        let now = now.as_millis();
        self.forget(now);
        self.promised.drop_while(|at| at <= now);
        if self.calls.total < limit {
            return Vacancy::Free;
        }
        // More promises than places help nobody: who is late in the crowd is told the last place.
        let place = (self.calls.total - limit + self.promised.total).min(self.calls.total.saturating_sub(1));
        let free_at = self.calls.nth(place).unwrap_or(now) + WINDOW_MS + 1;
        if self.promised.total < limit {
            self.promised.push(free_at);
        }
        Vacancy::FreeAt(Timestamp::from_millis(free_at))
    }

    /// Counts a call; [`Window::ask`] came before.
    pub fn take(&mut self, now: Timestamp) {
        self.calls.push(now.as_millis());
    }

    /// How many calls fit now.
    pub fn free(&mut self, limit: u64, now: Timestamp) -> u64 {
        self.forget(now.as_millis());
        self.remaining(limit)
    }

    /// Counts calls whether they fit or not.
    pub fn add(&mut self, at: Timestamp, count: u64) {
        if count > 0 {
            self.calls.insert(at.as_millis(), count);
        }
    }

    /// Counts calls no more that were added at that instant and never made.
    pub fn give_back(&mut self, at: Timestamp, count: u64) {
        self.calls.remove(at.as_millis(), count);
    }

    /// The calls that still count and came after `since`: how many milliseconds ago, and how many. Steps of [`STEP_MS`] are one, as young
    /// as its youngest.
    pub fn past(&mut self, since: Option<Timestamp>, now: Timestamp) -> Vec<(u64, u64)> {
        let now = now.as_millis();
        self.forget(now);
        let mut steps: Vec<(i64, u64)> = Vec::new();
        for (at, count) in self.calls.instants.iter().copied().filter(|(at, _)| since.is_none_or(|since| *at > since.as_millis())) {
            match steps.last_mut() {
                Some(last) if last.0.div_euclid(STEP_MS) == at.div_euclid(STEP_MS) => *last = (at, last.1 + count),
                _ => steps.push((at, count)),
            }
        }
        steps.into_iter().map(|(at, count)| (u64::try_from(now - at).unwrap_or(0), count)).collect()
    }

    fn forget(&mut self, now: i64) {
        self.calls.not_after(now);
        // A time is cut to its millisecond, so a call may be up to one millisecond younger than it looks.
        self.calls.drop_while(|at| now - at > WINDOW_MS);
    }

    pub fn remaining(&self, limit: u64) -> u64 {
        limit.saturating_sub(self.calls.total)
    }

    /// When no call counts any more.
    pub fn whole_at(&self, now: Timestamp) -> Timestamp {
        self.calls.instants.back().map_or(now, |(at, _)| Timestamp::from_millis(at + WINDOW_MS + 1))
    }

    pub fn is_whole(&self, now: Timestamp) -> bool {
        self.calls.instants.back().is_none_or(|(at, _)| now.as_millis() - at > WINDOW_MS)
    }
}
