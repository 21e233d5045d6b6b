//! One sliding window: the instants of the calls of the last minute, so that no minute ever has more than the limit.

use std::collections::VecDeque;

use wharf_api::Timestamp;

/// How long a call counts, in milliseconds.
pub const WINDOW_MS: i64 = 60_000;

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

pub(super) enum Verdict {
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
    pub fn ask(&mut self, limit: u64, now: Timestamp) -> Verdict {
        let now = now.as_millis();
        self.calls.not_after(now);
        // A time is cut to its millisecond, so a call may be up to one millisecond younger than it looks.
        self.calls.drop_while(|at| now - at > WINDOW_MS);
        self.promised.drop_while(|at| at <= now);
        if self.calls.total < limit {
            return Verdict::Free;
        }
        // More promises than places help nobody: who is late in the crowd is told the last place.
        let place = (self.calls.total - limit + self.promised.total).min(self.calls.total.saturating_sub(1));
        let free_at = self.calls.nth(place).unwrap_or(now) + WINDOW_MS + 1;
        if self.promised.total < limit {
            self.promised.push(free_at);
        }
        Verdict::FreeAt(Timestamp::from_millis(free_at))
    }

    /// Counts a call; [`Window::ask`] came before.
    pub fn take(&mut self, now: Timestamp) {
        self.calls.push(now.as_millis());
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
