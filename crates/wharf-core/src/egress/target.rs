//! What a URL says about where it leads, before anybody is asked for an address.

use std::net::IpAddr;

use url::{Host, Url};

use super::Reach;

/// Longer ones are nobody's web address.
const URL_BYTES: usize = 2048;
const NAME_BYTES: usize = 253;

/// Ports above the well-known ones at which something listens that speaks no HTTP and obeys strangers. Below 1024
/// only 80 and 443 are for the web.
const OTHER_SERVICES: &[u16] = &[
    1080, 1099, 1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 2379, 2380, 2483, 2484, 3128, 3260, 3306, 3389, 3659, 4045, 4190, 4222,
    4369, 5038, 5060, 5061, 5432, 5433, 5671, 5672, 5900, 5984, 5985, 5986, 6000, 6222, 6379, 6380, 6443, 6566, 6665, 6666, 6667, 6668,
    6669, 6679, 6697, 7199, 8125, 8222, 8300, 8301, 8500, 8600, 9042, 9092, 9160, 9200, 9300, 10080, 10250, 10255, 11211, 15672, 16379,
    25672, 26257, 27017, 27018, 27019,
];

/// Ends of names that are never on the public Internet.
const INNER_DOMAINS: &[&str] = &[
    "localhost",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "localdomain",
    "home.arpa",
    "in-addr.arpa",
    "ip6.arpa",
    "onion",
    "alt",
    "invalid",
    "test",
    "example",
];

/// Why a URL is refused. Nothing but what can be read in the URL itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub &'static str);

/// A URL that may be asked for, as far as its text tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub url: Url,
    /// The name or the literal address, without brackets.
    pub host: String,
    /// Where the host is an address and no name.
    pub address: Option<IpAddr>,
    pub port: u16,
}

/// Judges the text of a URL. A name in it is still to be resolved, and every address then to be judged.
pub fn target(text: &str, reach: Reach) -> Result<Target, Refused> {
    if text.len() > URL_BYTES {
        return Err(Refused("it is longer than 2048 bytes"));
    }
    // The parser would drop or turn these silently, and another parser would read another host.
    if text.bytes().any(|byte| byte.is_ascii_control() || byte == b' ' || byte == b'\\') {
        return Err(Refused("it holds a space, a control character or a backslash"));
    }
    let url = Url::parse(text).map_err(|_| Refused("it is not a URL"))?;
    judge(url, text, reach)
}

/// Of a URL that begins with `NAME:PASSWORD@`.
pub const NAMED: Refused = Refused("it holds a user's name or password");

fn judge(url: Url, text: &str, reach: Reach) -> Result<Target, Refused> {
    match url.scheme() {
        "https" => {}
        "http" if reach.allows_plain_http() => {}
        "http" => return Err(Refused("https is required")),
        _ => return Err(Refused("http or https is required")),
    }
    // `http:host` and `http:///host` are URLs too, for a browser.
    let after_scheme = &text[url.scheme().len()..];
    if !after_scheme.starts_with("://") || after_scheme.starts_with(":///") {
        return Err(Refused("two slashes are expected after the scheme"));
    }
    if !url.username().is_empty() || url.password().is_some() || authority(after_scheme).contains('@') {
        return Err(NAMED);
    }
    if authority(after_scheme).contains('%') {
        return Err(Refused("its host is percent-encoded"));
    }
    let port = url.port_or_known_default().ok_or(Refused("it has no port"))?;
    if port == 0 || (port < 1024 && port != 80 && port != 443) || OTHER_SERVICES.contains(&port) {
        return Err(Refused("its port is not one of the web"));
    }
    let (host, address) = match url.host() {
        Some(Host::Domain(name)) => {
            check_name(name, reach)?;
            (name.to_owned(), None)
        }
        Some(Host::Ipv4(address)) => (address.to_string(), Some(IpAddr::V4(address))),
        Some(Host::Ipv6(address)) => (address.to_string(), Some(IpAddr::V6(address))),
        None => return Err(Refused("it has no host")),
    };
    if address.is_some_and(|address| !reach.allows(address)) {
        return Err(Refused("its address may not be reached"));
    }
    Ok(Target { url, host, address, port })
}

/// The text between the slashes and the path: what people take for the host.
fn authority(after_scheme: &str) -> &str {
    let rest = after_scheme.trim_start_matches(':').trim_start_matches('/');
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

fn check_name(name: &str, reach: Reach) -> Result<(), Refused> {
    if name.len() > NAME_BYTES || name.split('.').any(|label| label.is_empty() || label.len() > 63) {
        return Err(Refused("its host is not a domain name"));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')) {
        return Err(Refused("its host is not a domain name"));
    }
    if reach != Reach::Public {
        return Ok(());
    }
    let inner = INNER_DOMAINS.iter().any(|end| name.strip_suffix(end).is_some_and(|head| head.is_empty() || head.ends_with('.')));
    if inner || !name.contains('.') {
        return Err(Refused("its host is not a public name"));
    }
    Ok(())
}

/// The last segment of the path, decoded: a name to show.
pub fn name_in(url: &Url) -> Option<String> {
    let segment = url.path_segments()?.next_back().filter(|segment| !segment.is_empty())?;
    Some(percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests;
