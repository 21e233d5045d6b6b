//! A request as bytes that are written as they are, and an answer of which a status and a length are read: who asks works little, for a rate
//! that is higher than its own it cannot show.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Room for an answer, read at once.
const ROOM: usize = 16 * 1024;

/// A request that is made again and again.
#[derive(Clone, Debug)]
pub struct EdgeRequest {
    pub method: &'static str,
    pub path: &'static str,
    /// Further lines of its head, each with its end.
    pub head: String,
    /// JSON, or nothing.
    pub body: String,
}

impl EdgeRequest {
    /// As it is written, to this path instead of its own.
    pub fn bytes(&self, path: &str) -> Arc<[u8]> {
        let Self { method, head, body, .. } = self;
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n{head}");
        if !body.is_empty() {
            // A string takes what is written to it.
            let _ = write!(text, "Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        }
        text.push_str("\r\n");
        text.push_str(body);
        text.into_bytes().into()
    }
}

/// What is read of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeAnswer {
    pub status: u16,
    /// The bytes of its body.
    pub body: usize,
    /// All its bytes.
    whole: usize,
    /// Whether the connection ends with it.
    closes: bool,
}

/// Reads the head of an answer; `None` where it has not come whole yet.
fn answer(read: &[u8]) -> Result<Option<EdgeAnswer>> {
    let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let mut lines = std::str::from_utf8(&read[..end])?.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status: u16 = first.split(' ').nth(1).with_context(|| format!("a status in {first}"))?.parse()?;
    let (mut body, mut closes) = (None::<usize>, false);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            body = Some(value.trim().parse()?);
        } else if name.eq_ignore_ascii_case("connection") {
            closes = value.trim().eq_ignore_ascii_case("close");
        }
    }
    let body = body.with_context(|| format!("an answer {status} without a length"))?;
    Ok(Some(EdgeAnswer { status, body, whole: end + 4 + body, closes }))
}

/// One connection, one request at a time.
pub struct KeptConnection {
    address: SocketAddr,
    stream: TcpStream,
    read: Vec<u8>,
}

impl KeptConnection {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { address, stream, read: Vec::with_capacity(ROOM) })
    }

    /// Asks and reads the whole answer. Where the connection ends with it, the next one is opened.
    pub async fn ask(&mut self, request: &[u8]) -> Result<EdgeAnswer> {
        self.stream.write_all(request).await?;
        self.read.clear();
        let mut known = None;
        loop {
            let came = self.stream.read_buf(&mut self.read).await?;
            ensure!(came > 0, "a connection ended before its answer");
            if known.is_none() {
                known = answer(&self.read)?;
            }
            if let Some(answer) = known.filter(|answer| answer.whole <= self.read.len()) {
                if answer.closes {
                    *self = Self::open(self.address).await?;
                }
                return Ok(answer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const REFUSAL: &[u8] = b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\ncontent-length: 2\r\n\r\n{}";

    #[test]
    fn an_answer_is_known_by_its_head_and_not_before_that_is_whole() {
        let whole = answer(REFUSAL).unwrap().unwrap();
        assert_eq!(whole, EdgeAnswer { status: 401, body: 2, whole: REFUSAL.len(), closes: false });
        assert_eq!(answer(&REFUSAL[..REFUSAL.len() - 2]).unwrap(), Some(whole), "the body is not needed for that");
        assert_eq!(answer(&REFUSAL[..REFUSAL.len() - 3]).unwrap(), None);
        let closing = answer(b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").unwrap().unwrap();
        assert!(closing.closes && closing.status == 503);
        assert!(answer(b"HTTP/1.1 200 OK\r\n\r\n").is_err(), "without a length its end is not known");
    }

    #[test]
    fn a_request_names_the_length_of_its_body_and_none_where_it_has_none() {
        let mut request = EdgeRequest { method: "POST", path: "/v1", head: "X: y\r\n".to_owned(), body: "{}".to_owned() };
        let text = String::from_utf8(request.bytes("/3").to_vec()).unwrap();
        assert!(text.starts_with("POST /3 HTTP/1.1\r\n") && text.contains("\r\nX: y\r\n"), "{text}");
        assert!(text.ends_with("\r\nContent-Length: 2\r\n\r\n{}"), "{text}");
        request.body.clear();
        let text = String::from_utf8(request.bytes("/3").to_vec()).unwrap();
        assert!(text.ends_with("\r\nX: y\r\n\r\n"), "{text}");
    }

    #[tokio::test]
    async fn an_answer_in_pieces_is_read_to_its_end_and_the_connection_goes_on() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut asked = [0; 1];
            while stream.read_exact(&mut asked).await.is_ok() {
                for piece in [&REFUSAL[..20], &REFUSAL[20..REFUSAL.len() - 1], &REFUSAL[REFUSAL.len() - 1..]] {
                    stream.write_all(piece).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        let mut connection = KeptConnection::open(address).await.unwrap();
        for _ in 0..3 {
            let answer = connection.ask(b"?").await.unwrap();
            assert_eq!((answer.status, answer.body), (401, 2));
        }
    }
}
