//! Couriers: one task for each webhook that has something to deliver, so that a slow or dead server delays nobody but itself.

mod courier;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use wharf_core::Services;

/// How often we look for what rang no bell here: what other nodes committed, and what another node left behind.
const LOOK: Duration = Duration::from_secs(1);
/// How many webhooks one look finds at the most.
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
    let office = Office {
        services: Arc::clone(services),
        node: node.into(),
        stopping: stopping.clone(),
        signals: HashMap::new(),
        tasks: JoinSet::new(),
    };
    Couriers { stopping, running: tokio::spawn(office.run()) }
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

struct Office {
    services: Arc<Services>,
    node: Arc<str>,
    stopping: CancellationToken,
    signals: HashMap<i64, Arc<Signal>>,
    tasks: JoinSet<i64>,
}

impl Office {
    async fn run(mut self) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let services = Arc::clone(&self.services);
        loop {
            tokio::select! {
                () = self.stopping.cancelled() => break,
                rang = services.store.bell().webhooks() => rang.into_iter().for_each(|number| self.wake(number)),
                _ = looks.tick() => self.look().await,
                Some(ended) = self.tasks.join_next() => self.ended(ended),
            }
        }
        while self.tasks.join_next().await.is_some() {}
    }

    async fn look(&mut self) {
        match self.services.store.due_webhooks(&self.node, self.services.clock.now(), WEBHOOKS).await {
            Ok(due) => due.into_iter().for_each(|due| self.wake(due.number)),
            Err(error) => tracing::warn!(%error, "what is to be delivered cannot be looked up; the next look comes soon"),
        }
    }

    fn wake(&mut self, number: i64) {
        if let Some(signal) = self.signals.get(&number) {
            signal.ring();
            return;
        }
        let signal = Arc::new(Signal::default());
        self.signals.insert(number, Arc::clone(&signal));
        let (services, node, stopping) = (Arc::clone(&self.services), Arc::clone(&self.node), self.stopping.clone());
        self.tasks.spawn(async move {
            courier::run(&services, &node, number, &signal, &stopping).await;
            number
        });
    }

    fn ended(&mut self, ended: Result<i64, tokio::task::JoinError>) {
        match ended {
            Ok(number) => {
                let rang = self.signals.remove(&number).is_some_and(|signal| signal.rang.load(Ordering::Acquire));
                if rang {
                    self.wake(number);
                }
            }
            Err(error) => {
                // Nobody knows whose it was: every signal without a task behind it is made anew by the next look.
                tracing::error!(%error, "a courier panicked");
                self.signals.clear();
            }
        }
    }
}
