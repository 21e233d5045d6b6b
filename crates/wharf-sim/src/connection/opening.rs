//! The first bytes of a connection, up to the ciphers: header, routing data, handshake. Refuses what does not start like a client.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_websockets::{Message, ServerBuilder};
use wacore_noise::framing::{FrameDecoder, encode_frame};

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
}

const ASKS: &[(&[u8], Ask)] =
    &[(b"GET /root.pem ", Ask::Root), (b"GET /sw.js ", Ask::Page(Page::Worker)), (b"GET / ", Ask::Page(Page::Front))];
const LONGEST: usize = 14;

/// How long the rest of a request line is not looked for.
const PIECE_PAUSE: Duration = Duration::from_millis(5);
/// The longest head of a request that is read.
const HEAD_BYTES: usize = 16 * 1024;

/// Answers who asks for the root of the media servers or for a page, in plain HTTP; gives the connection back otherwise.
pub(super) async fn page_or(net: &Net, mut stream: TcpStream) -> Result<Option<TcpStream>, Error> {
    let mut start = [0; LONGEST];
    let ask = loop {
        let seen = stream.peek(&mut start).await.map_err(tokio_websockets::Error::Io)?;
        let seen = &start[..seen];
        if let Some((_, ask)) = ASKS.iter().find(|(line, _)| seen.starts_with(line)) {
            break *ask;
        }
        if seen.is_empty() || !ASKS.iter().any(|(line, _)| line.starts_with(seen)) {
            return Ok(Some(stream));
        }
        // The request line comes in pieces, and what is there already would be seen at once again.
        tokio::time::sleep(PIECE_PAUSE).await;
    };
    let answered = async {
        let head = head(&mut stream).await?;
        let answer = match ask {
            Ask::Root => root(net),
            Ask::Page(page) => page::answer(net, page, &head).await,
        };
        stream.write_all(&answer).await?;
        stream.shutdown().await
    };
    answered.await.map_err(tokio_websockets::Error::Io)?;
    Ok(None)
}

async fn head(stream: &mut TcpStream) -> std::io::Result<String> {
    let (mut head, mut piece) = (Vec::new(), [0; 4096]);
    while head.len() < HEAD_BYTES && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut piece).await? {
            0 => break,
            read => head.extend_from_slice(&piece[..read]),
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn root(net: &Net) -> Vec<u8> {
    let pem = &net.media.authority.root_pem;
    let length = pem.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/x-pem-file\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{pem}")
        .into_bytes()
}

pub(super) async fn handshake(net: &Net, stream: TcpStream) -> Result<(Socket, FrameDecoder, Secured), Error> {
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
