//! What is said to a proxy before it lets a connection through: SOCKS5 and HTTP CONNECT.

use std::io;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use wharf_core::proxy::{Kind, Login, Proxy};

/// The longest head of an answer to CONNECT.
const HEAD_BYTES: usize = 8 * 1024;

/// Why a proxy is of no use. Names neither it nor whoever it was to let through.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the proxy wants a name and password")]
    WantsLogin,
    #[error("the proxy refuses the name or password")]
    BadLogin,
    #[error("the proxy does not let the connection through: {0}")]
    Refused(String),
    #[error("what answers does not speak {0}")]
    Foreign(&'static str),
    #[error("the proxy ended the connection")]
    Io(#[from] io::Error),
}

/// Asks for a connection to `host`; afterwards the stream leads there.
pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, proxy: &Proxy, host: &str, port: u16) -> Result<(), Error> {
    match proxy.kind {
        Kind::Socks5 => socks5(stream, proxy.login.as_ref(), host, port).await,
        Kind::Http => connect(stream, proxy.login.as_ref(), host, port).await,
    }
}

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const WITH_LOGIN: u8 = 2;
const NO_METHOD: u8 = 0xff;

async fn socks5<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, login: Option<&Login>, host: &str, port: u16) -> Result<(), Error> {
    let methods: &[u8] = if login.is_some() { &[NO_LOGIN, WITH_LOGIN] } else { &[NO_LOGIN] };
    stream.write_all(&[&[VERSION, length(methods)], methods].concat()).await?;
    let [version, method] = read(stream).await?;
    if version != VERSION {
        return Err(Error::Foreign("SOCKS5"));
    }
    match (method, login) {
        (NO_LOGIN, _) => {}
        (WITH_LOGIN, Some(login)) => {
            let (name, password) = (login.name.as_bytes(), login.password.as_bytes());
            stream.write_all(&[&[1, length(name)], name, &[length(password)], password].concat()).await?;
            let [_, status] = read(stream).await?;
            if status != 0 {
                return Err(Error::BadLogin);
            }
        }
        (NO_METHOD, None) => return Err(Error::WantsLogin),
        _ => return Err(Error::Refused("it wants another kind of login".to_owned())),
    }
    // A name goes over as a name: where it leads is the proxy's to find out.
    let place = match host.parse() {
        Ok(IpAddr::V4(address)) => [&[1][..], &address.octets()].concat(),
        Ok(IpAddr::V6(address)) => [&[4][..], &address.octets()].concat(),
        Err(_) => [&[3, length(host.as_bytes())], host.as_bytes()].concat(),
    };
    stream.write_all(&[&[VERSION, 1, 0], place.as_slice(), &port.to_be_bytes()].concat()).await?;
    let [version, reply, _, kind] = read(stream).await?;
    if version != VERSION {
        return Err(Error::Foreign("SOCKS5"));
    }
    if reply != 0 {
        return Err(Error::Refused(reason(reply).to_owned()));
    }
    // Where it connects from, which nobody needs.
    let rest = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(read::<1, S>(stream).await?[0]),
        _ => return Err(Error::Foreign("SOCKS5")),
    };
    stream.read_exact(&mut vec![0; rest + 2]).await?;
    Ok(())
}

/// Of what a proxy's settings and SOCKS5 bound to 255.
fn length(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).unwrap_or(u8::MAX)
}

async fn read<const N: usize, S: AsyncRead + Unpin>(stream: &mut S) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

const fn reason(reply: u8) -> &'static str {
    match reply {
        2 => "its rules forbid it",
        3 | 4 => "it cannot reach the server",
        5 => "the server refuses it",
        6 => "the way is too long",
        7 | 8 => "it does not know how",
        _ => "it failed",
    }
}

async fn connect<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, login: Option<&Login>, host: &str, port: u16) -> Result<(), Error> {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let login = login.map_or_else(String::new, |login| {
        format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(format!("{}:{}", login.name, login.password)))
    });
    stream.write_all(format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{login}\r\n").as_bytes()).await?;
    let mut head = Vec::new();
    // Byte by byte: what comes after the head belongs to the connection behind it.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD_BYTES {
            return Err(Error::Foreign("HTTP"));
        }
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.split_ascii_whitespace();
    let status = words.next().filter(|word| word.starts_with("HTTP/1.")).and_then(|_| words.next()?.parse().ok());
    match status {
        Some(200..=299) => Ok(()),
        Some(407) if login.is_empty() => Err(Error::WantsLogin),
        Some(407) => Err(Error::BadLogin),
        Some(status @ 100..=599) => Err(Error::Refused(format!("it answers {status}"))),
        _ => Err(Error::Foreign("HTTP")),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    /// What the proxy was told, and what came of it, where it answers with these bytes.
    async fn told(proxy: &str, host: &str, answers: &[u8]) -> (Vec<u8>, Result<(), Error>) {
        let (mut near, mut far) = duplex(16 * 1024);
        far.write_all(answers).await.unwrap();
        let outcome = open(&mut near, &proxy.parse().unwrap(), host, 443).await;
        drop(near);
        let mut said = Vec::new();
        far.read_to_end(&mut said).await.unwrap();
        (said, outcome)
    }

    #[tokio::test]
    async fn socks5_is_told_the_name_and_not_an_address() {
        let (said, outcome) = told("socks5://p", "web.whatsapp.com", &[5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await;
        outcome.unwrap();
        assert_eq!(said, [&[5, 1, 0, 5, 1, 0, 3, 16][..], b"web.whatsapp.com", &[1, 187]].concat());
        let (said, outcome) = told("socks5://p", "::1", &[5, 0, 5, 0, 0, 3, 1, b'x', 0, 0]).await;
        outcome.unwrap();
        assert_eq!(said[3..8], [5, 1, 0, 4, 0]);
    }

    #[tokio::test]
    async fn socks5_gets_name_and_password_where_it_wants_them() {
        let answers = [&[5, 2, 1, 0][..], &[5, 0, 0, 4], &[0; 18]].concat();
        let (said, outcome) = told("socks5://me:secret@p", "h", &answers).await;
        outcome.unwrap();
        assert_eq!(said, [&[5, 2, 0, 2, 1, 2][..], b"me", &[6], b"secret", &[5, 1, 0, 3, 1], b"h", &[1, 187]].concat());
    }

    #[tokio::test]
    async fn each_refusal_of_a_socks5_proxy_has_its_words() {
        for (proxy, answers, words) in [
            ("socks5://p", &[5, 255][..], "wants a name and password"),
            ("socks5://me:secret@p", &[5, 2, 1, 1], "refuses the name or password"),
            ("socks5://me:secret@p", &[5, 255], "another kind of login"),
            ("socks5://p", &[5, 0, 5, 2, 0, 1], "its rules forbid it"),
            ("socks5://p", &[5, 0, 5, 5, 0, 1], "the server refuses it"),
            ("socks5://p", b"HTTP/1.1 400", "does not speak SOCKS5"),
            ("socks5://p", &[5, 0, 5, 0, 0, 9], "does not speak SOCKS5"),
        ] {
            let error = told(proxy, "h", answers).await.1.unwrap_err().to_string();
            assert!(error.contains(words) && !error.contains("secret"), "{error}");
        }
    }

    #[tokio::test]
    async fn connect_shows_name_and_password_and_takes_nothing_of_what_follows_the_head() {
        let (mut near, mut far) = duplex(1024);
        far.write_all(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nhello").await.unwrap();
        open(&mut near, &"http://me:secret@p".parse().unwrap(), "::1", 443).await.unwrap();
        assert_eq!(read::<5, _>(&mut near).await.unwrap(), *b"hello");
        let mut said = vec![0; 1024];
        let length = far.read(&mut said).await.unwrap();
        let said = String::from_utf8(said[..length].to_vec()).unwrap();
        assert_eq!(said, "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n");
    }

    #[tokio::test]
    async fn each_refusal_of_an_http_proxy_has_its_words() {
        let endless = [b"HTTP/1.1 200 OK\r\n".to_vec(), vec![b'x'; HEAD_BYTES]].concat();
        for (proxy, answer, words) in [
            ("http://p", &b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"[..], "wants a name and password"),
            ("http://me:secret@p", b"HTTP/1.0 407 No\r\n\r\n", "refuses the name or password"),
            ("http://p", b"HTTP/1.1 403 Forbidden\r\n\r\n", "it answers 403"),
            ("http://p", b"SSH-2.0-x\r\n\r\n", "does not speak HTTP"),
            ("http://p", &endless, "does not speak HTTP"),
        ] {
            let error = told(proxy, "h", answer).await.1.unwrap_err().to_string();
            assert!(error.contains(words) && !error.contains("secret"), "{error}");
        }
    }
}
