//! The library's way to WhatsApp's media servers: streaming both ways, and to nobody else.
//!
//! In production the hosts are WhatsApp's, believed by the same certificates as the socket's and through the same proxy. On the pretend network they are on loopback, and
//! the network tells the certificate that it signs with, at the first use.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, ORIGIN, REFERER, USER_AGENT};
use reqwest::{Certificate, Client, ClientBuilder, Method, RequestBuilder, Response};
use tokio::runtime::Handle;
use tokio::sync::{OnceCell, mpsc};
use tokio::time::timeout;
use url::{Host, Url};
use wacore::net::{HttpClient, HttpRequest, HttpResponse, StreamingHttpResponse, UploadBody, WHATSAPP_WEB_ORIGIN};
use wharf_core::proxy::{Kind, Proxy};

use crate::transport::Trust;

/// What a browser says of itself, for everything that WhatsApp's servers are asked over HTTP.
pub(crate) const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36";

/// Ends of names that WhatsApp's media servers have.
const HOSTS: &[&str] = &[".whatsapp.net", ".whatsapp.com", ".fbcdn.net"];
/// The server that is asked first for most files.
const DOOR: &str = "https://mmg.whatsapp.net/";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a server may take nothing of what is sent.
const STALL_TIMEOUT: Duration = Duration::from_secs(15);
/// How long nothing may come.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer: a hundred megabytes, encrypted.
const ANSWER_BYTES: u64 = 101 * 1024 * 1024;
/// What is answered to an upload is short.
const SHORT_BYTES: u64 = 1024 * 1024;
const CHUNK_BYTES: usize = 64 * 1024;
/// Where the pretend network shows its root.
const ROOT_PATH: &str = "/root.pem";

/// Shared by all sessions of the process: clones are one. A session with a proxy of its own has one of its own.
#[derive(Clone)]
pub(crate) struct MediaHttp(Arc<MediaWay>);

struct MediaWay {
    /// The pretend network; `None` is WhatsApp.
    network: Option<Url>,
    trust: Trust,
    proxy: Option<Proxy>,
    clients: OnceCell<Clients>,
}

struct Clients {
    down: Client,
    /// The HTTP library counts the time of the whole sending as time in which nothing came.
    up: Client,
}

impl MediaHttp {
    pub(crate) fn new(network: Option<Url>, trust: Trust, proxy: Option<Proxy>) -> Self {
        Self(Arc::new(MediaWay { network, trust, proxy, clients: OnceCell::new() }))
    }

    /// This way to the media servers by another proxy.
    pub(crate) fn through(&self, proxy: Proxy) -> Self {
        Self::new(self.0.network.clone(), self.0.trust.clone(), Some(proxy))
    }

    async fn clients(&self) -> Result<&Clients> {
        self.0.clients.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Clients> {
        // Somebody may have chosen one before; that one is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let root = match &self.0.network {
            Some(network) => Some(root_of(network).await?),
            None => None,
        };
        Ok(Clients { down: self.builder(root.as_ref())?.read_timeout(READ_TIMEOUT).build()?, up: self.builder(root.as_ref())?.build()? })
    }

    /// `root` is the only one that is believed on the pretend network.
    fn builder(&self, root: Option<&Certificate>) -> Result<ClientBuilder> {
        let builder = builder().default_headers(as_a_browser());
        let builder = match root {
            Some(root) => builder.tls_certs_only([root.clone()]),
            None => builder.tls_backend_preconfigured(self.0.trust.for_http()),
        };
        Ok(match &self.0.proxy {
            Some(proxy) => builder.proxy(reqwest::Proxy::all(for_client(proxy)?)?),
            None => builder,
        })
    }

    /// Whether somebody answers where the files are. Any answer is one.
    pub(crate) async fn knock(&self) -> Result<()> {
        // On the pretend network the root comes from the network itself, and the place of the files is told to sessions only.
        let clients = self.clients().await?;
        if self.0.network.is_none() {
            clients.down.head(DOOR).send().await?;
        }
        Ok(())
    }

    async fn request(&self, request: &HttpRequest, way: fn(&Clients) -> &Client) -> Result<RequestBuilder> {
        let url = Url::parse(&request.url).context("the library made no URL")?;
        ensure!(self.allows(&url), "a media server that is not WhatsApp's");
        let method = Method::from_bytes(request.method.as_bytes())?;
        let mut asked = way(self.clients().await?).request(method, url);
        for (name, value) in &request.headers {
            asked = asked.header(name, value);
        }
        Ok(asked)
    }

    fn allows(&self, url: &Url) -> bool {
        match (url.host(), &self.0.network) {
            _ if url.scheme() != "https" => false,
            (Some(Host::Domain(name)), None) => HOSTS.iter().any(|end| name.ends_with(end)),
            (Some(Host::Ipv4(address)), Some(_)) => address.is_loopback(),
            (Some(Host::Ipv6(address)), Some(_)) => address.is_loopback(),
            _ => false,
        }
    }
}

/// The pretend network tells its own root.
async fn root_of(network: &Url) -> Result<Certificate> {
    let mut place = network.clone();
    ensure!(place.set_scheme("http").is_ok(), "the network's address cannot be asked for its root");
    place.set_path(ROOT_PATH);
    let plain = builder().read_timeout(READ_TIMEOUT).https_only(false).build()?;
    let pem = plain.get(place).send().await?.error_for_status()?.bytes().await?;
    Ok(Certificate::from_pem(&pem)?)
}

/// What the official web client sends to the media servers, for a request that does not say otherwise.
fn as_a_browser() -> HeaderMap {
    HeaderMap::from_iter([
        (ORIGIN, HeaderValue::from_static(WHATSAPP_WEB_ORIGIN)),
        (REFERER, HeaderValue::from_static("https://web.whatsapp.com/")),
        (USER_AGENT, HeaderValue::from_static(BROWSER)),
    ])
}

/// The proxy as the HTTP library wants to hear of it: with the scheme that leaves names to the proxy.
pub(crate) fn for_client(proxy: &Proxy) -> Result<Url> {
    let mut url = proxy.secret_url().clone();
    if proxy.kind == Kind::Socks5 {
        ensure!(url.set_scheme("socks5h").is_ok(), "the proxy's address cannot be used");
    }
    Ok(url)
}

#[expect(clippy::disallowed_methods, reason = "its hosts are WhatsApp's own, told by WhatsApp over the session's socket, and checked here")]
fn builder() -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .https_only(true)
        .pool_max_idle_per_host(4)
}

#[async_trait]
impl HttpClient for MediaHttp {
    async fn execute(&self, mut request: HttpRequest) -> Result<HttpResponse> {
        let body = request.body.take();
        let mut asked = self.request(&request, |clients| &clients.down).await?;
        if let Some(body) = body {
            asked = asked.body(body);
        }
        read(asked.send().await?, ANSWER_BYTES).await
    }

    fn supports_streaming(&self) -> bool {
        true
    }

    fn execute_streaming(&self, request: HttpRequest) -> Result<StreamingHttpResponse> {
        let runtime = Handle::current();
        let answer = runtime.block_on(async { anyhow::Ok(self.request(&request, |clients| &clients.down).await?.send().await?) })?;
        let status_code = answer.status().as_u16();
        Ok(StreamingHttpResponse { status_code, body: Box::new(Body { runtime, answer, chunk: Bytes::new(), left: ANSWER_BYTES }) })
    }

    fn supports_upload_streaming(&self) -> bool {
        true
    }

    fn execute_upload(&self, request: HttpRequest, mut body: UploadBody, content_length: u64) -> Result<HttpResponse> {
        let runtime = Handle::current();
        let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(2);
        let chunks = futures::stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|chunk| (chunk, receiver)) });
        let asked = runtime.block_on(self.request(&request, |clients| &clients.up))?;
        let asked = asked.header(CONTENT_LENGTH, content_length).body(reqwest::Body::wrap_stream(chunks));
        let mut answering = runtime.spawn(async move { read(asked.send().await?, SHORT_BYTES).await });
        loop {
            let mut chunk = vec![0; CHUNK_BYTES];
            let read = body.read(&mut chunk);
            if matches!(read, Ok(0)) {
                break;
            }
            let chunk = read.map(|read| {
                chunk.truncate(read);
                Bytes::from(chunk)
            });
            let failed = chunk.is_err();
            match runtime.block_on(async { timeout(STALL_TIMEOUT, sender.send(chunk)).await }) {
                Ok(Ok(())) if !failed => {}
                // A server that has answered already takes no more.
                Ok(_) => break,
                Err(_) => {
                    answering.abort();
                    bail!("the server takes nothing any more");
                }
            }
        }
        drop(sender);
        let answer = runtime.block_on(async { timeout(READ_TIMEOUT, &mut answering).await });
        answer.inspect_err(|_| answering.abort()).context("the server does not answer")??
    }
}

async fn read(mut answer: Response, limit: u64) -> Result<HttpResponse> {
    let status_code = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        ensure!((body.len() + chunk.len()) as u64 <= limit, "the answer is too long");
        body.extend_from_slice(&chunk);
    }
    Ok(HttpResponse { status_code, body })
}

/// An answer's body for who reads on a thread that may wait.
struct Body {
    runtime: Handle,
    answer: Response,
    chunk: Bytes,
    left: u64,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.runtime.block_on(self.answer.chunk()).map_err(io::Error::other)? {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(0),
            }
        }
        let read = self.chunk.len().min(buffer.len());
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| io::Error::other("the answer is too long"))?;
        buffer[..read].copy_from_slice(&self.chunk.split_to(read));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whatsapps_hosts_are_asked_and_on_the_pretend_network_only_loopback() {
        let allows = |network: Option<&str>, url: &str| {
            MediaHttp::new(network.map(|url| url.parse().unwrap()), Trust::default(), None).allows(&url.parse().unwrap())
        };
        assert!(allows(None, "https://mmg.whatsapp.net/mms/image/x"));
        for url in [
            "http://mmg.whatsapp.net/",
            "https://whatsapp.net.evil.org/",
            "https://127.0.0.1/",
            "https://evilwhatsapp.net/",
            "https://10.0.0.1/",
        ] {
            assert!(!allows(None, url), "{url}");
        }
        let network = Some("ws://127.0.0.1:7000/ws/chat");
        assert!(allows(network, "https://127.0.0.1:7001/mms/image/x") && allows(network, "https://[::1]:1/"));
        for url in ["https://mmg.whatsapp.net/", "http://127.0.0.1:7001/", "https://localhost:1/", "https://10.0.0.1/"] {
            assert!(!allows(network, url), "{url}");
        }
    }

    #[tokio::test]
    async fn media_believe_the_same_root_as_the_socket_and_ask_as_a_browser_does() {
        let server = crate::transport::foreign::Foreign::start("mmg.whatsapp.net").await;
        let ask = async |trust: Trust| {
            let builder = MediaHttp::new(None, trust, None).builder(None).unwrap();
            let client = builder.resolve("mmg.whatsapp.net", server.address).build().unwrap();
            client.get(format!("https://mmg.whatsapp.net:{}/x", server.address.port())).send().await
        };
        let answering = async {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let mut stream = server.accept().await;
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.unwrap();
            stream.shutdown().await.unwrap();
            String::from_utf8(head[..length].to_vec()).unwrap().to_ascii_lowercase()
        };
        let asking = async {
            assert!(ask(Trust::default()).await.unwrap_err().is_connect());
            ask(Trust::with_roots_in([server.root_pem.as_bytes()]).unwrap()).await.unwrap().error_for_status().unwrap();
        };
        let (head, ()) = tokio::join!(answering, asking);
        for line in ["origin: https://web.whatsapp.com\r\n", "referer: https://web.whatsapp.com/\r\n", "user-agent: mozilla/5.0 ("] {
            assert!(head.contains(line), "{head}");
        }
    }

    #[test]
    fn a_socks5_proxy_resolves_the_names_of_media_too() {
        let url = |proxy: &str| for_client(&proxy.parse().unwrap()).unwrap().to_string();
        assert_eq!(url("socks5://me:secret@10.0.0.1:1080"), "socks5h://me:secret@10.0.0.1:1080");
        assert!(url("http://10.0.0.1:3128").starts_with("http://"));
    }
}
