//! A connection's bytes as hyper reads and writes them: it is known when something comes and when nothing is taken, what hyper would answer
//! by itself goes out as an envelope, and a client that still writes is let finish at the end.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

use super::bare::{self, HeadLines};
use super::idle::Times;
use super::line::Line;
use super::linger::{Bounds, Linger};
use crate::http::Http;

pub(super) struct Wire {
    http: Arc<Http>,
    reading: Reading,
    writing: OwnedWriteHalf,
    times: Times,
    /// Runs while the other side takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    http_2: bool,
    /// Of the request that comes, or that is being answered.
    head: HeadLines,
    /// What is left to write of our answer in place of hyper's own.
    instead: Option<Bytes>,
    lingering: Arc<Semaphore>,
    end: LineEnd,
    /// Its place among all connections, whoever has it in the end.
    _place: OwnedSemaphorePermit,
}

struct Reading {
    line: Arc<Line>,
    /// Nothing has come yet.
    fresh: bool,
}

enum LineEnd {
    Open,
    Lingers(Linger),
    Over,
}

impl Wire {
    pub fn new(stream: TcpStream, http: &Arc<Http>, lingering: &Arc<Semaphore>, place: OwnedSemaphorePermit) -> (Self, Arc<Line>, Times) {
        let (reading, writing) = stream.into_split();
        let line = Arc::new(Line::new(reading));
        let times = Times::new(http.limits.header_timeout, http.limits.idle_timeout, Arc::clone(&line));
        let wire = Self {
            http: Arc::clone(http),
            reading: Reading { line: Arc::clone(&line), fresh: true },
            writing,
            times: times.clone(),
            stalled: None,
            http_2: false,
            head: HeadLines::default(),
            instead: None,
            lingering: Arc::clone(lingering),
            end: LineEnd::Open,
            _place: place,
        };
        (wire, line, times)
    }

    /// What a write came to, or that it came to nothing for too long.
    fn taken<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stall = self.http.limits.stall_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the answer is not read")))
    }

    /// How a client is let finish that still writes, while there is a place.
    fn linger(&self) -> Option<Linger> {
        let still_writes = self.reading.line.is_owed() || self.instead.is_some();
        let place = still_writes.then(|| Arc::clone(&self.lingering).try_acquire_owned().ok()).flatten()?;
        Some(Linger::new(Bounds::default(), place))
    }

    /// Writes our answer for hyper's own one, of which these are `length` bytes that begin with `theirs`.
    fn write_instead(&mut self, context: &mut Context<'_>, theirs: &[u8], length: usize) -> Poll<io::Result<usize>> {
        let (http, http_2, head) = (&self.http, self.http_2, &self.head);
        let mut left = self.instead.take().unwrap_or_else(|| bare::instead(http, theirs, http_2, head));
        while !left.is_empty() {
            let written = Pin::new(&mut self.writing).poll_write(context, &left);
            match self.taken(context, written) {
                Poll::Ready(Ok(written)) => left.advance(written),
                other => {
                    self.instead = Some(left);
                    return other;
                }
            }
        }
        self.instead = Some(left);
        Poll::Ready(Ok(length))
    }
}

/// hyper lets a connection go without ending it where its last request offered another protocol (`Upgrade`), or after a fault. The writing
/// half ends with the wire; what the client still writes is read on.
impl Drop for Wire {
    fn drop(&mut self) {
        if !matches!(self.end, LineEnd::Open) {
            return;
        }
        if let (Some(mut linger), Ok(runtime)) = (self.linger(), Handle::try_current()) {
            let mut reading = Reading { line: Arc::clone(&self.reading.line), fresh: false };
            runtime.spawn(async move { poll_fn(|context| linger.poll(&mut reading, context)).await });
        }
    }
}

impl AsyncRead for Reading {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.line.socket().poll_read_ready(context))?;
            match read_now(self.line.socket(), buffer) {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

/// Whether a read that finds less than there is room for has found all, and the system tells of what comes after it. tokio's own streams go
/// by that.
const TELLS_OF_MORE: bool = cfg!(any(target_os = "linux", target_os = "android", target_os = "macos", target_os = "freebsd"));

/// Reads what is there. That nothing more is there is noted with it, which another read would find out otherwise: one for each request.
fn read_now(socket: &TcpStream, buffer: &mut ReadBuf<'_>) -> io::Result<usize> {
    let mut read = Err(io::ErrorKind::WouldBlock.into());
    // An outer try, which has seen what the system told before the read: what is told during it is not taken back.
    let _ = socket.try_io(Interest::READABLE, || {
        let room = buffer.remaining();
        read = socket.try_read_buf(buffer);
        match read {
            Ok(bytes) if TELLS_OF_MORE && (1..room).contains(&bytes) => Err(io::Error::from(io::ErrorKind::WouldBlock)),
            _ => Ok(()),
        }
    });
    read
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.reading).poll_read(context, buffer))?;
        let came = &mut buffer.filled_mut()[before..];
        if !came.is_empty() {
            self.times.heard();
            if std::mem::take(&mut self.reading.fresh) && bare::is_http_2(came) {
                self.http_2 = true;
                bare::spoil(came);
            }
            if !self.head.take(came) && !self.reading.line.is_taken() {
                self.head.look(came);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.reading.line.is_taken() {
            return self.write_instead(context, bytes, bytes.len());
        }
        self.head = HeadLines::default();
        let written = Pin::new(&mut self.writing).poll_write(context, bytes);
        self.taken(context, written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if !self.reading.line.is_taken() {
            let length = bytes.iter().map(|slice| slice.len()).sum();
            return self.write_instead(context, bytes.first().map_or(&[][..], |slice| &**slice), length);
        }
        self.head = HeadLines::default();
        let written = Pin::new(&mut self.writing).poll_write_vectored(context, bytes);
        self.taken(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.writing.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writing).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        if matches!(wire.end, LineEnd::Open) {
            ready!(Pin::new(&mut wire.writing).poll_shutdown(context))?;
            wire.end = wire.linger().map_or(LineEnd::Over, LineEnd::Lingers);
        }
        if let LineEnd::Lingers(linger) = &mut wire.end {
            ready!(linger.poll(&mut wire.reading, context));
            wire.end = LineEnd::Over;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn what_comes_after_a_read_that_found_all_is_heard_and_so_is_the_end_that_came_with_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (far, near) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (mut far, (reading, _writing)) = (far.unwrap(), near.unwrap().0.into_split());
        let mut reading = Reading { line: Arc::new(Line::new(reading)), fresh: false };
        let mut room = [0; 8];
        for part in [&b"one"[..], b"another"] {
            far.write_all(part).await.unwrap();
            assert_eq!(reading.read(&mut room).await.unwrap(), part.len());
            let still_ready = reading.line.socket().readable().now_or_never().is_some();
            assert_eq!(still_ready, !TELLS_OF_MORE, "nothing is looked for that is not there");
        }
        // The room is full, and more is there.
        far.write_all(b"too much for").await.unwrap();
        assert_eq!(reading.read(&mut room).await.unwrap(), 8);
        assert_eq!(reading.read(&mut room).await.unwrap(), 4);
        far.write_all(b"last").await.unwrap();
        far.shutdown().await.unwrap();
        assert_eq!(reading.read(&mut room).await.unwrap(), 4);
        assert_eq!(reading.read(&mut room).await.unwrap(), 0);
    }
}
