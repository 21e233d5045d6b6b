//! What runs because time has passed. The work itself is the rules'.

pub mod audit;
pub mod canary;
pub mod clock;
pub mod couriers;
pub mod deletions;
pub mod expiry;
pub mod fetches;
pub mod lease;
pub mod media;
pub mod older_self;
pub mod overdue;
pub mod places;
pub mod readiness;
pub mod retention;
pub mod suspensions;
pub mod switches;
pub mod updates;
pub mod usage;
pub mod wake;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;
use wharf_core::{Services, door, placement};

use crate::identity::KeyFiles;

/// How long a stop waits for runs that are under way. Every run can be cut off: what it did not do is done after the next start.
const GRACE: Duration = Duration::from_secs(3);

/// How often it is said that lines of the log, or spans of traces, were dropped.
const LOG_PERIOD: Duration = Duration::from_secs(5);

/// Workers that are stopped together.
#[derive(Default)]
pub struct Workers {
    stopping: CancellationToken,
    cut: CancellationToken,
    tasks: TaskTracker,
}

/// Starts the workers that need nothing but the rules.
pub fn start(services: &Arc<Services>, keys: Option<KeyFiles>) -> Workers {
    let workers = Workers::default();
    workers.tend("what the clock shows", clock::PERIOD, services, |services| async move { clock::run(&services).await });
    let keys = keys.map(Arc::new);
    workers.every("readiness", readiness::PERIOD, services, move |services| {
        let keys = keys.clone();
        async move { readiness::run(&services, keys.as_deref()).await }
    });
    workers.every("lines of the log", LOG_PERIOD, services, |_| async {
        crate::log::tell_dropped();
        Ok(())
    });
    if crate::traces::are_on() {
        workers.every("spans of traces", LOG_PERIOD, services, |_| async {
            crate::traces::tell();
            Ok(())
        });
    }
    workers.tend("overdue messages", overdue::PERIOD, services, |services| async move { overdue::run(&services).await });
    workers.tend("lost wake-ups", wake::PERIOD, services, |services| async move { wake::run(&services).await });
    workers.tend("places of sessions", places::PERIOD, services, |services| async move { placement::tend(&services).await });
    workers.tend("switches", switches::PERIOD, services, |services| async move { switches::run(&services).await });
    workers.tend("canary sessions", canary::PERIOD, services, |services| async move { canary::run(&services).await });
    workers.tend("update notice", updates::PERIOD, services, |services| async move { updates::run(&services).await });
    workers.tend("usage", usage::PERIOD, services, |services| async move { usage::run(&services).await });
    workers.tend("audit log", audit::PERIOD, services, |services| async move { audit::run(&services).await });
    workers.tend("lost files", media::LOST_PERIOD, services, |services| async move { media::lost(&services).await });
    workers.tend("what has expired", expiry::PERIOD, services, |services| async move { expiry::run(&services).await });
    workers.tend("media", media::PERIOD, services, |services| async move { media::run(&services).await });
    workers.tend("suspended accounts", suspensions::PERIOD, services, |services| async move { suspensions::run(&services).await });
    workers.tend("deleted accounts", deletions::PERIOD, services, |services| async move { deletions::run(&services).await });
    workers.tend("old events and messages", retention::PERIOD, services, |services| async move { retention::run(&services).await });
    workers
}

impl Workers {
    /// Runs `work` at once and then every `period`, as long as the last run took or longer. A run that fails or panics
    /// is logged and does not end the worker.
    fn every<W>(&self, name: &'static str, period: Duration, services: &Arc<Services>, work: impl Fn(Arc<Services>) -> W + Send + 'static)
    where
        W: Future<Output = Result<(), wharf_core::store::Error>> + Send,
    {
        let (stopping, cut, services) = (self.stopping.clone(), self.cut.clone(), Arc::clone(services));
        let run = async move {
            let mut ticks = tokio::time::interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                let run = AssertUnwindSafe(work(Arc::clone(&services))).catch_unwind();
                let ended = tokio::select! {
                    () = cut.cancelled() => return,
                    ended = run => ended,
                };
                match ended {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        let error = format!("{:#}", anyhow::Error::from(error));
                        tracing::warn!(error, "a worker's run failed; it runs again later");
                    }
                    Err(_) => tracing::error!("a worker's run panicked; it runs again later"),
                }
            }
        };
        self.tasks.spawn(run.instrument(tracing::error_span!("worker", work = name)));
    }

    /// Runs what reads or writes rows: while the node is unfit its runs are left out.
    fn tend<F, W>(&self, name: &'static str, period: Duration, services: &Arc<Services>, work: F)
    where
        F: Fn(Arc<Services>) -> W + Send + Sync + 'static,
        W: Future<Output = Result<(), wharf_core::store::Error>> + Send,
    {
        let work = Arc::new(work);
        self.every(name, period, services, move |services| {
            let work = Arc::clone(&work);
            async move {
                match door::pass(&services).await {
                    Ok(()) => work(services).await,
                    Err(door::Error::Shut) => Ok(()),
                    Err(door::Error::Store(error)) => Err(error),
                }
            }
        });
    }

    /// Lets the runs that are under way end, for a while.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.tasks.close();
        if tokio::time::timeout(GRACE, self.tasks.wait()).await.is_err() {
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }
}
