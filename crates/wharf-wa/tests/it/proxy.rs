//! A small proxy on loopback: SOCKS5 or HTTP CONNECT, with a name and password, which remembers where it led.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Socks5,
    Http,
}

pub struct Proxy {
    pub address: SocketAddr,
    kind: Kind,
    shared: Arc<Shared>,
}

struct Shared {
    /// The name is always the same.
    password: Mutex<&'static str>,
    /// Ports that it led to.
    led: Mutex<Vec<u16>>,
    refused: Mutex<u32>,
}

const NAME: &str = "wharf";

impl Proxy {
    pub async fn start(kind: Kind, password: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { password: Mutex::new(password), led: Mutex::default(), refused: Mutex::default() });
        let ours = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&ours);
                tokio::spawn(async move {
                    // A client that leaves is no matter.
                    let _ = match kind {
                        Kind::Socks5 => socks5(stream, &shared).await,
                        Kind::Http => http(stream, &shared).await,
                    };
                });
            }
        });
        Self { address, kind, shared }
    }

    /// As an operator writes it down.
    pub fn url(&self, password: &str) -> String {
        let scheme = if self.kind == Kind::Socks5 { "socks5" } else { "http" };
        format!("{scheme}://{NAME}:{password}@{}", self.address)
    }

    pub fn takes(&self, password: &'static str) {
        *self.shared.password.lock().unwrap() = password;
    }

    pub fn led_to(&self) -> Vec<u16> {
        self.shared.led.lock().unwrap().clone()
    }

    pub fn refused(&self) -> u32 {
        *self.shared.refused.lock().unwrap()
    }
}

impl Shared {
    fn knows(&self, password: &[u8]) -> bool {
        let good = self.password.lock().unwrap().as_bytes() == password;
        *self.refused.lock().unwrap() += u32::from(!good);
        good
    }

    async fn lead(&self, mut near: TcpStream, port: u16) -> io::Result<()> {
        self.led.lock().unwrap().push(port);
        let mut far = TcpStream::connect(("127.0.0.1", port)).await?;
        copy_bidirectional(&mut near, &mut far).await.map(drop)
    }
}

async fn bytes(stream: &mut TcpStream, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn socks5(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let methods = usize::from(bytes(&mut stream, 2).await?[1]);
    assert!(bytes(&mut stream, methods).await?.contains(&2), "a login is offered");
    stream.write_all(&[5, 2]).await?;
    let name = usize::from(bytes(&mut stream, 2).await?[1]);
    assert_eq!(bytes(&mut stream, name).await?, NAME.as_bytes());
    let length = usize::from(bytes(&mut stream, 1).await?[0]);
    let password = bytes(&mut stream, length).await?;
    if !shared.knows(&password) {
        return stream.write_all(&[1, 1]).await;
    }
    stream.write_all(&[1, 0]).await?;
    let request = bytes(&mut stream, 4).await?;
    let length = match request[3] {
        1 => 4,
        4 => 16,
        _ => usize::from(bytes(&mut stream, 1).await?[0]),
    };
    bytes(&mut stream, length).await?;
    let port = bytes(&mut stream, 2).await?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    shared.lead(stream, u16::from_be_bytes([port[0], port[1]])).await
}

async fn http(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).expect("CONNECT and nothing else");
    let login = head.lines().find_map(|line| line.to_ascii_lowercase().starts_with("proxy-authorization: basic ").then(|| &line[27..]));
    let login = STANDARD.decode(login.unwrap_or_default()).unwrap();
    if !shared.knows(login.strip_prefix(format!("{NAME}:").as_bytes()).unwrap_or_default()) {
        return stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n").await;
    }
    let port = target.rsplit(':').next().unwrap().parse().unwrap();
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    shared.lead(stream, port).await
}
