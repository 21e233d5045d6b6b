//! Which WhatsApp the gateway talks to: the real one, or the pretend one. A program knows one world only, and so does
//! a database.

use std::net::IpAddr;

use url::{Host, Url};
use wharf_core::egress::Reach;
use wharf_core::proxy::Proxy;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum World {
    /// WhatsApp itself.
    Production,
    /// The pretend network at this WebSocket address, which must be on loopback.
    Sandbox { network_url: String },
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "this build contains the sandbox: it would accept any server's certificate for WhatsApp's. \
         Build the release program by itself: cargo build --release -p wharf"
    )]
    TrustsAnybody,
    #[error("this build checks WhatsApp's certificate and cannot talk to the pretend network")]
    TrustsNobody,
    #[error("the database belongs to the {found} world, and this program to the {own} one")]
    ForeignDatabase { found: String, own: &'static str },
    #[error("the pretend network's address must be a WebSocket address on loopback, such as ws://127.0.0.1:7000")]
    NotLoopback,
    #[error("the bucket of a sandbox must be on loopback, such as http://127.0.0.1:9000")]
    FarBucket,
    #[error("the collector of a sandbox's traces must be on loopback, such as http://127.0.0.1:4318")]
    FarCollector,
    #[error("the NATS server of a sandbox must be on loopback, such as nats://127.0.0.1:4222")]
    FarNats,
    #[error("whatsapp.proxy (WHARF_WHATSAPP_PROXY) is set: a sandbox uses no proxy, for nothing of it leaves the machine")]
    Proxied,
}

impl World {
    /// The mark that its databases carry.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Sandbox { .. } => "sandbox",
        }
    }

    /// How far media URLs and webhooks may lead: as far as the operator says, but never out of the sandbox.
    pub const fn reach(&self, configured: Reach) -> Reach {
        match self {
            Self::Production => configured,
            Self::Sandbox { .. } => Reach::Loopback,
        }
    }

    /// Asks the client library whether it was built for this world.
    pub fn check_build(&self) -> Result<(), Error> {
        match (self, wharf_wa::accepts_foreign_chain()) {
            (Self::Production, true) => Err(Error::TrustsAnybody),
            (Self::Sandbox { .. }, false) => Err(Error::TrustsNobody),
            _ => Ok(()),
        }
    }

    pub(crate) fn check_database(&self, found: &str) -> Result<(), Error> {
        if found == self.name() { Ok(()) } else { Err(Error::ForeignDatabase { found: found.to_owned(), own: self.name() }) }
    }

    /// Files of a sandbox stay on the machine.
    pub(crate) fn check_bucket(&self, endpoint: &str) -> Result<(), Error> {
        let near = || Url::parse(endpoint).is_ok_and(|url| on_loopback(&url));
        if matches!(self, Self::Production) || near() { Ok(()) } else { Err(Error::FarBucket) }
    }

    /// Traces of a sandbox stay on the machine.
    pub(crate) fn check_collector(&self, otlp: Option<&crate::traces::settings::Settings>) -> Result<(), Error> {
        let near = otlp.is_none_or(|otlp| on_loopback(&otlp.endpoint));
        if matches!(self, Self::Production) || near { Ok(()) } else { Err(Error::FarCollector) }
    }

    /// What nodes of a sandbox say to each other stays on the machine.
    pub(crate) fn check_nats(&self, url: &str) -> Result<(), Error> {
        // An address is read as one only behind a scheme that is known.
        let near = || {
            let (_, place) = url.split_once("://")?;
            Url::parse(&format!("http://{place}")).ok().filter(on_loopback)
        };
        if matches!(self, Self::Production) || near().is_some() { Ok(()) } else { Err(Error::FarNats) }
    }

    /// A sandbox dials loopback itself.
    pub(crate) const fn check_proxy(&self, proxy: Option<&Proxy>) -> Result<(), Error> {
        match (self, proxy) {
            (Self::Sandbox { .. }, Some(_)) => Err(Error::Proxied),
            _ => Ok(()),
        }
    }

    /// Where sessions connect; `None` is WhatsApp's own address.
    pub fn network(&self) -> Result<Option<Url>, Error> {
        let Self::Sandbox { network_url } = self else { return Ok(None) };
        let url = Url::parse(network_url).map_err(|_| Error::NotLoopback)?;
        if on_loopback(&url) && matches!(url.scheme(), "ws" | "wss") { Ok(Some(url)) } else { Err(Error::NotLoopback) }
    }
}

fn on_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        // A name can point anywhere, also this one.
        Some(Host::Domain(_)) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_sandbox_stay_on_the_machine() {
        let sandbox = World::Sandbox { network_url: "ws://127.0.0.1:1".to_owned() };
        assert!(sandbox.check_bucket("http://127.0.0.1:9000").is_ok());
        for far in ["https://s3.example.com", "http://localhost:9000", "http://192.0.2.1:9000", "nowhere"] {
            assert!(sandbox.check_bucket(far).is_err(), "{far}");
        }
        assert!(World::Production.check_bucket("https://s3.example.com").is_ok());
    }

    #[test]
    fn a_sandbox_uses_no_proxy_not_even_a_near_one() {
        let sandbox = World::Sandbox { network_url: "ws://127.0.0.1:1".to_owned() };
        let proxy: Proxy = "socks5://127.0.0.1:1080".parse().unwrap();
        assert!(sandbox.check_proxy(Some(&proxy)).unwrap_err().to_string().contains("WHARF_WHATSAPP_PROXY"));
        assert!(sandbox.check_proxy(None).is_ok() && World::Production.check_proxy(Some(&proxy)).is_ok());
    }

    #[test]
    fn the_pretend_network_is_on_loopback_or_nowhere() {
        let network = |url: &str| World::Sandbox { network_url: url.to_owned() }.network();
        for good in ["ws://127.0.0.1:7000/ws/chat", "ws://[::1]:7000", "ws://127.9.9.9:1/"] {
            assert!(network(good).unwrap().is_some(), "{good}");
        }
        for bad in [
            "ws://192.0.2.1:9/",
            "wss://web.whatsapp.com/ws/chat",
            "ws://127.0.0.1.example.com/",
            "ws://localhost:1/",
            "http://127.0.0.1:1/",
            "x",
        ] {
            assert!(network(bad).is_err(), "{bad}");
        }
        assert_eq!(World::Production.network().unwrap(), None);
    }

    #[test]
    fn a_database_of_the_other_world_is_refused() {
        assert!(World::Production.check_database("production").is_ok());
        let refused = World::Production.check_database("sandbox").unwrap_err().to_string();
        assert!(refused.contains("sandbox"));
    }
}
