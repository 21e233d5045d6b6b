//! A proxy on the way to WhatsApp: which one, and with what name and password. Shows neither of these.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Url;

/// The longest address of a proxy.
const MOST_BYTES: usize = 1024;
/// SOCKS5 has one byte for the length of each.
const MOST_LOGIN_BYTES: usize = 255;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SOCKS5; the proxy resolves the names.
    Socks5,
    /// HTTP with CONNECT.
    Http,
}

/// Who the proxy is to take the gateway for.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    pub name: String,
    pub password: String,
}

/// `socks5://` or `http://`, perhaps `NAME:PASSWORD@`, a host, perhaps a port.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    url: Url,
    pub kind: Kind,
    /// Without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    pub login: Option<Login>,
}

/// Why a text names no proxy. Shows none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("socks5://HOST:PORT or http://HOST:PORT is expected, perhaps with NAME:PASSWORD@ before the host")]
    Scheme,
    #[error("the proxy's address has no host")]
    Host,
    #[error("a proxy's address ends after its port")]
    Tail,
    #[error("the proxy's name or password is empty or too long, or holds a character that it may not")]
    Login,
    #[error("the proxy's address is too long")]
    Long,
}

impl Proxy {
    /// The whole address, with name and password: for who dials, and for a seal.
    pub fn secret_url(&self) -> &Url {
        &self.url
    }

    /// Whether it is an address of this machine, and not a name that may lead anywhere.
    pub fn is_on_loopback(&self) -> bool {
        self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for Proxy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() > MOST_BYTES {
            return Err(Error::Long);
        }
        let url = Url::parse(text).map_err(|_| Error::Scheme)?;
        let (kind, port) = match url.scheme() {
            "socks5" | "socks5h" => (Kind::Socks5, 1080),
            "http" => (Kind::Http, 80),
            _ => return Err(Error::Scheme),
        };
        let host = url.host_str().map(|host| host.trim_matches(['[', ']']).to_owned()).filter(|host| !host.is_empty());
        let host = host.filter(|host| host.len() <= MOST_LOGIN_BYTES).ok_or(Error::Host)?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(Error::Tail);
        }
        let login = login(&url)?;
        Ok(Self { kind, host, port: url.port().unwrap_or(port), login, url })
    }
}

fn login(url: &Url) -> Result<Option<Login>, Error> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decoded = |text: &str| {
        let plain = percent_decode_str(text).decode_utf8().map_err(|_| Error::Login)?.into_owned();
        let fits = (1..=MOST_LOGIN_BYTES).contains(&plain.len()) && !plain.chars().any(char::is_control);
        if fits { Ok(plain) } else { Err(Error::Login) }
    };
    let name = decoded(url.username())?;
    // The name of HTTP's basic scheme ends at the first colon.
    if name.contains(':') {
        return Err(Error::Login);
    }
    Ok(Some(Login { name, password: decoded(url.password().unwrap_or_default())? }))
}

/// Where it is; that there is a name and password, and not which.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            Kind::Socks5 => "socks5",
            Kind::Http => "http",
        };
        let login = if self.login.is_some() { "***@" } else { "" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "{scheme}://{login}{host}:{}", self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_has_a_kind_a_host_a_port_and_perhaps_a_login() {
        let plain: Proxy = "socks5://proxy.example:1081".parse().unwrap();
        assert_eq!((plain.kind, plain.host.as_str(), plain.port), (Kind::Socks5, "proxy.example", 1081));
        assert!(plain.login.is_none());
        let short: Proxy = "http://[::1]".parse().unwrap();
        assert_eq!((short.kind, short.host.as_str(), short.port), (Kind::Http, "::1", 80));
        assert_eq!("socks5h://10.0.0.1".parse::<Proxy>().unwrap().port, 1080);
        let login = "http://user:p%40ss%3Aword@10.0.0.1:3128".parse::<Proxy>().unwrap().login.unwrap();
        assert_eq!((login.name.as_str(), login.password.as_str()), ("user", "p@ss:word"));
    }

    #[test]
    fn what_is_no_proxy_is_refused_for_its_reason() {
        let long = format!("http://{}.example", "x".repeat(1100));
        for (text, error) in [
            ("proxy.example:1080", Error::Scheme),
            ("https://proxy.example", Error::Scheme),
            ("socks4://proxy.example", Error::Scheme),
            ("", Error::Scheme),
            ("socks5://", Error::Host),
            ("socks5://host/path", Error::Tail),
            ("http://host/?a=b", Error::Tail),
            ("http://:secret@host", Error::Login),
            ("http://user@host", Error::Login),
            ("http://us%3Aer:secret@host", Error::Login),
            ("http://user:se%0Acret@host", Error::Login),
            ("http://user:%ff@host", Error::Login),
            (&long, Error::Long),
        ] {
            assert_eq!(text.parse::<Proxy>().err(), Some(error), "{text}");
        }
    }

    #[test]
    fn name_and_password_are_never_shown() {
        let proxy: Proxy = "socks5://user:secret@[::1]:9".parse().unwrap();
        for shown in [proxy.to_string(), format!("{proxy:?}")] {
            assert!(shown.contains("socks5://***@[::1]:9") && !shown.contains("secret") && !shown.contains("user"), "{shown}");
        }
    }

    #[test]
    fn only_an_address_of_this_machine_is_on_loopback() {
        let near = |text: &str| text.parse::<Proxy>().unwrap().is_on_loopback();
        assert!(near("socks5://127.0.0.1:1") && near("http://[::1]:1"));
        assert!(!near("socks5://localhost:1") && !near("http://10.0.0.1:1") && !near("socks5://127.0.0.1.example.com:1"));
    }
}
