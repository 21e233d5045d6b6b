//! How long this node may act as the owner of its sessions, by a count of its own that nobody sets.
//!
//! The database judges leases by its clock. A node that does not reach it cannot ask, so it counts itself, from the moment on in which it
//! asked for its last good renewal, and is done some seconds before another node may take anything.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// So long before the lease is over its sessions begin to end: a client that ends takes its time.
const MARGIN: Duration = Duration::from_secs(3);

/// The term of a node. It is endless until somebody says that other nodes are there.
#[derive(Debug)]
pub struct Lease {
    until: watch::Sender<Option<Instant>>,
}

impl Default for Lease {
    fn default() -> Self {
        Self { until: watch::Sender::new(None) }
    }
}

impl Lease {
    /// Other nodes are there, and the lease is good for `ttl` from the moment on in which that was asked for.
    pub fn renewed(&self, asked: Instant, ttl: Duration) {
        self.until.send_replace(Some(asked + ttl.saturating_sub(MARGIN)));
    }

    /// Nobody is there who could take a session: a database that is away ends none.
    pub fn alone(&self) {
        self.until.send_replace(None);
    }

    pub fn is_over(&self) -> bool {
        is_over(*self.until.borrow())
    }

    /// Ends when the lease is over.
    pub async fn over(&self) {
        let mut terms = self.until.subscribe();
        loop {
            let until = *terms.borrow_and_update();
            if is_over(until) {
                return;
            }
            // The sender lives as long as this. Whatever comes first, it is looked at anew.
            let changed = terms.changed();
            match until {
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
        let _ = self.until.subscribe().wait_for(|until| !is_over(*until)).await;
    }
}

fn is_over(until: Option<Instant>) -> bool {
    until.is_some_and(|until| until <= Instant::now())
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
        assert_eq!(*lease.until.borrow(), Some(asked + HOUR.saturating_sub(MARGIN)));
        assert!(!lease.is_over());
        // That this ends is the point, and that the next does.
        tokio::join!(lease.over(), async { lease.renewed(asked, MARGIN) });
        assert!(lease.is_over());
        tokio::join!(lease.good(), async { lease.renewed(asked, HOUR) });
        assert!(!lease.is_over());
    }

    #[tokio::test]
    async fn a_node_that_is_alone_has_an_endless_lease_until_others_come() {
        let lease = Lease::default();
        lease.good().await;
        lease.renewed(Instant::now(), MARGIN);
        assert!(lease.is_over());
        tokio::join!(lease.good(), async { lease.alone() });
        assert!(!lease.is_over());
        tokio::join!(lease.over(), async { lease.renewed(Instant::now(), Duration::ZERO) });
    }
}
