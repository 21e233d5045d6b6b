//! Couriers: one task for each webhook that has something to deliver, so that a slow or dead server delays nobody but itself.

mod courier;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{Id, JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use wharf_core::{Services, door};

/// How often we look for what rang no bell here: what other nodes committed, and what another node left behind.
const LOOK: Duration = Duration::from_secs(1);
/// How many webhooks one query tells.
const WEBHOOKS: u32 = 10_000;

/// Tells a courier that there is something new for it.
#[derive(Default)]
struct Signal {
    rang: AtomicBool,
    notify: Notify,
}

impl Signal {
    /// Wakes the courier once, however often it rings until the courier has time for it.
    fn ring(&self) {
        if !self.rang.swap(true, Ordering::AcqRel) {
            self.notify.notify_one();
        }
    }
}

/// The couriers of this process.
pub struct Couriers {
    stopping: CancellationToken,
    running: JoinHandle<()>,
}

pub fn start(services: &Arc<Services>, node: String) -> Couriers {
    let stopping = CancellationToken::new();
    let dispatcher =
        Dispatcher { services: Arc::clone(services), node: node.into(), stopping: stopping.clone(), assignments: Assignments::default() };
    Couriers { stopping, running: tokio::spawn(dispatcher.run()) }
}

impl Couriers {
    /// Begins nothing new, lets what is under way end for a few seconds, and writes down how it ended.
    pub async fn stop(self) {
        self.stopping.cancel();
        if let Err(error) = self.running.await {
            tracing::error!(%error, "the couriers ended in disorder");
        }
    }
}

struct Dispatcher {
    services: Arc<Services>,
    node: Arc<str>,
    stopping: CancellationToken,
    assignments: Assignments,
}

/// Which courier works on what: never two on one webhook.
#[derive(Default)]
struct Assignments {
    signals: HashMap<i64, Arc<Signal>>,
    tasks: JoinSet<()>,
    webhooks: HashMap<Id, i64>,
}

impl Dispatcher {
    async fn run(mut self) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let services = Arc::clone(&self.services);
        loop {
            tokio::select! {
                () = self.stopping.cancelled() => break,
                rang = services.store.bell().webhooks() => rang.into_iter().for_each(|number| self.wake(number)),
                _ = looks.tick() => self.look().await,
                Some(again) = self.assignments.ended() => again.into_iter().for_each(|number| self.wake(number)),
            }
        }
        while self.assignments.ended().await.is_some() {}
    }

    async fn look(&mut self) {
        if door::known(&self.services).is_err() {
            return;
        }
        let mut after = 0;
        loop {
            let due = match self.services.store.due_webhooks(&self.node, self.services.clock.now(), after, WEBHOOKS).await {
                Ok(due) => due,
                Err(error) => {
                    tracing::warn!(%error, "what is to be delivered cannot be looked up; the next look comes soon");
                    return;
                }
            };
            after = due.last().map_or(after, |due| due.number);
            let is_last = due.len() < WEBHOOKS as usize;
            for due in due {
                self.wake(due.number);
            }
            if is_last {
                return;
            }
        }
    }

    fn wake(&mut self, number: i64) {
        // A fit node finds what is due by itself.
        if door::known(&self.services).is_err() {
            return;
        }
        let (services, node, stopping) = (Arc::clone(&self.services), Arc::clone(&self.node), self.stopping.clone());
        self.assignments.wake(number, |signal| async move { courier::run(&services, &node, number, &signal, &stopping).await });
    }
}

impl Assignments {
    /// Rings for the webhook's courier, or has one begin.
    fn wake<C: Future<Output = ()> + Send + 'static>(&mut self, number: i64, courier: impl FnOnce(Arc<Signal>) -> C) {
        if let Some(signal) = self.signals.get(&number) {
            signal.ring();
            return;
        }
        let signal = Arc::new(Signal::default());
        self.signals.insert(number, Arc::clone(&signal));
        // Its name is known when its row was read.
        let span = tracing::error_span!("webhook", id = tracing::field::Empty);
        let task = self.tasks.spawn(courier(signal).instrument(span));
        self.webhooks.insert(task.id(), number);
    }

    /// Waits until a courier ends; tells its webhook where somebody rang in the last moment. `None` where none is at work.
    async fn ended(&mut self) -> Option<Option<i64>> {
        let ended = self.tasks.join_next_with_id().await?;
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        let number = self.webhooks.remove(&id);
        let signal = number.and_then(|number| self.signals.remove(&number));
        if let Err(error) = ended {
            // The next look finds what it did not do: at once it would only panic again.
            tracing::error!(%error, "a courier panicked");
            return Some(None);
        }
        Some(number.filter(|_| signal.is_some_and(|signal| signal.rang.load(Ordering::Acquire))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_courier_that_panics_leaves_the_others_their_webhooks() {
        let mut assignments = Assignments::default();
        assignments.wake(1, |signal| async move { signal.notify.notified().await });
        assignments.wake(2, |_| async { panic!("a trap for the test: this panic is wanted") });
        assert_eq!(assignments.ended().await, Some(None));
        assert_eq!(assignments.signals.keys().collect::<Vec<_>>(), [&1]);
        assignments.wake(1, |_| async { panic!("the webhook has a courier") });
        assert_eq!(assignments.tasks.len(), 1);
        // Its own webhook may have another one.
        assignments.wake(2, |_| std::future::ready(()));
        assert_eq!(assignments.tasks.len(), 2);
        let mut ends = [assignments.ended().await, assignments.ended().await];
        ends.sort_unstable();
        assert_eq!(ends, [Some(None), Some(Some(1))], "the first was rung for and ended without a look at that");
        assert_eq!(assignments.ended().await, None);
        assert!(assignments.signals.is_empty() && assignments.webhooks.is_empty());
    }
}
