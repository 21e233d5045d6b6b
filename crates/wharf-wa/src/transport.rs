//! How a client reaches its server: TCP without Nagle's delay, TLS where the address wants it, a web socket on top.
//!
//! The library's own transport leaves Nagle on, which costs 5 to 10 ms on every alternating message.

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderValue, Uri, header};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_websockets::ClientBuilder;
use url::Url;
use wacore::net::{Transport, TransportEvent, TransportFactory, WHATSAPP_WEB_ORIGIN, WHATSAPP_WEB_WS_URL};
use whatsapp_rust::transport::{Connector, default_tls_connector, from_websocket};

use crate::gate::Gate;

/// How many sessions may be opening their sockets at the same time. After an outage they all want to at once.
const OPENING: usize = 64;

/// Opens connections to one address. Shared by all sessions, with its TLS settings.
pub(crate) struct Dialer {
    uri: Uri,
    host: String,
    port: u16,
    connector: Connector,
    opening: Semaphore,
}

impl Dialer {
    /// `None` is WhatsApp's own address.
    pub(crate) fn new(url: Option<&Url>) -> anyhow::Result<Self> {
        let text = url.map_or(WHATSAPP_WEB_WS_URL, Url::as_str);
        let uri: Uri = text.parse()?;
        let secure = match uri.scheme_str() {
            Some("wss") => true,
            Some("ws") => false,
            _ => anyhow::bail!("the server's address must begin with wss:// or ws://"),
        };
        let host = uri.host().ok_or_else(|| anyhow::anyhow!("the server's address has no host"))?;
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            connector: if secure { default_tls_connector() } else { Connector::Plain },
            uri,
            opening: Semaphore::new(OPENING),
        })
    }
}

/// One session's hold on the shared [`Dialer`]; calls `dialing` whenever the client begins a connection.
pub(crate) struct Dial<F> {
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) dialing: F,
    /// What is sent passes it.
    pub(crate) gate: Arc<Gate>,
}

#[async_trait]
impl<F: Fn() + Send + Sync> TransportFactory for Dial<F> {
    async fn create_transport(&self) -> anyhow::Result<(Arc<dyn Transport>, async_channel::Receiver<TransportEvent>)> {
        (self.dialing)();
        let dialer = &self.dialer;
        let _permit = dialer.opening.acquire().await?;
        let stream = TcpStream::connect((dialer.host.as_str(), dialer.port)).await?;
        stream.set_nodelay(true)?;
        let stream = dialer.connector.wrap(&dialer.host, stream).await?;
        let builder =
            ClientBuilder::from_uri(dialer.uri.clone()).add_header(header::ORIGIN, HeaderValue::from_static(WHATSAPP_WEB_ORIGIN))?;
        let (socket, _) = builder.connect_on(stream).await?;
        let (transport, events) = from_websocket(socket);
        Ok((self.gate.guard(transport), events))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gives_host_port_and_whether_tls_is_wanted() {
        let dialer = |text: &str| Dialer::new(Some(&text.parse().unwrap()));
        let plain = dialer("ws://127.0.0.1:4321/ws/chat").unwrap();
        assert_eq!((plain.host.as_str(), plain.port), ("127.0.0.1", 4321));
        assert!(matches!(plain.connector, Connector::Plain));
        let six = dialer("ws://[::1]:4321/ws/chat").unwrap();
        assert_eq!(six.host, "::1");
        let real = Dialer::new(None).unwrap();
        assert_eq!((real.host.as_str(), real.port), ("web.whatsapp.com", 443));
        assert!(!matches!(real.connector, Connector::Plain));
        assert!(dialer("https://127.0.0.1/").is_err());
    }
}
