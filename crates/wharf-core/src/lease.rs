//! How long this node may act as the owner of its sessions, by a count of its own that nobody sets.
//!
//! The database judges leases by its clock. A node that does not reach it cannot ask, so it counts itself, from the moment on in which it
//! asked for its last good renewal, and is done some seconds before another node may take anything.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// So long before the lease is over its sessions begin to end: a client that ends takes its time.
const MARGIN: Duration = Duration::from_secs(3);

/// The terms of a node, one after the other. The first is endless until somebody says that other nodes are there.
#[derive(Debug)]
pub struct Lease {
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    /// Rises where a renewal comes after the end: what was taken before may be somebody else's.
    term: u64,
    until: Option<Instant>,
}

impl State {
    fn is_over(self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }

    fn has_ended(self, term: u64) -> bool {
        self.term != term || self.is_over()
    }
}

impl Default for Lease {
    fn default() -> Self {
        Self { state: watch::Sender::new(State::default()) }
    }
}

impl Lease {
    /// Other nodes are there, and the lease is good for `ttl` from the moment on in which that was asked for.
    pub fn renewed(&self, asked: Instant, ttl: Duration) {
        self.goes_on(Some(asked + ttl.saturating_sub(MARGIN)));
    }

    /// Nobody is there who could take a session, nor was lately: a database that is away ends none.
    pub fn alone(&self) {
        self.goes_on(None);
    }

    /// Every session of the node waits for the end: a renewal in time wakes none of them. Who waits for an end that is put off looks anew
    /// when that time comes.
    fn goes_on(&self, until: Option<Instant>) {
        self.state.send_if_modified(|state| {
            let begins = state.is_over();
            let ends_earlier = until.is_some_and(|until| state.until.is_none_or(|before| until < before));
            state.term += u64::from(begins);
            state.until = until;
            begins || ends_earlier
        });
    }

    pub fn is_over(&self) -> bool {
        self.state.borrow().is_over()
    }

    /// The term that is running, or the last one where the lease is over.
    pub fn term(&self) -> u64 {
        self.state.borrow().term
    }

    /// Whether that term is over. It stays so, whatever term began meanwhile.
    pub fn has_ended(&self, term: u64) -> bool {
        self.state.borrow().has_ended(term)
    }

    /// Ends when that term is over, or at once where it was over before.
    pub async fn ended(&self, term: u64) {
        let mut states = self.state.subscribe();
        loop {
            let state = *states.borrow_and_update();
            if state.has_ended(term) {
                return;
            }
            // The sender lives as long as this. Whatever comes first, it is looked at anew.
            let changed = states.changed();
            match state.until {
                Some(until) => {
                    let _ = tokio::time::timeout_at(until, changed).await;
                }
                None => {
                    let _ = changed.await;
                }
            }
        }
    }

    /// Ends when the lease is good again.
    pub async fn good(&self) {
        // The sender lives as long as this.
        let _ = self.state.subscribe().wait_for(|state| !state.is_over()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn a_lease_is_over_some_seconds_early_and_good_with_its_next_renewal() {
        let lease = Lease::default();
        let asked = Instant::now();
        lease.renewed(asked, HOUR);
        assert_eq!(lease.state.borrow().until, Some(asked + HOUR.saturating_sub(MARGIN)));
        assert!(!lease.is_over());
        // That this ends is the point, and that the next does.
        tokio::join!(lease.ended(lease.term()), async { lease.renewed(asked, MARGIN) });
        assert!(lease.is_over());
        tokio::join!(lease.good(), async { lease.renewed(asked, HOUR) });
        assert!(!lease.is_over());
    }

    #[test]
    fn a_renewal_in_time_wakes_nobody_and_an_end_that_comes_earlier_everybody() {
        let lease = Lease::default();
        let mut states = lease.state.subscribe();
        let mut wakes = || {
            let wakes = states.has_changed().unwrap();
            states.mark_unchanged();
            wakes
        };
        lease.alone();
        assert!(!wakes(), "there was no end, and there is none");
        let asked = Instant::now();
        lease.renewed(asked, HOUR);
        assert!(wakes(), "there is an end now");
        lease.renewed(asked, HOUR * 2);
        lease.alone();
        lease.alone();
        assert!(!wakes(), "it is put off");
        lease.renewed(asked, HOUR * 2);
        assert!(wakes());
        lease.renewed(asked, HOUR);
        assert!(wakes());
        lease.renewed(asked, MARGIN);
        assert!(wakes() && lease.is_over());
        lease.renewed(asked, HOUR);
        assert!(wakes(), "the next term begins");
    }

    #[tokio::test]
    async fn who_waits_for_an_end_that_was_put_off_hears_of_the_end_that_comes() {
        let lease = Lease::default();
        let soon = MARGIN + Duration::from_millis(20);
        lease.renewed(Instant::now(), soon);
        // That this ends is the point: nobody tells who waits of the second end.
        tokio::join!(lease.ended(lease.term()), async { lease.renewed(Instant::now(), soon) });
    }

    #[tokio::test]
    async fn a_node_that_is_alone_has_an_endless_lease_until_others_come() {
        let lease = Lease::default();
        lease.good().await;
        lease.renewed(Instant::now(), MARGIN);
        assert!(lease.is_over());
        tokio::join!(lease.good(), async { lease.alone() });
        assert!(!lease.is_over());
        tokio::join!(lease.ended(lease.term()), async { lease.renewed(Instant::now(), Duration::ZERO) });
    }

    #[tokio::test]
    async fn a_term_that_is_over_stays_so_whoever_looks_only_after_the_next_began() {
        let lease = Lease::default();
        let first = lease.term();
        lease.renewed(Instant::now(), HOUR);
        assert!(!lease.has_ended(first), "a renewal in time goes on with the term");
        lease.renewed(Instant::now(), Duration::ZERO);
        lease.renewed(Instant::now(), HOUR);
        assert!(!lease.is_over() && lease.has_ended(first) && !lease.has_ended(lease.term()));
        // Nobody looked while it was over.
        lease.ended(first).await;
    }
}
