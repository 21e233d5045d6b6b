//! One client connection from the first byte to the last: WebSocket, Noise, frames. Owns the ciphers and the order of what is written;
//! what a stanza means is decided elsewhere.

pub(crate) mod door;
pub(crate) mod handle;
mod hands;
mod opening;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_websockets::{Message, WebSocketStream};
use wacore_binary::OwnedNodeRef;
use wacore_noise::NoiseCipher;
use wacore_noise::framing::{FrameDecoder, append_frame_into};

use crate::network::Net;
use crate::noise::responder::{self, Secured};
use crate::stanza::{self, Session};
use crate::stats::count;

use door::Stream;
use handle::{Handle, Out};

pub(crate) use hands::serve as serve_callers;

/// How long a client that was told that its stream ends has to hang up. One that sees the end of the connection first may never read why.
const FAREWELL: Duration = Duration::from_secs(2);

/// What is to happen when a batch has been written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    Close,
    Farewell,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    WebSocket(#[from] tokio_websockets::Error),
    #[error(transparent)]
    Handshake(#[from] responder::Error),
    #[error("the client closed before the handshake ended")]
    Closed,
    #[error("not a client of this protocol")]
    Header,
    #[error("frame: {0}")]
    Frame(String),
}

type Socket = WebSocketStream<Stream>;

pub(crate) async fn accept(net: Arc<Net>, listener: TcpListener) {
    loop {
        let stream = tokio::select! {
            () = net.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = stream else { continue };
        // A client waits for each answer; without this it would wait for the other side's delayed acknowledgement too.
        let _ = stream.set_nodelay(true);
        let net = Arc::clone(&net);
        net.tasks.clone().spawn(async move {
            net.stats.connected.fetch_add(1, Ordering::Relaxed);
            if let Err(error) = serve(&net, stream).await {
                tracing::debug!(%error, "connection ended");
            }
            net.stats.connected.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

async fn serve(net: &Arc<Net>, stream: TcpStream) -> Result<(), Error> {
    // Whoever has not said a word by the end is not waited for.
    let stream = tokio::select! {
        () = net.stop.cancelled() => return Ok(()),
        stream = opening::socket_or_page(net, stream) => stream?,
    };
    let Some(stream) = stream else { return Ok(()) };
    let (queue, outbox) = mpsc::unbounded_channel();
    let handle = Handle { id: net.next_connection.fetch_add(1, Ordering::Relaxed), queue, cut: net.versions.string() };
    let cut = handle.cut.clone();
    let (socket, frames, secured) = tokio::select! {
        () = cut.cancelled() => return Ok(()),
        opened = opening::handshake(net, stream) => opened?,
    };
    let Secured { pattern, client_static, payload, read, write } = secured;
    tracing::debug!(pattern, "handshake done");
    let session = Session::open(net, handle, client_static, &payload);
    let mut line = Line { socket, frames, read, read_counter: 0, write, write_counter: 0, outbox, cut, faults: net.faults.watch() };
    let ended = line.run(&session).await;
    session.closed();
    ended
}

/// The encrypted phase of a connection.
struct Line {
    socket: Socket,
    frames: FrameDecoder,
    read: NoiseCipher,
    read_counter: u32,
    write: NoiseCipher,
    write_counter: u32,
    outbox: mpsc::UnboundedReceiver<Out>,
    cut: CancellationToken,
    faults: watch::Receiver<u64>,
}

impl Line {
    async fn run(&mut self, session: &Session) -> Result<(), Error> {
        let cut = self.cut.clone();
        // The client may have put its first stanzas behind its last handshake message.
        self.take_frames(session)?;
        let mut first = None;
        loop {
            if session.stalled() {
                tokio::select! {
                    () = cut.cancelled() => return Ok(()),
                    _ = self.faults.changed() => continue,
                }
            }
            let (batch, then) = self.collect(session, first.take())?;
            if !batch.is_empty() {
                tokio::select! {
                    () = cut.cancelled() => return Ok(()),
                    sent = self.socket.send(Message::binary(Bytes::from(batch))) => sent?,
                }
            }
            if then == Then::Farewell {
                tokio::select! {
                    () = cut.cancelled() => return Ok(()),
                    _ = tokio::time::timeout(FAREWELL, self.hung_up()) => {}
                }
            }
            if then != Then::GoOn {
                let _ = self.socket.close().await;
                return Ok(());
            }
            tokio::select! {
                () = cut.cancelled() => return Ok(()),
                out = self.outbox.recv() => first = out,
                message = self.socket.next() => {
                    let Some(message) = message else { return Ok(()) };
                    let message = message?;
                    if message.is_close() {
                        return Ok(());
                    }
                    if message.is_binary() {
                        self.frames.feed(message.as_payload());
                    }
                    if !session.stalled() {
                        self.take_frames(session)?;
                    }
                }
                _ = self.faults.changed() => self.take_frames(session)?,
            }
        }
    }

    /// Ends when the client has closed. What it still says is heard by nobody.
    async fn hung_up(&mut self) {
        while let Some(Ok(message)) = self.socket.next().await {
            if message.is_close() {
                return;
            }
        }
    }

    fn take_frames(&mut self, session: &Session) -> Result<(), Error> {
        if session.stalled() {
            return Ok(());
        }
        while let Some(mut frame) = self.frames.decode_frame() {
            self.read.decrypt_in_place_with_counter(self.read_counter, &mut frame).map_err(|error| Error::Frame(error.to_string()))?;
            self.read_counter += 1;
            let node =
                wacore_binary::util::unpack_bytes(frame).and_then(OwnedNodeRef::new).map_err(|error| Error::Frame(error.to_string()))?;
            count(&session.net.stats.stanzas_in);
            stanza::handle(session, node.get());
        }
        Ok(())
    }

    /// Everything that is queued, as frames laid end to end: one write for many stanzas.
    fn collect(&mut self, session: &Session, first: Option<Out>) -> Result<(Vec<u8>, Then), Error> {
        let mut batch = Vec::new();
        let mut next = first.or_else(|| self.outbox.try_recv().ok());
        while let Some(out) = next {
            let node = match out {
                Out::Node(node) => node,
                Out::Close => return Ok((batch, Then::Close)),
                Out::Farewell => return Ok((batch, Then::Farewell)),
            };
            let mut frame = Vec::with_capacity(512);
            wacore_binary::marshal_to_vec(&node, &mut frame).map_err(|error| Error::Frame(error.to_string()))?;
            self.write.encrypt_in_place_with_counter(self.write_counter, &mut frame).map_err(|error| Error::Frame(error.to_string()))?;
            self.write_counter += 1;
            append_frame_into(&frame, None, &mut batch).map_err(|error| Error::Frame(error.to_string()))?;
            count(&session.net.stats.stanzas_out);
            next = self.outbox.try_recv().ok();
        }
        Ok((batch, Then::GoOn))
    }
}
