//! What is heard of a connection before it means anything: whether a word was said on it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// The connections of one client, one after the other.
#[derive(Default)]
pub(crate) struct Line {
    heard: AtomicBool,
    mute_closes: AtomicU32,
}

impl Line {
    /// Another connection is opened.
    pub(super) fn dialing(&self) {
        self.heard.store(false, Ordering::Relaxed);
    }

    /// A stanza came.
    pub(super) fn heard(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// The connection was closed.
    pub(super) fn closed(&self) {
        if self.heard.load(Ordering::Relaxed) {
            self.mute_closes.store(0, Ordering::Relaxed);
        } else {
            self.mute_closes.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many connections in a row were closed without a word.
    pub(super) fn mute_closes(&self) -> u32 {
        self.mute_closes.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_begins_the_count_anew() {
        let line = Line::default();
        for _ in 0..2 {
            line.dialing();
            line.closed();
        }
        assert_eq!(line.mute_closes(), 2);
        line.dialing();
        line.heard();
        line.closed();
        assert_eq!(line.mute_closes(), 0);
    }
}
