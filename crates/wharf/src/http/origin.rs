//! Where a request comes from: the address of its connection or, where that is a proxy of the operator's, what the proxy says.
//!
//! Each proxy appends the address that it was asked from, so the list is read from its end, and an address counts only where a
//! trusted one told it. Whatever stands before that is anybody's word. Refuses to guess: what cannot be read, or is told in two
//! ways that differ, leaves the address of the proxy.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The addresses whose word about where a request comes from is believed. None by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

#[derive(Debug, thiserror::Error)]
#[error("an address such as 10.0.0.7, or a network such as 10.0.0.0/8, is expected")]
pub struct NotANetwork;

impl Proxies {
    /// Addresses and networks.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, NotANetwork> {
        texts.into_iter().map(|text| network(text.trim())).collect::<Result<_, _>>().map(Self)
    }

    /// The address behind a connection from `peer`.
    pub(super) fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trust(peer) {
            return peer;
        }
        let said = [(FORWARDED, forwarded as fn(&str) -> Option<IpAddr>), (X_FORWARDED_FOR, hop)];
        let mut told =
            said.into_iter().filter(|(name, _)| headers.contains_key(name)).map(|(name, read)| self.walk(peer, headers, &name, read));
        match (told.next(), told.next()) {
            (Some(one), None) => one,
            // A proxy writes one of them and passes the other on as it came.
            (Some(one), Some(other)) if one == other => one,
            _ => peer,
        }
    }

    /// Whether a proxy that is trusted says that it was asked by https.
    pub(super) fn said_https(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        if !self.trust(peer.to_canonical()) {
            return false;
        }
        // The nearest proxy wrote last.
        let last = |name: &HeaderName| {
            let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
            Some(value.rsplit(',').next().unwrap_or(value).trim().to_owned())
        };
        let plain = last(&X_FORWARDED_PROTO).is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
        let pairs = last(&FORWARDED).unwrap_or_default();
        let mut pairs = pairs.split(';').filter_map(|pair| pair.trim().split_once('='));
        plain || pairs.any(|(name, value)| name.eq_ignore_ascii_case("proto") && value.trim_matches('"').eq_ignore_ascii_case("https"))
    }

    /// From the end of the list to the first address that is no proxy of ours.
    fn walk(&self, peer: IpAddr, headers: &HeaderMap, name: &HeaderName, read: fn(&str) -> Option<IpAddr>) -> IpAddr {
        let mut last = peer;
        for value in headers.get_all(name).iter().rev() {
            for element in value.as_bytes().rsplit(|byte| *byte == b',') {
                match std::str::from_utf8(element).ok().and_then(|element| read(element.trim())) {
                    Some(address) if self.trust(address) => last = address,
                    Some(address) => return address,
                    None => return last,
                }
            }
        }
        last
    }

    pub(super) fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn network(text: &str) -> Result<IpNet, NotANetwork> {
    let alone = || text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
    IpNet::from_str(text).or_else(|_| alone()).map_err(|_| NotANetwork)
}

/// An address, with a port or without.
fn hop(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address| address.to_canonical())
}

/// What one element of `Forwarded` says of `for`. The list is cut at every comma, also within quotes: an address holds none, and
/// a quote that a stranger leaves open must not swallow what a proxy wrote behind it.
fn forwarded(element: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in element.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let value = unquoted(value)?;
        if name.eq_ignore_ascii_case("for") && found.replace(hop(value)?).is_some() {
            return None;
        }
    }
    found
}

/// The value of a pair; `None` for half of one.
fn unquoted(value: &str) -> Option<&str> {
    let inner = value.strip_prefix('"').map_or(Some(value), |rest| rest.strip_suffix('"'))?;
    (!inner.contains(['"', '\\'])).then_some(inner)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const PROXY: &str = "10.0.0.7";

    fn origin(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let proxies = Proxies::parse(["10.0.0.0/8", "192.168.1.1", "fd00::/8"]).unwrap();
        proxies.origin(peer.parse().unwrap(), &map).to_string()
    }

    fn listed(value: &str) -> String {
        origin(PROXY, &[("x-forwarded-for", value)])
    }

    fn told(value: &str) -> String {
        origin(PROXY, &[("forwarded", value)])
    }

    #[test]
    fn who_is_no_proxy_is_not_asked() {
        for peer in ["203.0.113.9", "192.168.1.2", "2001:db8::1"] {
            assert_eq!(origin(peer, &[("x-forwarded-for", "1.2.3.4")]), peer);
            assert_eq!(origin(peer, &[("forwarded", "for=1.2.3.4")]), peer);
        }
        let headers = HeaderMap::from_iter([(X_FORWARDED_FOR, HeaderValue::from_static("1.2.3.4"))]);
        let peer = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(Proxies::default().origin(peer, &headers), peer, "nobody is trusted by default");
        assert_eq!(origin(PROXY, &[]), PROXY);
    }

    #[test]
    fn the_first_address_from_the_end_that_is_no_proxy_counts() {
        assert_eq!(listed("198.51.100.4"), "198.51.100.4");
        assert_eq!(listed("6.6.6.6, 198.51.100.4"), "198.51.100.4", "what a caller wrote itself stands before it");
        assert_eq!(listed("6.6.6.6, 198.51.100.4, 192.168.1.1,10.1.2.3"), "198.51.100.4");
        assert_eq!(listed("10.1.2.3, 192.168.1.1"), "10.1.2.3", "from within the proxies' own network");
        assert_eq!(origin(PROXY, &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "198.51.100.4, 10.1.1.1")]), "198.51.100.4");
        assert_eq!(origin("::ffff:10.0.0.7", &[("x-forwarded-for", "198.51.100.4")]), "198.51.100.4");
        assert_eq!(told("for=6.6.6.6, for=198.51.100.4;proto=https;by=10.0.0.7, For=\"10.1.2.3:443\""), "198.51.100.4");
    }

    #[test]
    fn an_address_may_have_a_port_and_brackets() {
        for text in ["2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:4711"] {
            assert_eq!(listed(text), "2001:db8::7", "{text}");
            assert_eq!(told(&format!("proto=https;for=\"{text}\"")), "2001:db8::7", "{text}");
        }
        assert_eq!(listed("198.51.100.4:4711, [fd00::1]:80"), "198.51.100.4");
        assert_eq!(listed("::ffff:198.51.100.4"), "198.51.100.4");
    }

    #[test]
    fn what_cannot_be_read_ends_the_list() {
        for text in ["", "unknown", "_hidden", "1.2.3", "1.2.3.4:port", "[::1", "1.2.3.4;x", "fe80::1%eth0", "é"] {
            assert_eq!(listed(text), PROXY, "{text}");
            assert_eq!(listed(&format!("6.6.6.6, {text}, 10.1.2.3")), "10.1.2.3", "{text}");
        }
        for text in ["6.6.6.6", "for", "for=", "by=6.6.6.6", "for=6.6.6.6;for=7.7.7.7", "for=\"6.6.6.6", "for=\"\"6.6.6.6\"\"", "for=_x"] {
            assert_eq!(told(text), PROXY, "{text}");
        }
    }

    #[test]
    fn a_quote_of_a_strangers_neither_hides_nor_makes_an_address() {
        assert_eq!(told("for=\"x, for=198.51.100.4"), "198.51.100.4");
        for host in ["x,for=6.6.6.6", "x,for=6.6.6.6;y=", "x,for=6.6.6.6;y=\\\"", "x;for=6.6.6.6;y"] {
            assert_eq!(told(&format!("for=198.51.100.4;host=\"{host}\"")), PROXY, "{host}");
        }
    }

    #[test]
    fn two_lists_that_differ_are_not_believed() {
        let both = |one, other| origin(PROXY, &[("forwarded", one), ("x-forwarded-for", other)]);
        assert_eq!(both("for=6.6.6.6", "198.51.100.4"), PROXY);
        assert_eq!(both("for=198.51.100.4", "6.6.6.6, 198.51.100.4"), "198.51.100.4");
    }

    #[test]
    fn https_is_what_a_trusted_proxy_says_last() {
        let proxies = Proxies::parse(["10.0.0.0/8"]).unwrap();
        let said = |peer: &str, name: &'static str, value: &str| {
            proxies.said_https(
                peer.parse().unwrap(),
                &HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())]),
            )
        };
        assert!(said(PROXY, "x-forwarded-proto", "https") && said(PROXY, "x-forwarded-proto", "http, HTTPS"));
        assert!(said(PROXY, "forwarded", "for=1.2.3.4;proto=http, for=10.0.0.9; Proto=\"https\""));
        assert!(!said(PROXY, "x-forwarded-proto", "https, http") && !said(PROXY, "forwarded", "for=1.2.3.4"));
        assert!(!said("203.0.113.9", "x-forwarded-proto", "https"));
    }

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        for bad in ["", "proxy.example", "10.0.0.0/33", "10.0.0.1:80", "10.0.0.0-10.0.0.9"] {
            assert!(Proxies::parse([bad]).is_err(), "{bad}");
        }
        assert!(Proxies::parse(["10.0.0.7", " fd00::/8 "]).is_ok());
    }
}
