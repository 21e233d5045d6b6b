//! How long a connection may say nothing, how long it may take over a head, and how long it may take nothing of an answer. hyper has one time for the first two, and begins it when it waits
//! for a request; a proxy that keeps connections for later wants much more of the first than anybody gets of the second.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Sleep, Timer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// The times of one connection. hyper asks it for a timer each time that it begins to wait for a request.
#[derive(Clone)]
pub(super) struct Times {
    head: Duration,
    idle: Duration,
    stall: Duration,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    /// How many requests were waited for before.
    before: u64,
    /// When the first byte came since.
    begun: Option<Instant>,
}

impl Times {
    pub fn new(head: Duration, idle: Duration, stall: Duration) -> Self {
        Self { head, idle, stall, waiting: Arc::default() }
    }

    /// The stream, whose bytes begin a head.
    pub fn watch<S>(&self, stream: S) -> Watched<S> {
        Watched { stream, times: self.clone(), stalled: None }
    }

    /// hyper waits for a request.
    fn begin(&self) -> Pin<Box<dyn Sleep>> {
        let mut waiting = self.waiting();
        // Who has just come has something to say.
        let patience = if waiting.before == 0 { self.head } else { self.idle };
        *waiting = Waiting { before: waiting.before + 1, begun: None };
        drop(waiting);
        Box::pin(Patience { sleep: Box::pin(tokio::time::sleep(patience)), idle: true, times: self.clone() })
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
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
struct Patience {
    sleep: Pin<Box<tokio::time::Sleep>>,
    idle: bool,
    times: Times,
}

impl Sleep for Patience {}

impl Future for Patience {
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

/// A stream that tells its times when something comes.
pub(super) struct Watched<S> {
    stream: S,
    times: Times,
    /// Runs while the other side takes nothing.
    stalled: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl<S> Watched<S> {
    /// What a write came to, or that it came to nothing for too long.
    fn taken<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stall = self.times.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the answer is not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.times.waiting().begun.get_or_insert_with(Instant::now);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.taken(context, written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.taken(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
