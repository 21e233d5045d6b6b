//! How a client reaches its server: TCP without Nagle's delay over IPv6 or IPv4, perhaps through a proxy, TLS where the address wants it, a
//! web socket on top. On the pretend network nothing but loopback is dialled.
//!
//! The library's own transport leaves Nagle on, which costs 5 to 10 ms on every alternating message.

#[cfg(test)]
pub(crate) mod foreign;
mod race;
mod socket;
mod trust;
mod tunnel;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderValue, Uri, header};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_websockets::ClientBuilder;
use url::Url;
use wacore::net::{Transport, TransportEvent, TransportFactory, WHATSAPP_WEB_ORIGIN, WHATSAPP_WEB_WS_URL};
use wharf_core::proxy::Proxy;
use whatsapp_rust::transport::Connector;

pub use trust::{Error as TrustError, Trust};

use crate::gate::AckGate;
use crate::probe::step::Step;

/// How many sessions may be opening their sockets at the same time. After an outage they all want to at once.
const OPENING: usize = 64;
/// How long one address may take. The library gives a whole connection 20 seconds.
const ADDRESS_LIMIT: Duration = Duration::from_secs(8);
/// How long a proxy may take until the connection leads through it.
const PROXY_LIMIT: Duration = Duration::from_secs(8);
/// How often the same trouble is told.
const SAY_AGAIN: Duration = Duration::from_mins(1);

/// Why no connection came about. Its words are for the log: they name no login.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the gateway ends")]
    Closed,
    #[error("the name cannot be resolved: {0}")]
    Name(#[source] io::Error),
    #[error("the pretend network and a proxy to it are on loopback")]
    NotLoopback,
    #[error("no address answers: {0}")]
    Unreachable(#[source] io::Error),
    #[error("the proxy {proxy} cannot be reached: {error}")]
    ProxyUnreachable { proxy: String, error: io::Error },
    #[error("{proxy}: {error}")]
    Proxy { proxy: String, error: tunnel::Error },
    #[error("TLS failed; where a proxy opens what passes, its root belongs into whatsapp.extra_root: {0}")]
    Tls(#[source] tokio_websockets::Error),
    #[error("no web socket came about: {0}")]
    WebSocket(#[from] tokio_websockets::Error),
}

/// Opens connections to one address. Shared by all sessions, with its TLS settings; a session with a proxy of its own has one too.
pub(crate) struct Dialer {
    uri: Uri,
    host: String,
    port: u16,
    connector: Arc<Connector>,
    proxy: Option<Proxy>,
    /// Nothing else is dialled on the pretend network.
    loopback_only: bool,
    opening: Arc<Semaphore>,
    said: Mutex<Option<(Instant, String)>>,
}

impl Dialer {
    /// `None` is WhatsApp's own address.
    pub(crate) fn new(url: Option<&Url>, trust: &Trust, proxy: Option<Proxy>) -> anyhow::Result<Self> {
        let text = url.map_or(WHATSAPP_WEB_WS_URL, Url::as_str);
        let uri: Uri = text.parse()?;
        let secure = match uri.scheme_str() {
            Some("wss") => true,
            Some("ws") => false,
            _ => anyhow::bail!("the server's address must begin with wss:// or ws://"),
        };
        let host = uri.host().ok_or_else(|| anyhow::anyhow!("the server's address has no host"))?;
        let dialer = Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            connector: Arc::new(if secure { trust.connector() } else { Connector::Plain }),
            uri,
            proxy: None,
            loopback_only: url.is_some(),
            opening: Arc::new(Semaphore::new(OPENING)),
            said: Mutex::default(),
        };
        Ok(match proxy {
            Some(proxy) => dialer.through(proxy)?,
            None => dialer,
        })
    }

    /// This dialer by another proxy.
    pub(crate) fn through(&self, proxy: Proxy) -> Result<Self, Error> {
        if self.loopback_only && !proxy.is_on_loopback() {
            return Err(Error::NotLoopback);
        }
        Ok(Self {
            uri: self.uri.clone(),
            host: self.host.clone(),
            port: self.port,
            connector: Arc::clone(&self.connector),
            proxy: Some(proxy),
            loopback_only: self.loopback_only,
            opening: Arc::clone(&self.opening),
            said: Mutex::default(),
        })
    }

    /// Opens one connection, and tells of each step that is done.
    pub(crate) async fn open(
        &self,
        done: &(dyn Fn(Step) + Send + Sync),
    ) -> Result<(Arc<dyn Transport>, async_channel::Receiver<TransportEvent>), Error> {
        let _permit = self.opening.acquire().await.map_err(|_| Error::Closed)?;
        let stream = match &self.proxy {
            Some(proxy) => self.tunnel(proxy, done).await?,
            None => self.reach(&self.host, self.port, done).await?,
        };
        done(Step::Connect);
        let stream = self.connector.wrap(&self.host, stream).await.map_err(Error::Tls)?;
        done(Step::Tls);
        let builder =
            ClientBuilder::from_uri(self.uri.clone()).add_header(header::ORIGIN, HeaderValue::from_static(WHATSAPP_WEB_ORIGIN))?;
        Ok(socket::open(stream, &builder).await?)
    }

    async fn tunnel(&self, proxy: &Proxy, done: &(dyn Fn(Step) + Send + Sync)) -> Result<TcpStream, Error> {
        let unreachable = |error| Error::ProxyUnreachable { proxy: proxy.to_string(), error };
        let mut stream = match self.reach(&proxy.host, proxy.port, done).await {
            Err(Error::Name(error) | Error::Unreachable(error)) => return Err(unreachable(error)),
            reached => reached?,
        };
        let opened = timeout(PROXY_LIMIT, tunnel::open(&mut stream, proxy, &self.host, self.port)).await;
        let opened = opened.unwrap_or_else(|_| Err(tunnel::Error::Refused("it does not answer".to_owned())));
        opened.map_err(|error| Error::Proxy { proxy: proxy.to_string(), error })?;
        Ok(stream)
    }

    async fn reach(&self, host: &str, port: u16, done: &(dyn Fn(Step) + Send + Sync)) -> Result<TcpStream, Error> {
        let addresses: Vec<_> = tokio::net::lookup_host((host, port)).await.map_err(Error::Name)?.collect();
        done(Step::Dns);
        if self.loopback_only && !addresses.iter().all(|address| address.ip().is_loopback()) {
            return Err(Error::NotLoopback);
        }
        let stream = race::race(addresses, ADDRESS_LIMIT, TcpStream::connect).await.map_err(Error::Unreachable)?;
        stream.set_nodelay(true).map_err(Error::Unreachable)?;
        Ok(stream)
    }

    /// Tells the operator why sessions cannot connect; the same trouble once a minute, however many meet it.
    fn say(&self, error: &Error) {
        let words = error.to_string();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.as_ref().is_some_and(|(at, before)| *before == words && at.elapsed() < SAY_AGAIN) {
            return;
        }
        tracing::warn!(error = words, "WhatsApp cannot be reached; it is tried again");
        *said = Some((Instant::now(), words));
    }
}

/// One session's hold on the shared [`Dialer`]; calls `dialing` whenever the client begins a connection.
pub(crate) struct Dial<F> {
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) dialing: F,
    /// What is sent passes it.
    pub(crate) gate: Arc<AckGate>,
}

#[async_trait]
impl<F: Fn() + Send + Sync> TransportFactory for Dial<F> {
    async fn create_transport(&self) -> anyhow::Result<(Arc<dyn Transport>, async_channel::Receiver<TransportEvent>)> {
        (self.dialing)();
        let opened = self.gate.opened(self.dialer.open(&|_| ())).await?;
        let (transport, events) = opened.inspect_err(|error| self.dialer.say(error))?;
        Ok((self.gate.guard(transport), events))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gives_host_port_and_whether_tls_is_wanted() {
        let dialer = |text: &str| Dialer::new(Some(&text.parse().unwrap()), &Trust::default(), None);
        let plain = dialer("ws://127.0.0.1:4321/ws/chat").unwrap();
        assert_eq!((plain.host.as_str(), plain.port), ("127.0.0.1", 4321));
        assert!(matches!(*plain.connector, Connector::Plain));
        let six = dialer("ws://[::1]:4321/ws/chat").unwrap();
        assert_eq!(six.host, "::1");
        let real = Dialer::new(None, &Trust::default(), None).unwrap();
        assert_eq!((real.host.as_str(), real.port), ("web.whatsapp.com", 443));
        assert!(!matches!(*real.connector, Connector::Plain));
        assert!(dialer("https://127.0.0.1/").is_err());
    }

    #[tokio::test]
    async fn a_root_that_nobody_knows_is_believed_by_its_setting_only() {
        let server = foreign::Foreign::start("web.whatsapp.com").await;
        let url: Url = format!("wss://{}/ws/chat", server.address).parse().unwrap();
        let serving = async {
            let (_, socket) = tokio_websockets::ServerBuilder::new().accept(server.accept().await).await.unwrap();
            socket
        };
        let dialling = async {
            let stranger = Dialer::new(Some(&url), &Trust::default(), None).unwrap().open(&|_| ()).await.err().unwrap();
            assert!(matches!(stranger, Error::Tls(_)) && stranger.to_string().contains("whatsapp.extra_root"), "{stranger}");
            let trust = Trust::with_roots_in([server.root_pem.as_bytes()]).unwrap();
            Dialer::new(Some(&url), &trust, None).unwrap().open(&|_| ()).await.map(drop).unwrap();
        };
        tokio::join!(serving, dialling);
    }

    #[tokio::test]
    async fn a_name_that_leads_off_loopback_is_not_dialled_on_the_pretend_network() {
        let dialer = Dialer::new(Some(&"ws://192.0.2.1:9/".parse().unwrap()), &Trust::default(), None).unwrap();
        assert!(matches!(dialer.open(&|_| ()).await.err(), Some(Error::NotLoopback)));
    }
}
