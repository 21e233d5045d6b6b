//! How long a connection may say nothing, and how long it may take over a head. hyper has one time for both, and begins it when it waits for a request; a proxy that keeps connections for later
//! wants much more of the first than anybody gets of the second.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Sleep, Timer};
use tokio::time::Instant;

use super::line::Line;

/// The times of one connection. hyper asks it for a timer each time that it begins to wait for a request.
#[derive(Clone)]
pub(super) struct Times {
    head: Duration,
    idle: Duration,
    line: Arc<Line>,
    waiting: Arc<Mutex<WaitState>>,
}

#[derive(Default)]
struct WaitState {
    /// How many requests were waited for before.
    before: u64,
    /// When the first byte came since.
    begun: Option<Instant>,
}

impl Times {
    pub fn new(head: Duration, idle: Duration, line: Arc<Line>) -> Self {
        Self { head, idle, line, waiting: Arc::default() }
    }

    /// A byte has come.
    pub fn heard(&self) {
        self.waiting().begun.get_or_insert_with(Instant::now);
    }

    /// hyper waits for a request.
    fn begin(&self) -> Pin<Box<dyn Sleep>> {
        self.line.free();
        let mut waiting = self.waiting();
        // Who has just come has something to say.
        let patience = if waiting.before == 0 { self.head } else { self.idle };
        *waiting = WaitState { before: waiting.before + 1, begun: None };
        drop(waiting);
        Box::pin(IdleTimer { sleep: Box::pin(tokio::time::sleep(patience)), idle: true, times: self.clone() })
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, WaitState> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
}

/// Ends when the connection has said nothing for too long, or not enough.
struct IdleTimer {
    sleep: Pin<Box<tokio::time::Sleep>>,
    idle: bool,
    times: Times,
}

impl Sleep for IdleTimer {}

impl Future for IdleTimer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // hyper looks here after each read that gave it no whole head.
        let begun = self.times.waiting().begun.filter(|_| self.idle);
        if let Some(begun) = begun {
            let deadline = begun + self.times.head;
            self.idle = false;
            self.sleep.as_mut().reset(deadline);
        }
        self.sleep.as_mut().poll(context)
    }
}
