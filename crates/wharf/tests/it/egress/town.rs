//! Servers for the guard to meet: web servers that say what a test wants, a name server, and canaries that count.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio_rustls::TlsAcceptor;
use wharf_wa::Trust;

/// A root, and a certificate under it.
pub struct Certificates {
    trust: Trust,
    root: String,
    server: Arc<rustls::ServerConfig>,
}

impl Certificates {
    pub fn of(names: &[&str]) -> Self {
        let mut ca = CertificateParams::new(Vec::<String>::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &ca).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let server = server.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap();
        Self { trust: Trust::with_roots_in([ca.pem().as_bytes()]).unwrap(), root: ca.pem(), server: Arc::new(server) }
    }

    /// Who believes the root.
    pub fn trust(&self) -> Trust {
        self.trust.clone()
    }

    /// The root, as a file holds it.
    pub fn root(&self) -> &str {
        &self.root
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.server))
    }
}

type Script = Arc<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

/// A web server that answers each path with raw bytes and closes.
pub struct Web {
    pub address: SocketAddr,
    scheme: &'static str,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Web {
    pub async fn plain(script: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start("127.0.0.1:0", None, false, Arc::new(script)).await
    }

    pub async fn plain_at(address: &str, script: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start(address, None, false, Arc::new(script)).await
    }

    /// Keeps the connection open after its words.
    pub async fn stalling(script: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start("127.0.0.1:0", None, true, Arc::new(script)).await
    }

    pub async fn secure(address: &str, certificates: &Certificates, script: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let tls = certificates.acceptor();
        Self::start(address, Some(tls), false, Arc::new(script)).await
    }

    async fn start(address: &str, tls: Option<TlsAcceptor>, stall: bool, script: Script) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let web =
            Self { address: listener.local_addr().unwrap(), scheme: if tls.is_some() { "https" } else { "http" }, heads: Arc::default() };
        let heads = Arc::clone(&web.heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, heads, tls) = (Arc::clone(&script), Arc::clone(&heads), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, stall, &script, &heads).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, stall, &script, &heads).await;
                            }
                        }
                    }
                });
            }
        });
        web
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, stall: bool, script: &Script, heads: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => head.extend_from_slice(&buffer[..read]),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
    heads.lock().unwrap().push(head);
    // The client may have heard enough.
    let _ = stream.write_all(&script(&path)).await;
    let _ = stream.flush().await;
    if stall {
        let _ = stream.read(&mut buffer).await;
    }
    let _ = stream.shutdown().await;
}

/// Counts who knocks, at every address and port that must never be reached.
#[derive(Clone, Default)]
pub struct Canary {
    hits: Arc<AtomicUsize>,
}

impl Canary {
    pub async fn watch(&self, address: SocketAddr) {
        let listener = TcpListener::bind(address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
        let hits = Arc::clone(&self.hits);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                hits.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret").await;
            }
        });
    }

    pub fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}

/// What a name has at its n-th question: addresses, or another name in front of them.
#[derive(Clone, Default)]
pub struct Record {
    pub alias: Option<String>,
    pub addresses: Vec<IpAddr>,
}

/// A name server whose answers live zero seconds. `zone` gets the name in lower case without its last dot, and how
/// often the name was asked for its IPv4 address before.
pub struct NameServer {
    pub address: SocketAddr,
}

impl NameServer {
    pub async fn start(zone: impl Fn(&str, usize) -> Option<Record> + Send + Sync + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut asked = std::collections::HashMap::<String, usize>::new();
            let mut query = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut query).await {
                let Some((name, kind, end)) = question(&query[..length]) else { continue };
                let times = asked.entry(name.clone()).or_default();
                let record = zone(&name, *times);
                if kind == A {
                    *times += 1;
                }
                let _ = socket.send_to(&answer(&query[..end], kind, record), from).await;
            }
        });
        Self { address }
    }
}

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;

/// Name, type and end of the only question.
fn question(query: &[u8]) -> Option<(String, u16, usize)> {
    let (mut labels, mut at) = (Vec::new(), 12);
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes([*query.get(at)?, *query.get(at + 1)?]);
    Some((labels.join("."), kind, at + 4))
}

fn answer(query: &[u8], kind: u16, record: Option<Record>) -> Vec<u8> {
    let mut out = query.to_vec();
    // An answer, recursion available; the name does not exist where there is no record.
    out[2..4].copy_from_slice(&[0x81, if record.is_some() { 0x80 } else { 0x83 }]);
    let record = record.unwrap_or_default();
    let mut answers: Vec<Vec<u8>> = Vec::new();
    let mut owner = vec![0xc0, 12];
    if let Some(alias) = record.alias {
        let alias = wire(&alias);
        answers.push(resource(&owner, CNAME, &alias));
        owner = alias;
    }
    for address in record.addresses {
        match address {
            IpAddr::V4(address) if kind == A => answers.push(resource(&owner, A, &address.octets())),
            IpAddr::V6(address) if kind == AAAA => answers.push(resource(&owner, AAAA, &address.octets())),
            _ => {}
        }
    }
    out[6..8].copy_from_slice(&u16::try_from(answers.len()).unwrap().to_be_bytes());
    // No authority, no additional records: a question with EDNS gets a plain answer.
    out[8..12].fill(0);
    out.extend(answers.concat());
    out
}

fn resource(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    [owner, &kind.to_be_bytes(), &[0, 1, 0, 0, 0, 0], &length, data].concat()
}

fn wire(name: &str) -> Vec<u8> {
    let mut out: Vec<u8> = name.split('.').flat_map(|label| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat()).collect();
    out.push(0);
    out
}
