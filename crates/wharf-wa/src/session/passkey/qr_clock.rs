//! The library's clock for QR codes: a task of its own shows one code after the other, and ends the connection after the last. A
//! ceremony with a passkey takes minutes on that very connection, so the clock stands still meanwhile.
//!
//! The library has no switch for it. All its sleeps go through the runtime that it is given, and it tells of each code from within
//! the task that sleeps: that is how this clock knows which sleep is meant.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task;
use wacore::runtime::{AbortHandle, Runtime};
use whatsapp_rust::TokioRuntime;

use crate::awaitable::Awaitable;
use crate::session::turns::Task;

#[derive(Debug, Default)]
pub(crate) struct QrClock {
    task: Mutex<Option<task::Id>>,
    held: Awaitable<bool>,
    /// How long a code is shown, where that is not the library's business.
    life: Option<Duration>,
}

impl QrClock {
    pub(crate) fn new(life: Option<Duration>) -> Self {
        Self { life, ..Self::default() }
    }

    /// A code was shown, by the task that this is called from.
    pub(crate) fn ticks_here(&self) {
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = task::try_id();
    }

    pub(crate) fn hold(&self, held: bool) {
        self.held.change(|now| *now = held);
    }

    fn is_here(&self) -> bool {
        task::try_id().is_some_and(|id| Some(id) == *self.task.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The runtime that a client is given.
pub(crate) struct Clocked(pub(crate) Arc<QrClock>);

#[async_trait]
impl Runtime for Clocked {
    fn spawn(&self, future: Task) -> AbortHandle {
        TokioRuntime.spawn(future)
    }

    fn spawn_detached(&self, future: Task) {
        TokioRuntime.spawn_detached(future);
    }

    fn sleep(&self, duration: Duration) -> Task {
        let clock = Arc::clone(&self.0);
        // The code is shown after the sleep was made and before it is first looked at.
        Box::pin(async move {
            if !clock.is_here() {
                return tokio::time::sleep(duration).await;
            }
            tokio::time::sleep(clock.life.unwrap_or(duration)).await;
            clock.held.until(|held| (!held).then_some(())).await;
        })
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> Task {
        TokioRuntime.spawn_blocking(work)
    }

    fn yield_now(&self) -> Option<Task> {
        TokioRuntime.yield_now()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    /// A task that sleeps as the library's does; tells when it goes on.
    fn sleeper(clock: &Arc<QrClock>, shows_codes: bool, duration: Duration) -> oneshot::Receiver<()> {
        let clock = Arc::clone(clock);
        let (told, over) = oneshot::channel();
        TokioRuntime.spawn_detached(Box::pin(async move {
            let sleep = Clocked(Arc::clone(&clock)).sleep(duration);
            if shows_codes {
                clock.ticks_here();
            }
            sleep.await;
            told.send(()).unwrap();
        }));
        over
    }

    #[tokio::test]
    async fn a_held_clock_stops_the_task_that_shows_codes_and_no_other() {
        let clock = Arc::new(QrClock::default());
        clock.hold(true);
        let mut codes = sleeper(&clock, true, Duration::from_millis(1));
        sleeper(&clock, false, Duration::from_millis(50)).await.unwrap();
        assert!(codes.try_recv().is_err(), "the code's time goes on");
        clock.hold(false);
        codes.await.unwrap();
    }

    #[tokio::test]
    async fn a_clock_with_a_life_of_its_own_does_not_wait_for_the_library_s() {
        let clock = Arc::new(QrClock::new(Some(Duration::from_millis(1))));
        let mut other = sleeper(&clock, false, Duration::from_hours(1));
        sleeper(&clock, true, Duration::from_hours(1)).await.unwrap();
        assert!(other.try_recv().is_err(), "another sleep is cut short");
    }
}
