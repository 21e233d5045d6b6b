//! One connection as its requests see it: which of them is being answered, what is left of its body, and whether the client still reads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use crate::http::rest::Rest;

/// The reading half of a connection, and where it stands.
pub(in crate::http) struct Line {
    socket: OwnedReadHalf,
    used: Mutex<LineUse>,
}

/// What a connection is used for.
#[derive(Default)]
enum LineUse {
    /// The next request is waited for.
    #[default]
    Free,
    /// A request is being answered that has no body.
    Whole,
    /// A request is being answered that has a body, of which this is left.
    Body(Arc<Rest>),
}

/// How a client left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Left {
    /// It has ended its half, and may read on.
    Half,
    Gone,
}

impl Line {
    pub fn new(socket: OwnedReadHalf) -> Self {
        Self { socket, used: Mutex::default() }
    }

    pub fn socket(&self) -> &TcpStream {
        self.socket.as_ref()
    }

    /// A request is being answered from now on. If it has a body, this is left of it.
    pub fn take(&self, rest: Option<Arc<Rest>>) {
        *self.used() = rest.map_or(LineUse::Whole, LineUse::Body);
    }

    /// The next request is waited for.
    pub fn free(&self) {
        *self.used() = LineUse::Free;
    }

    /// Whether a request is being answered.
    pub fn is_taken(&self) -> bool {
        !matches!(*self.used(), LineUse::Free)
    }

    /// Whether the client still has something to say of the request that is being answered.
    pub fn is_owed(&self) -> bool {
        matches!(&*self.used(), LineUse::Body(rest) if !rest.is_over())
    }

    /// Until the client has ended its half or is gone, after a request that it has sent whole.
    pub async fn left(&self) -> Left {
        match self.socket().peek(&mut [0]).await {
            Ok(0) => Left::Half,
            // The next request: who has more to ask is there.
            Ok(_) => std::future::pending().await,
            Err(_) => Left::Gone,
        }
    }

    /// Until a client that has ended its half turns out to be gone: it refuses what is written to it.
    pub async fn gone(&self) {
        let _ = self.socket.ready(Interest::ERROR).await;
    }

    fn used(&self) -> MutexGuard<'_, LineUse> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
