//! Asking WhatsApp's own pages for the newest version, as a browser asks; or the one address that the operator named.
//!
//! No redirect is followed, no answer is read to more than two megabytes, nothing takes longer than ten seconds. On the pretend
//! network only that is asked.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures::future::{Either, select};
use reqwest::Client;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use url::{Host, Url};
use wharf_api::types::whatsapp::{self, VersionSource};
use wharf_core::proxy::Proxy;

use super::judge::{Doubt, agree};
use crate::http::{BROWSER, for_client};
use crate::transport::Trust;

const SITE: &str = "https://web.whatsapp.com/";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long the second page may take once the first has answered.
const SECOND_TIMEOUT: Duration = Duration::from_secs(2);
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// How a question ended. The words are the metric's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// Another status than 200.
    Status,
    /// No answer, or none to its end, or not in time.
    Unreachable,
    /// An answer without a number.
    Unreadable,
    Doubt(Doubt),
}

impl Miss {
    fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Unreachable => "unreachable",
            Self::Unreadable => "unreadable",
            Self::Doubt(doubt) => doubt.as_str(),
        }
    }
}

/// Judges a number.
pub(super) type Believe<'a> = dyn Fn(u32) -> Result<u32, Doubt> + Sync + 'a;
/// Hears how a question ended.
pub(super) type CountFetch<'a> = dyn Fn(VersionSource, &'static str) + Sync + 'a;

/// Where versions are told.
pub(crate) struct Sources {
    /// In this order.
    pages: Vec<(VersionSource, Url)>,
    https_only: bool,
    trust: Trust,
    proxy: Option<Proxy>,
    client: OnceLock<Option<Client>>,
}

impl Sources {
    /// `network` is the pretend network, whose pages are asked instead of WhatsApp's; `address` is the operator's, instead of either.
    pub(crate) fn new(network: Option<&Url>, address: Option<Url>) -> Result<Self> {
        if let Some(address) = address {
            ensure!(matches!(address.scheme(), "https" | "http"), "the address that tells the version must begin with https:// or http://");
            ensure!(network.is_none() || is_on_loopback(&address), "a sandbox asks for the version on loopback only");
            return Ok(Self::of(vec![(VersionSource::VersionUrl, address)], false));
        }
        let mut site = match network {
            None => Url::parse(SITE)?,
            Some(network) => network.clone(),
        };
        if network.is_some() {
            let scheme = if site.scheme() == "wss" { "https" } else { "http" };
            ensure!(site.set_scheme(scheme).is_ok(), "the network's address cannot be asked for the version");
        }
        site.set_path("/");
        let pages = vec![(VersionSource::SwJs, site.join("sw.js")?), (VersionSource::FrontPage, site)];
        Ok(Self::of(pages, network.is_none()))
    }

    fn of(pages: Vec<(VersionSource, Url)>, https_only: bool) -> Self {
        Self { pages, https_only, trust: Trust::default(), proxy: None, client: OnceLock::new() }
    }

    /// Believes the certificates and goes through the proxy that everything on the way to WhatsApp does.
    pub(crate) fn by(self, trust: Trust, proxy: Option<Proxy>) -> Self {
        Self { trust, proxy, ..self }
    }

    /// The version that the pages tell. `believe` judges a number; `count` hears how each question ended.
    pub(super) async fn ask(&self, believe: &Believe<'_>, count: &CountFetch<'_>) -> Option<(u32, VersionSource)> {
        let (first, second) = (self.told(0, believe, count), self.told(1, believe, count));
        futures::pin_mut!(first, second);
        let told = match select(first, second).await {
            Either::Left((Some(first), second)) => (Some(first), tokio::time::timeout(SECOND_TIMEOUT, second).await.ok().flatten()),
            Either::Left((None, second)) => (None, second.await),
            Either::Right((second, first)) => (first.await, second),
        };
        match told {
            (Some(first), Some(second)) if agree(first.0, second.0) != first.0 => Some(second),
            (Some(one), _) | (None, Some(one)) => Some(one),
            (None, None) => None,
        }
    }

    /// What one page tells.
    async fn told(&self, place: usize, believe: &Believe<'_>, count: &CountFetch<'_>) -> Option<(u32, VersionSource)> {
        let (source, url) = self.pages.get(place)?;
        let told = match self.page(*source, url).await {
            Ok(told) => believe(told).map_err(Miss::Doubt),
            Err(miss) => Err(miss),
        };
        count(*source, told.map_or_else(Miss::as_str, |_| "ok"));
        if let Err(miss) = told {
            tracing::warn!(source = source.as_str(), outcome = miss.as_str(), "no version of WhatsApp Web was got from this page");
        }
        Some((told.ok()?, *source))
    }

    async fn page(&self, source: VersionSource, url: &Url) -> Result<u32, Miss> {
        let client = self.client.get_or_init(|| self.client().ok()).as_ref().ok_or(Miss::Unreachable)?;
        let mut answer = client.get(url.clone()).headers(headers(source)).send().await.map_err(|_| Miss::Unreachable)?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(Miss::Status);
        }
        let mut text = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|_| Miss::Unreachable)? {
            text.extend_from_slice(&chunk);
            if text.len() >= MOST_BYTES {
                text.truncate(MOST_BYTES);
                break;
            }
        }
        let text = String::from_utf8_lossy(&text);
        whatsapp::parse(text.trim())
            .or_else(|| wacore::version::parse_sw_js(&text).map(|(_, _, revision)| revision))
            .ok_or(Miss::Unreadable)
    }

    #[expect(clippy::disallowed_methods, reason = "its address is WhatsApp's own or the operator's, and it follows no redirect")]
    fn client(&self) -> Result<Client> {
        // Somebody may have chosen one before; that one is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .https_only(self.https_only)
            .tls_backend_preconfigured(self.trust.for_http());
        let builder = match &self.proxy {
            Some(proxy) => builder.proxy(reqwest::Proxy::all(for_client(proxy)?)?),
            None => builder,
        };
        Ok(builder.build()?)
    }
}

/// What a browser sends that fetches the worker's script, or that a person opens the page with. WhatsApp answers others with 400.
fn headers(source: VersionSource) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    put(USER_AGENT, BROWSER);
    put(HeaderName::from_static("sec-fetch-site"), "none");
    put(ACCEPT_LANGUAGE, "en-US,en;q=0.9");
    if source == VersionSource::FrontPage {
        put(ACCEPT, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
        put(HeaderName::from_static("sec-fetch-mode"), "navigate");
        put(HeaderName::from_static("sec-fetch-dest"), "document");
        put(HeaderName::from_static("sec-fetch-user"), "?1");
    } else {
        put(ACCEPT, "*/*");
    }
    headers
}

fn is_on_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_asks_its_network_and_nobody_else() {
        let network: Url = "ws://127.0.0.1:7000/ws/chat".parse().unwrap();
        let pages = |sources: Sources| sources.pages.into_iter().map(|(_, url)| url.to_string()).collect::<Vec<_>>();
        assert_eq!(pages(Sources::new(Some(&network), None).unwrap()), ["http://127.0.0.1:7000/sw.js", "http://127.0.0.1:7000/"]);
        let far = Some("https://versions.example.com/".parse().unwrap());
        assert!(Sources::new(Some(&network), far.clone()).is_err());
        assert!(Sources::new(None, Some("ftp://127.0.0.1/".parse().unwrap())).is_err());
        assert_eq!(pages(Sources::new(None, far).unwrap()), ["https://versions.example.com/"]);
        assert_eq!(pages(Sources::new(None, None).unwrap()), ["https://web.whatsapp.com/sw.js", "https://web.whatsapp.com/"]);
    }

    #[tokio::test]
    async fn the_page_is_believed_by_the_same_root_as_the_socket() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let server = crate::transport::foreign::Foreign::start("web.whatsapp.com").await;
        let sources = |trust: Trust| {
            let url = format!("https://{}/", server.address).parse().unwrap();
            Sources::of(vec![(VersionSource::VersionUrl, url)], true).by(trust, None)
        };
        let answering = async {
            let mut stream = server.accept().await;
            let mut head = vec![0; 4096];
            let _ = stream.read(&mut head).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\nConnection: close\r\n\r\n2.3000.1045649367").await.unwrap();
            stream.shutdown().await.unwrap();
        };
        let asking = async {
            let ask = async |sources: Sources| sources.page(VersionSource::VersionUrl, &sources.pages[0].1).await;
            assert_eq!(ask(sources(Trust::default())).await, Err(Miss::Unreachable));
            assert_eq!(ask(sources(Trust::with_roots_in([server.root_pem.as_bytes()]).unwrap())).await, Ok(1_045_649_367));
        };
        tokio::join!(answering, asking);
    }
}
