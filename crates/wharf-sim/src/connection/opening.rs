//! The first bytes of a connection, up to the ciphers: header, routing data, handshake. Refuses what does not start like a client.

use std::io::Cursor;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::either::Either;
use tokio_websockets::{Message, ServerBuilder};
use wacore_noise::framing::{FrameDecoder, encode_frame};

use super::door::{Raw, Stream};
use super::{Error, Socket};
use crate::network::Net;
use crate::noise::responder::{self, Secured, Step};
use crate::stats::count;
use crate::version::{Page, page};

/// `WA`, the protocol's version and its dictionary's.
const HEADER_LEN: usize = 4;
/// Edge routing data comes before the header, behind this mark and three bytes of length.
const ROUTING_MARK: &[u8] = b"ED\x00\x01";

/// What is asked for in plain HTTP on the protocol's port.
#[derive(Clone, Copy)]
enum Ask {
    /// The root of the media servers.
    Root,
    Page(Page),
    /// A person's hands, for who knows this port alone.
    Door,
}

const ASKS: &[(&[u8], Ask)] = &[
    (b"GET /root.pem ", Ask::Root),
    (b"GET /sw.js ", Ask::Page(Page::Worker)),
    (b"GET / ", Ask::Page(Page::Front)),
    (b"POST ", Ask::Door),
];

/// The first byte of a client that wants TLS.
const TLS: u8 = 0x16;
/// The longest head of a request that is read.
const HEAD_BYTES: usize = 16 * 1024;

/// Answers who asks in plain HTTP; gives the connection of everybody else.
pub(super) async fn socket_or_page(net: &Net, stream: TcpStream) -> Result<Option<Stream>, Error> {
    opened(net, stream).await.map_err(|error| Error::WebSocket(tokio_websockets::Error::Io(error)))
}

async fn opened(net: &Net, stream: TcpStream) -> std::io::Result<Option<Stream>> {
    let mut first = [0];
    let raw: Raw = if stream.peek(&mut first).await? == 1 && first[0] == TLS {
        let tls = TlsAcceptor::from(Arc::clone(&net.media.authority.server));
        Either::Right(Box::new(tls.accept(stream).await?))
    } else {
        Either::Left(stream)
    };
    let (mut read, mut write) = tokio::io::split(raw);
    let head = head(&mut read).await?;
    let answer = match ASKS.iter().find(|(line, _)| head.starts_with(line)) {
        Some((_, Ask::Root)) => root(net),
        Some((_, Ask::Page(page))) => page::answer(net, *page, &String::from_utf8_lossy(&head)).await,
        Some((_, Ask::Door)) => {
            net.door.enter(whole(head, read, write)).await;
            return Ok(None);
        }
        None => return Ok(Some(whole(head, read, write))),
    };
    write.write_all(&answer).await?;
    write.shutdown().await?;
    Ok(None)
}

fn whole(head: Vec<u8>, read: ReadHalf<Raw>, write: WriteHalf<Raw>) -> Stream {
    tokio::io::join(Cursor::new(head).chain(read), write)
}

/// What comes up to the end of a request's head, and what came with it.
async fn head(stream: &mut ReadHalf<Raw>) -> std::io::Result<Vec<u8>> {
    let (mut head, mut piece) = (Vec::new(), [0; 4096]);
    while head.len() < HEAD_BYTES && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut piece).await? {
            0 => break,
            read => head.extend_from_slice(&piece[..read]),
        }
    }
    Ok(head)
}

fn root(net: &Net) -> Vec<u8> {
    let pem = &net.media.authority.root_pem;
    let length = pem.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/x-pem-file\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{pem}")
        .into_bytes()
}

pub(super) async fn handshake(net: &Net, stream: Stream) -> Result<(Socket, FrameDecoder, Secured), Error> {
    let (_, mut socket) = ServerBuilder::new().accept(stream).await?;
    let mut opening = BytesMut::new();
    let mut frames = FrameDecoder::new();
    let mut prologue: Option<[u8; HEADER_LEN]> = None;
    let mut awaited = None;
    loop {
        let Some(message) = socket.next().await else {
            return Err(Error::Closed);
        };
        let message = message?;
        if message.is_close() {
            return Err(Error::Closed);
        }
        if !message.is_binary() {
            continue;
        }
        if prologue.is_some() {
            frames.feed(message.as_payload());
        } else {
            opening.extend_from_slice(message.as_payload());
            let Some(start) = header_at(&opening)? else {
                continue;
            };
            let mut header = [0; HEADER_LEN];
            header.copy_from_slice(&opening[start..start + HEADER_LEN]);
            prologue = Some(header);
            frames.feed(&opening[start + HEADER_LEN..]);
        }
        let header = prologue.unwrap_or_default();
        while let Some(frame) = frames.decode_frame() {
            match awaited.take() {
                None => match responder::answer(&net.identity, &header, &frame)? {
                    Step::Done(reply, done) => {
                        send_plain(&mut socket, &reply).await?;
                        count(&net.stats.handshakes_ik);
                        return Ok((socket, frames, *done));
                    }
                    Step::AwaitFinish(reply, rest) => {
                        send_plain(&mut socket, &reply).await?;
                        awaited = Some(rest);
                    }
                },
                Some(rest) => {
                    let secured = rest.finish(&frame)?;
                    count(if secured.pattern.contains("fallback") { &net.stats.handshakes_fallback } else { &net.stats.handshakes_xx });
                    return Ok((socket, frames, secured));
                }
            }
        }
    }
}

/// Where the header starts, behind the edge routing data if there is some; `None` while bytes are missing.
fn header_at(opening: &[u8]) -> Result<Option<usize>, Error> {
    let start = if opening.starts_with(ROUTING_MARK) {
        let Some(length) = opening.get(4..7) else {
            return Ok(None);
        };
        7 + length.iter().fold(0usize, |value, byte| (value << 8) | usize::from(*byte))
    } else {
        0
    };
    if opening.len() < start + HEADER_LEN {
        return Ok(None);
    }
    if &opening[start..start + 2] == b"WA" { Ok(Some(start)) } else { Err(Error::Header) }
}

async fn send_plain(socket: &mut Socket, payload: &[u8]) -> Result<(), Error> {
    let frame = encode_frame(payload, None).map_err(|error| Error::Frame(error.to_string()))?;
    socket.send(Message::binary(Bytes::from(frame))).await?;
    Ok(())
}
