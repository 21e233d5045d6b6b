//! How many messages may be on the wire at once: more with each acknowledgement that comes, fewer where none comes or the server asks for rest.

use super::verdict::Verdict;

/// How many a session begins with.
const FIRST: usize = 8;
/// How many are on the wire at the most: what waits for a commit before and after it shares that one, so a burst takes fewer of them.
const MOST: usize = 32;

/// How many may fly. It outlives the pump: a server that was slow is not met with all at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window(usize);

impl Default for Window {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Window {
    pub(super) fn has_room(self, flying: usize) -> bool {
        flying < self.0
    }

    /// Half as many after one that was not acknowledged in time or that the server was too busy for; one more after each that it took.
    pub(super) fn heed(&mut self, verdict: &Verdict) {
        self.0 = match verdict {
            Verdict::Sent => (self.0 + 1).min(MOST),
            Verdict::HoldAll | Verdict::Again { chat_rests: true } => (self.0 / 2).max(1),
            _ => self.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_fly_with_each_that_the_server_takes_up_to_a_bound() {
        let mut window = Window::default();
        assert!(window.has_room(FIRST - 1) && !window.has_room(FIRST));
        for _ in FIRST..MOST {
            window.heed(&Verdict::Sent);
        }
        assert!(window.has_room(MOST - 1));
        window.heed(&Verdict::Sent);
        assert!(!window.has_room(MOST), "that is the bound");
    }

    #[test]
    fn fewer_fly_where_the_server_is_slow_and_more_again_when_it_answers() {
        let mut window = Window::default();
        let slow = Verdict::Again { chat_rests: true };
        window.heed(&slow);
        window.heed(&Verdict::Failed(String::new()));
        assert!(window.has_room(3) && !window.has_room(4), "a refusal of the message says nothing of the server");
        for verdict in [&Verdict::HoldAll, &slow, &slow] {
            window.heed(verdict);
        }
        assert!(window.has_room(0) && !window.has_room(1), "one goes on in any case");
        for _ in 1..FIRST {
            window.heed(&Verdict::Sent);
        }
        assert_eq!(window, Window::default());
    }
}
