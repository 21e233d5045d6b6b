//! How long a connection may say nothing, and how long it may take over a head. hyper has one time for both, and begins it when it waits for a request; a proxy that keeps connections for later
//! wants much more of the first than anybody gets of the second.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Sleep, Timer};
use tokio::time::Instant;

use super::line::Line;

/// The times of one connection. hyper asks it for a timer each time that it begins to wait for a request.
#[derive(Clone)]
pub(super) struct Times(Arc<LineTimes>);

struct LineTimes {
    head: Duration,
    idle: Duration,
    opened: std::time::Instant,
    line: Arc<Line>,
    /// Something has come since the present wait began. The task of the connection alone says so and asks.
    heard: AtomicBool,
    waiting: Mutex<WaitState>,
}

#[derive(Default)]
struct WaitState {
    /// How many requests were waited for before.
    before: u64,
    /// When that was found out. A head that comes whole has no need of it, and asks no clock.
    begun: Option<Instant>,
    /// The one alarm of the connection. A wait that ends later than it rings tells it so only then: most requests come long before, and need
    /// not take one alarm away and set another.
    alarm: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Times {
    pub fn new(head: Duration, idle: Duration, line: Arc<Line>) -> Self {
        let (opened, heard, waiting) = (Instant::now().into_std(), AtomicBool::new(false), Mutex::default());
        Self(Arc::new(LineTimes { head, idle, opened, line, heard, waiting }))
    }

    /// A byte has come.
    pub fn heard(&self) {
        self.0.heard.store(true, Ordering::Relaxed);
    }

    /// hyper waits for a request.
    fn begin(&self) -> Pin<Box<dyn Sleep>> {
        self.0.line.free();
        let mut waiting = self.waiting();
        // Who has just come has something to say.
        let patience = if waiting.before == 0 { self.0.head } else { self.0.idle };
        self.0.heard.store(false, Ordering::Relaxed);
        (waiting.before, waiting.begun) = (waiting.before + 1, None);
        drop(waiting);
        Box::pin(IdleTimer { until: Instant::now() + patience, times: self.clone() })
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, WaitState> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// hyper's own deadline is of no account: ours are.
impl Timer for Times {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Sleep>> {
        self.begin()
    }

    fn sleep_until(&self, _: std::time::Instant) -> Pin<Box<dyn Sleep>> {
        self.begin()
    }

    /// What it counts its deadline from, which no clock is asked for.
    fn now(&self) -> std::time::Instant {
        self.0.opened
    }
}

/// Ends when the connection has said nothing for too long, or not enough.
struct IdleTimer {
    until: Instant,
    times: Times,
}

impl Sleep for IdleTimer {}

impl Future for IdleTimer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut waiting = self.times.waiting();
        let waiting = &mut *waiting;
        // hyper looks here after each read that gave it no whole head.
        if self.times.0.heard.load(Ordering::Relaxed) {
            waiting.begun.get_or_insert_with(Instant::now);
        }
        let end = waiting.begun.map_or(self.until, |begun| begun + self.times.0.head);
        let alarm = waiting.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        if alarm.deadline() > end {
            alarm.as_mut().reset(end);
        }
        ready!(alarm.as_mut().poll(context));
        if alarm.deadline() < end {
            // It was set for an earlier wait.
            alarm.as_mut().reset(end);
            ready!(alarm.as_mut().poll(context));
        }
        Poll::Ready(())
    }
}
