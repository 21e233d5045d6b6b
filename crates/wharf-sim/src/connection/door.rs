//! Where a connection goes that asks for more than a page on the protocol's own port.

use std::io::Cursor;

use axum::serve::Listener;
use tokio::io::{Chain, Join, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// A connection behind its first bytes, which were read to see what it wants.
pub(crate) type Stream = Join<Chain<Cursor<Vec<u8>>, ReadHalf<Raw>>, WriteHalf<Raw>>;
/// With TLS or without it, as the client likes.
pub(super) type Raw = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Hands connections in.
pub(crate) struct Door(mpsc::Sender<Stream>);

/// Connections that ask for more than a page, as they come.
pub(crate) struct Caller(mpsc::Receiver<Stream>);

impl Door {
    pub(crate) fn new() -> (Self, Caller) {
        let (sender, receiver) = mpsc::channel(16);
        (Self(sender), Caller(receiver))
    }

    pub(super) async fn enter(&self, stream: Stream) {
        let _ = self.0.send(stream).await;
    }
}

impl Listener for Caller {
    type Io = Stream;
    type Addr = ();

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.0.recv().await {
            Some(stream) => (stream, ()),
            // The network stops.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(())
    }
}
