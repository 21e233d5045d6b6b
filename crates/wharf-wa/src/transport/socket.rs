//! A web socket after its opening (RFC 6455): whole binary messages each way. Whoever holds thousands of them pays for what each keeps
//! while nothing passes. This one keeps no room to read into: what one read brings has memory of its own, which goes with its messages. A
//! socket of the library's keeps eight kilobytes, room for 64 messages, and what the largest message took.

mod opening;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_channel::{Receiver, Sender};
use async_trait::async_trait;
use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf, ReadHalf, WriteHalf};
use tokio::sync::{Mutex, Notify};
use tokio::time::timeout;
use tokio_websockets::ClientBuilder;
use wacore::net::{DisconnectReason, Transport, TransportEvent};
use wharf_core::chance::{Chance as _, SystemChance};

use self::opening::BytewiseStream;
use crate::task;

/// How much is read at once: most frames are shorter, and come with one read.
const READ_AHEAD: usize = 1024;
/// How many messages wait for the client; what comes besides waits in the connection.
const WAITING: usize = 8;
/// The longest message.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// How long the answer to a ping may take to be written.
const PONG_LIMIT: Duration = Duration::from_secs(30);
/// How long the last word may take to be written.
const LAST_WORD_LIMIT: Duration = Duration::from_secs(2);

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
/// Opcodes from here on steer the connection: such a frame is short and whole.
const STEERING: u8 = 0x08;
const LONGEST_STEERING: u64 = 125;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// The end that nobody is to blame for.
const NORMAL_END: [u8; 2] = 1000_u16.to_be_bytes();

/// Opens a socket on a stream that leads to the server. Only the opening is the library's.
pub(super) async fn open<S>(
    mut stream: S,
    opening: &ClientBuilder<'_>,
) -> Result<(Arc<dyn Transport>, Receiver<TransportEvent>), tokio_websockets::Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    drop(opening.connect_on(BytewiseStream::new(&mut stream)).await?);
    Ok(begin(stream))
}

/// Takes a stream over after the opening. Nothing that followed the opening's answer may have been read from it.
fn begin<S>(stream: S) -> (Arc<dyn Transport>, Receiver<TransportEvent>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (read, write) = tokio::io::split(stream);
    let ends = Arc::new(SocketEnds { writer: Mutex::new(Some(write)), over: Notify::new() });
    let (events, heard) = async_channel::bounded(WAITING);
    // There is room for it.
    let _ = events.try_send(TransportEvent::Connected);
    let reader = SocketReader { stream: read, ahead: Bytes::new(), ends: Arc::clone(&ends) };
    task::spawn(read_all(reader, events));
    (Arc::new(ClientSocket(ends)), heard)
}

/// What the client's side and the reader share.
struct SocketEnds<S> {
    /// Not here while something is written, and gone where that was given up: half a frame may be out.
    writer: Mutex<Option<WriteHalf<S>>>,
    /// Rung when the client is done with the connection.
    over: Notify,
}

impl<S: AsyncWrite> SocketEnds<S> {
    async fn write(&self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        let frame = framed(opcode, payload, mask());
        let mut place = self.writer.lock().await;
        let mut writer = place.take().ok_or(io::ErrorKind::NotConnected)?;
        writer.write_all(&frame).await?;
        writer.flush().await?;
        *place = Some(writer);
        Ok(())
    }

    /// Nothing is written from here on.
    async fn end(&self) {
        let mut place = self.writer.lock().await;
        if let Some(mut writer) = place.take() {
            // A connection that does not take it has ended already.
            let _ = writer.write_all(&framed(CLOSE, &NORMAL_END, mask())).await;
            let _ = writer.flush().await;
        }
    }
}

/// What a client writes is masked, with another mask each time.
fn mask() -> [u8; 4] {
    let mut mask = [0; 4];
    SystemChance.fill(&mut mask);
    mask
}

fn framed(opcode: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 14);
    frame.push(FINAL | opcode);
    let length = payload.len();
    if let Some(short) = u8::try_from(length).ok().filter(|short| *short < 0x7e) {
        frame.push(MASKED | short);
    } else if let Ok(middle) = u16::try_from(length) {
        frame.push(MASKED | 0x7e);
        frame.extend_from_slice(&middle.to_be_bytes());
    } else {
        frame.push(MASKED | 0x7f);
        frame.extend_from_slice(&(length as u64).to_be_bytes());
    }
    frame.extend_from_slice(&mask);
    let start = frame.len();
    frame.extend_from_slice(payload);
    for four in frame[start..].chunks_mut(4) {
        for (byte, key) in four.iter_mut().zip(mask) {
            *byte ^= key;
        }
    }
    frame
}

/// The client's hold on the socket; dropped, it ends the connection without a word.
struct ClientSocket<S>(Arc<SocketEnds<S>>);

#[async_trait]
impl<S> Transport for ClientSocket<S>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    async fn send(&self, data: Bytes) -> anyhow::Result<()> {
        Ok(self.0.write(BINARY, &data).await?)
    }

    async fn disconnect(&self) {
        self.0.over.notify_one();
        // A connection that takes nothing any more goes without a word.
        let _ = timeout(LAST_WORD_LIMIT, self.0.end()).await;
    }
}

impl<S> Drop for ClientSocket<S> {
    fn drop(&mut self) {
        self.0.over.notify_one();
    }
}

struct SocketFrame {
    is_final: bool,
    opcode: u8,
    payload: Bytes,
}

struct SocketReader<S> {
    stream: ReadHalf<S>,
    /// What was read and is not taken yet; without memory where that is nothing.
    ahead: Bytes,
    ends: Arc<SocketEnds<S>>,
}

impl<S: AsyncRead + AsyncWrite> SocketReader<S> {
    /// The next message; or why none comes any more.
    async fn message(&mut self) -> Result<Bytes, DisconnectReason> {
        // What came of a message in pieces, with its opcode.
        let mut begun: Option<(u8, Vec<u8>)> = None;
        loop {
            let room = MOST_BYTES - begun.as_ref().map_or(0, |(_, payload)| payload.len());
            let frame = self.frame(room).await.map_err(|error| unread(&error))?.ok_or(DisconnectReason::StreamEnded)?;
            match (frame.opcode, begun.take()) {
                (CLOSE, _) => return Err(self.closed(&frame.payload).await),
                (PING, before) => {
                    begun = before;
                    self.answer(&frame.payload).await.map_err(|error| unread(&error))?;
                }
                (PONG, before) => begun = before,
                (BINARY, None) if frame.is_final => return Ok(frame.payload),
                // A text means nothing between a client and WhatsApp.
                (TEXT, None) if frame.is_final => {}
                (opcode @ (TEXT | BINARY), None) => begun = Some((opcode, frame.payload.into())),
                (CONTINUATION, Some((opcode, mut payload))) => {
                    payload.extend_from_slice(&frame.payload);
                    match opcode {
                        _ if !frame.is_final => begun = Some((opcode, payload)),
                        BINARY => return Ok(payload.into()),
                        _ => {}
                    }
                }
                _ => return Err(unread(&io::Error::other("a frame that does not belong here"))),
            }
        }
    }

    /// The next frame of at most `room` bytes; `None` where the connection ends before it.
    async fn frame(&mut self, room: usize) -> io::Result<Option<SocketFrame>> {
        if !self.has_ahead(2).await? {
            return Ok(None);
        }
        let (first, second) = (self.ahead.get_u8(), self.ahead.get_u8());
        let (is_final, opcode) = (first & FINAL != 0, first & OPCODE);
        let length = match second & !MASKED {
            126 => {
                self.wants_ahead(2).await?;
                u64::from(self.ahead.get_u16())
            }
            127 => {
                self.wants_ahead(8).await?;
                self.ahead.get_u64()
            }
            short => u64::from(short),
        };
        let is_sound_steering = opcode < STEERING || (is_final && length <= LONGEST_STEERING);
        if first & RESERVED != 0 || second & MASKED != 0 || !is_sound_steering {
            return Err(io::Error::other("a frame that no server may send"));
        }
        let length = usize::try_from(length).ok().filter(|length| *length <= room);
        let payload = self.payload(length.ok_or_else(|| io::Error::other("a message that is too long"))?).await?;
        Ok(Some(SocketFrame { is_final, opcode, payload }))
    }

    /// The next bytes, so many. Those that were read ahead are not copied where they are all of it.
    async fn payload(&mut self, length: usize) -> io::Result<Bytes> {
        if length <= self.ahead.len() {
            let payload = self.ahead.split_to(length);
            if self.ahead.is_empty() {
                self.ahead = Bytes::new();
            }
            return Ok(payload);
        }
        let mut payload = vec![0; length];
        let ahead = std::mem::take(&mut self.ahead);
        payload[..ahead.len()].copy_from_slice(&ahead);
        self.stream.read_exact(&mut payload[ahead.len()..]).await?;
        Ok(payload.into())
    }

    /// Reads until at least so many bytes are there; `false` where the connection ends before the first of them.
    async fn has_ahead(&mut self, least: usize) -> io::Result<bool> {
        while self.ahead.len() < least {
            let read = self.read().await?;
            if read.is_empty() {
                return if self.ahead.is_empty() { Ok(false) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            self.ahead = if self.ahead.is_empty() { read.into() } else { [&self.ahead[..], &read].concat().into() };
        }
        Ok(true)
    }

    /// Reads until at least so many bytes are there, amid a frame.
    async fn wants_ahead(&mut self, least: usize) -> io::Result<()> {
        if self.has_ahead(least).await? { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// What comes next, at the most [`READ_AHEAD`] bytes; nothing where the connection ends. The room to read into is on the stack: while a
    /// socket waits there is none.
    async fn read(&mut self) -> io::Result<Vec<u8>> {
        let stream = &mut self.stream;
        poll_fn(|cx: &mut Context<'_>| -> Poll<io::Result<Vec<u8>>> {
            let mut room = [MaybeUninit::<u8>::uninit(); READ_AHEAD];
            let mut read = ReadBuf::uninit(&mut room);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut read))?;
            Poll::Ready(Ok(read.filled().to_vec()))
        })
        .await
    }

    async fn answer(&mut self, ping: &[u8]) -> io::Result<()> {
        // In a box, as the last word: both are rare, and the reader's task would keep their room.
        Box::pin(timeout(PONG_LIMIT, self.ends.write(PONG, ping))).await?
    }

    /// The server says why it ends the connection, and is told that this was heard.
    async fn closed(&mut self, payload: &[u8]) -> DisconnectReason {
        let _ = Box::pin(timeout(LAST_WORD_LIMIT, self.ends.end())).await;
        let (code, reason) = match payload.split_first_chunk() {
            Some((code, reason)) => (Some(u16::from_be_bytes(*code)), String::from_utf8_lossy(reason).into_owned()),
            None => (None, String::new()),
        };
        DisconnectReason::ServerClose { code, reason }
    }
}

fn unread(error: &io::Error) -> DisconnectReason {
    DisconnectReason::ReadError(error.to_string())
}

/// Hands the client each message, and at last why there is none any more.
async fn read_all<S: AsyncRead + AsyncWrite + Send>(mut reader: SocketReader<S>, events: Sender<TransportEvent>) {
    let ends = Arc::clone(&reader.ends);
    let reading = async {
        loop {
            let message = match reader.message().await {
                Ok(message) => message,
                Err(reason) => return reason,
            };
            if events.send(TransportEvent::DataReceived(message)).await.is_err() {
                return DisconnectReason::Unknown;
            }
        }
    };
    let reason = tokio::select! {
        biased;
        () = ends.over.notified() => DisconnectReason::Unknown,
        reason = reading => reason,
    };
    // Nothing is read any more when its end is heard of; the client's side goes with the client.
    drop((reader, ends));
    // Nobody may be left who listens.
    let _ = events.send(TransportEvent::Disconnected(reason)).await;
}
