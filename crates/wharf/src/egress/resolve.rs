//! Names to addresses: asked anew for every connection, and every answer judged.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::future::BoxFuture;
use hickory_resolver::config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;
use hickory_resolver::{Resolver, TokioResolver};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;
use wharf_core::egress::{Error, Reach};

const TIMEOUT: Duration = Duration::from_secs(2);
/// How many addresses of a name are tried at the most.
const ADDRESSES: usize = 16;

/// A resolver that gives out nothing that may not be reached.
pub(super) struct Guarded {
    reach: Reach,
    name_server: Option<SocketAddr>,
    /// Made when the first name is asked for. `None` where the machine names no name server: no name can be resolved then.
    resolver: OnceLock<Option<Arc<TokioResolver>>>,
}

impl Guarded {
    pub(super) fn new(reach: Reach, name_server: Option<SocketAddr>) -> Self {
        Self { reach, name_server, resolver: OnceLock::new() }
    }

    /// The resolver, as the machine's settings were when it was asked for first.
    pub(super) fn resolver(&self) -> Option<&Arc<TokioResolver>> {
        self.resolver.get_or_init(|| resolver(self.name_server).map(Arc::new)).as_ref()
    }

    /// The addresses of a name with no port, each of which may be reached.
    pub(super) fn addresses(&self, name: String) -> BoxFuture<'static, Result<Vec<SocketAddr>, Error>> {
        let (resolver, reach) = (self.resolver().cloned(), self.reach);
        Box::pin(async move {
            let addresses = look_up(resolver.as_deref(), &name).await?;
            if !addresses.iter().all(|address| reach.allows(address.ip())) {
                tracing::warn!(host = name.as_str(), "a name resolves to an address that may not be reached");
                return Err(Error::Blocked);
            }
            Ok(addresses)
        })
    }

    /// Whether no name server says anything at all, so that a URL with a name can reach nobody. Every name server knows of the root; that
    /// one name is not answered proves nothing, for its own servers may be away.
    pub(super) async fn is_silent(&self, url: &str) -> bool {
        let named = Url::parse(url).is_ok_and(|url| url.domain().is_some());
        let Some(resolver) = self.resolver().filter(|_| named) else { return false };
        !matches!(resolver.lookup(".", RecordType::NS).await, Ok(_) | Err(NetError::Dns(_)))
    }
}

fn resolver(name_server: Option<SocketAddr>) -> Option<TokioResolver> {
    let builder = match name_server {
        None => TokioResolver::builder_tokio(),
        Some(address) => {
            let (mut udp, mut tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
            (udp.port, tcp.port) = (address.port(), address.port());
            let server = NameServerConfig::new(address.ip(), true, vec![udp, tcp]);
            let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
            Ok(Resolver::builder_with_config(config, TokioRuntimeProvider::default()))
        }
    };
    let built = builder.and_then(|mut builder| {
        let options = builder.options_mut();
        // Both families: a name is refused if any of its addresses is.
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.cache_size = 0;
        options.timeout = TIMEOUT;
        options.attempts = 2;
        builder.build()
    });
    built.map_err(|error| tracing::warn!(%error, "no name server can be used; names will not be resolved")).ok()
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.addresses(name.as_str().to_owned());
        Box::pin(async move { Ok(Box::new(found.await?.into_iter()) as Addrs) })
    }
}

/// Every address of the name, with no port.
async fn look_up(resolver: Option<&TokioResolver>, name: &str) -> Result<Vec<SocketAddr>, Error> {
    // With its dot the name is whole: the machine's search list must not complete it.
    let whole = format!("{}.", name.trim_end_matches('.'));
    let found = resolver.ok_or(Error::Unresolved)?.lookup_ip(whole).await.map_err(|_| Error::Unresolved)?;
    let addresses: Vec<SocketAddr> = found.iter().map(|address| SocketAddr::new(address, 0)).collect();
    match addresses.len() {
        0 => Err(Error::Unresolved),
        1..=ADDRESSES => Ok(addresses),
        // Each of them would have to be judged; a name with that many plays with us.
        _ => Err(Error::Blocked),
    }
}
