//! A stream for as long as a web socket is opened on it. The library reads ahead, and what it has read goes with its socket: a server that
//! says something right behind its answer would not be heard, or from the middle of a frame on.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The longest answer. Whoever reads it looks it through from its beginning with each byte.
const MOST_BYTES: usize = 8 * 1024;

/// Gives one byte at a time, so that nothing behind the answer is taken.
pub(super) struct BytewiseStream<'stream, S> {
    stream: &'stream mut S,
    given: usize,
}

impl<'stream, S> BytewiseStream<'stream, S> {
    pub(super) fn new(stream: &'stream mut S) -> Self {
        Self { stream, given: 0 }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BytewiseStream<'_, S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.given == MOST_BYTES {
            return Poll::Ready(Err(io::Error::other("an answer that is too long")));
        }
        let mut byte = [0_u8];
        let mut one = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut *self.stream).poll_read(cx, &mut one))?;
        let read = one.filled();
        buf.put_slice(read);
        self.given += read.len();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BytewiseStream<'_, S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(cx)
    }
}
