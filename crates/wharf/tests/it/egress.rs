//! The guard on the way out: what a server can do to a download, and what a name or a redirect can do to the guard.

mod namespace;
pub mod town;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wharf::egress::{Guard, Settings};
use wharf_core::egress::{Egress, Error, Fetch, Fetched, Post, REPLY_BYTES, Reach, Refused, Sink, Stop};

use town::{Certificates, Web};

/// Keeps what came, up to a size at which it wants no more.
struct Bucket {
    bytes: Vec<u8>,
    full: usize,
}

#[async_trait]
impl Sink for Bucket {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Stop> {
        self.bytes.extend_from_slice(&bytes);
        if self.bytes.len() > self.full { Err(Stop) } else { Ok(()) }
    }
}

async fn fetch_into(guard: &Guard, url: &str, limit_bytes: u64, full: usize) -> (Result<Fetched, Error>, Vec<u8>) {
    let mut bucket = Bucket { bytes: Vec::new(), full };
    let fetch = Fetch { url: url.to_owned(), limit_bytes, timeout: Duration::from_secs(30), content_type: None };
    (guard.fetch(fetch, &mut bucket).await, bucket.bytes)
}

async fn fetch(guard: &Guard, url: &str) -> Result<Fetched, Error> {
    fetch_into(guard, url, 1_000_000, usize::MAX).await.0
}

async fn post(guard: &Guard, url: &str, headers: &[(&str, &str)]) -> Result<wharf_core::egress::Reply, Error> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    guard.post(Post { url: url.to_owned(), headers, body: Bytes::from_static(b"{}"), timeout: Duration::from_secs(30) }).await
}

fn sandbox() -> Guard {
    Guard::new(&Settings::new(Reach::Loopback)).unwrap()
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn a_file_comes_whole_and_with_its_name() {
    let web = Web::plain(|_| ok("hello")).await;
    let (fetched, bytes) = fetch_into(&sandbox(), &web.url("/a/My%20file.pdf?x=1"), 5, 5).await;
    assert_eq!(fetched, Ok(Fetched { size: 5, file_name: Some("My file.pdf".to_owned()), content_type: None }));
    assert_eq!(bytes, b"hello");
    let head = web.heads().remove(0).to_lowercase();
    assert!(head.contains("accept-encoding: identity") && !head.contains("referer"), "{head}");
}

#[tokio::test]
async fn a_size_that_is_announced_too_large_is_refused_before_a_byte_is_read() {
    let web = Web::plain(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n12345678901".to_vec()).await;
    let (refused, bytes) = fetch_into(&sandbox(), &web.url("/"), 10, 100).await;
    assert_eq!(refused, Err(Error::TooLarge { limit: 10, actual: 11 }));
    assert!(bytes.is_empty());
    assert!(fetch_into(&sandbox(), &web.url("/"), 11, 100).await.0.is_ok());
}

#[tokio::test]
async fn a_missing_length_lets_nothing_more_in() {
    let endless = |_: &str| {
        let mut answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for _ in 0..64 {
            answer.extend_from_slice(b"400\r\n");
            answer.extend_from_slice(&[b'x'; 1024]);
            answer.extend_from_slice(b"\r\n");
        }
        answer
    };
    let chunked = Web::plain(endless).await;
    let (refused, _) = fetch_into(&sandbox(), &chunked.url("/"), 2048, usize::MAX).await;
    assert!(matches!(refused, Err(Error::TooLarge { limit: 2048, actual }) if actual > 2048), "{refused:?}");
    let until_closed = Web::plain(|_| [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[b'x'; 4096]].concat()).await;
    let (refused, _) = fetch_into(&sandbox(), &until_closed.url("/"), 4095, usize::MAX).await;
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "{refused:?}");
    assert_eq!(fetch_into(&sandbox(), &until_closed.url("/"), 4096, usize::MAX).await.1.len(), 4096);
}

#[tokio::test]
async fn a_length_that_lies_is_a_broken_answer_or_the_shorter_file() {
    let long = Web::plain(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n12345".to_vec()).await;
    assert_eq!(fetch(&sandbox(), &long.url("/")).await, Err(Error::Broken));
    let short = Web::plain(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234567890".to_vec()).await;
    assert_eq!(fetch(&sandbox(), &short.url("/")).await.map(|fetched| fetched.size), Ok(5));
    for odd in ["-1", "1, 2", "0x10", "99999999999999999999999999"] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {odd}\r\n\r\n12345");
        let web = Web::plain(move |_| head.clone().into_bytes()).await;
        assert!(fetch(&sandbox(), &web.url("/")).await.is_err(), "{odd}");
    }
}

#[tokio::test]
async fn a_sink_that_is_full_ends_the_download() {
    let web = Web::plain(|_| ok(&"x".repeat(500_000))).await;
    let (stopped, bytes) = fetch_into(&sandbox(), &web.url("/"), 1_000_000, 10).await;
    assert_eq!(stopped, Err(Error::Stopped));
    assert!(bytes.len() < 500_000);
}

#[tokio::test]
async fn a_server_that_drips_or_stays_silent_is_left() {
    let mut settings = Settings::new(Reach::Loopback);
    settings.slowest = Duration::from_millis(50);
    let guard = Guard::new(&settings).unwrap();
    let drip = Web::stalling(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n12345".to_vec()).await;
    assert_eq!(fetch(&guard, &drip.url("/")).await, Err(Error::TooSlow));
    let silent = Web::stalling(|_| Vec::new()).await;
    let patience = Fetch { url: silent.url("/"), limit_bytes: 10, timeout: Duration::from_millis(50), content_type: None };
    assert_eq!(guard.fetch(patience, &mut Bucket { bytes: Vec::new(), full: 0 }).await, Err(Error::Timeout));
    let request = Post { url: silent.url("/"), headers: Vec::new(), body: Bytes::new(), timeout: Duration::from_millis(50) };
    assert_eq!(guard.post(request).await, Err(Error::Timeout));
}

#[tokio::test]
async fn an_answer_whose_body_stalls_is_its_status() {
    for (head, status) in [("200 OK", 200), ("503 Busy\r\nRetry-After: 7", 503)] {
        let web = Web::stalling(move |_| format!("HTTP/1.1 {head}\r\nContent-Length: 100\r\n\r\n12345").into_bytes()).await;
        // As long as a webhook may give its server.
        let reply = post(&sandbox(), &web.url("/"), &[]).await.unwrap();
        assert_eq!((reply.status, &*reply.body), (status, b"12345".as_slice()));
        assert_eq!(reply.retry_after.as_deref(), (status == 503).then_some("7"));
    }
}

#[tokio::test]
async fn only_200_is_a_file() {
    for status in [201, 204, 206, 304, 400, 401, 403, 404, 410, 429, 500, 503] {
        let web = Web::plain(move |_| format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n").into_bytes()).await;
        assert_eq!(fetch(&sandbox(), &web.url("/")).await, Err(Error::Status(status)), "{status}");
    }
}

#[tokio::test]
async fn three_redirects_are_followed_and_a_fourth_is_not() {
    let hop = |path: &str| {
        if path == "/0" {
            return ok("end");
        }
        let next = path.trim_start_matches('/').parse::<u32>().unwrap() - 1;
        format!("HTTP/1.1 302 Found\r\nLocation: /{next}\r\nContent-Length: 0\r\n\r\n").into_bytes()
    };
    let web = Web::plain(hop).await;
    assert!(fetch(&sandbox(), &web.url("/3")).await.is_ok());
    assert_eq!(fetch(&sandbox(), &web.url("/4")).await, Err(Error::Redirect("more than three in a row")));
}

#[tokio::test]
async fn a_redirect_without_a_place_or_to_an_odd_one_is_refused() {
    for location in [
        "",
        "Location: http://127.0.0.1:22/\r\n",
        "Location: file:///etc/passwd\r\n",
        "Location: \\\\127.0.0.1\r\n",
        "Location: http://[\r\n",
    ] {
        let head = format!("HTTP/1.1 307 X\r\n{location}Content-Length: 0\r\n\r\n");
        let web = Web::plain(move |_| head.clone().into_bytes()).await;
        assert!(matches!(fetch(&sandbox(), &web.url("/")).await, Err(Error::Redirect(_))), "{location:?}");
    }
}

#[tokio::test]
async fn each_redirect_that_is_refused_has_its_reason() {
    for (location, reason) in [
        ("", "it names no place"),
        ("Location: /a b\r\n", "there is a blank in its place; in a URL it is written %20"),
        ("Location: http://[\r\n", "its place is not a URL"),
        ("Location: /\r\n", "it leads in a circle"),
    ] {
        let head = format!("HTTP/1.1 302 X\r\n{location}Content-Length: 0\r\n\r\n");
        let web = Web::plain(move |_| head.clone().into_bytes()).await;
        assert_eq!(fetch(&sandbox(), &web.url("/")).await, Err(Error::Redirect(reason)), "{location:?}");
    }
}

#[tokio::test]
async fn a_url_of_https_at_a_port_of_http_is_told_so() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let plain = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_u8().await.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        }
    });
    assert_eq!(fetch(&sandbox(), &url).await, Err(Error::NotTls));
    assert_eq!(post(&sandbox(), &url, &[]).await, Err(Error::NotTls));
    plain.abort();
}

#[tokio::test]
async fn a_handshake_has_the_time_of_its_post() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (guard, url) = (sandbox(), format!("https://{}/", listener.local_addr().unwrap()));
    let begun = tokio::time::Instant::now();
    // A server that takes its time over TLS sees how long it is waited for.
    let slow = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        begun.elapsed()
    };
    let asked = Post { url, headers: Vec::new(), body: Bytes::from_static(b"{}"), timeout: Duration::from_secs(4) };
    let (answer, lasted) = tokio::join!(guard.post(asked), slow);
    assert_eq!(answer, Err(Error::Timeout));
    assert!(lasted > Duration::from_secs(3), "{lasted:?}");
}

#[tokio::test]
async fn a_post_follows_nothing_and_reads_16_kib() {
    let web = Web::plain(|path| match path {
        "/moved" => b"HTTP/1.1 307 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".to_vec(),
        _ => [b"HTTP/1.1 503 X\r\nRetry-After: 7\r\n\r\n".as_slice(), &vec![b'x'; 100_000]].concat(),
    })
    .await;
    let moved = post(&sandbox(), &web.url("/moved"), &[("webhook-id", "1"), ("Host", "inner")]).await.unwrap();
    assert_eq!(moved.status, 307);
    assert_eq!(web.heads().len(), 1);
    let head = web.heads()[0].to_lowercase();
    assert!(head.starts_with("post /moved") && head.contains("webhook-id: 1") && head.contains("host: 127.0.0.1"), "{head}");
    let busy = post(&sandbox(), &web.url("/"), &[]).await.unwrap();
    assert_eq!((busy.status, busy.retry_after.as_deref(), busy.body.len()), (503, Some("7"), REPLY_BYTES));
}

/// Reads a whole `POST` with the body that [`post`] sends; tells whether one came.
async fn takes_a_post(stream: &mut tokio::net::TcpStream) -> bool {
    let (mut came, mut buffer) = (Vec::new(), [0; 1024]);
    while !came.ends_with(b"\r\n\r\n{}") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(read) => came.extend_from_slice(&buffer[..read]),
        }
    }
    true
}

#[tokio::test]
async fn a_post_that_a_kept_connection_took_without_an_answer_is_not_sent_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let came = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&came);
    // Answers the first request of a connection, takes the second one and leaves without a word.
    let server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                for answer in [ok("{}"), Vec::new()] {
                    if !takes_a_post(&mut stream).await {
                        return;
                    }
                    counted.fetch_add(1, Ordering::SeqCst);
                    stream.write_all(&answer).await.unwrap();
                }
            });
        }
    });
    let (guard, mut sent) = (sandbox(), 0);
    let failed = loop {
        sent += 1;
        if let Err(error) = post(&guard, &url, &[]).await {
            break error;
        }
        assert!(sent < 1_000, "no connection is kept, or what one took is sent again");
    };
    assert_eq!((failed, came.load(Ordering::SeqCst)), (Error::Broken, sent));
    server.abort();
}

#[tokio::test]
async fn each_way_to_fail_has_its_name() {
    // Nobody listens there, and nobody else gets the port.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let closed = taken.local_addr().unwrap();
    assert_eq!(fetch(&sandbox(), &format!("http://{closed}/")).await, Err(Error::Unreachable));
    assert_eq!(post(&sandbox(), &format!("http://{closed}/"), &[]).await, Err(Error::Unreachable));

    let certificates = Certificates::of(&["127.0.0.1"]);
    let secure = Web::secure("127.0.0.1:0", &certificates, |_| ok("x")).await;
    assert_eq!(fetch(&sandbox(), &secure.url("/")).await, Err(Error::Tls));
    assert_eq!(post(&sandbox(), &secure.url("/"), &[]).await, Err(Error::Tls));
    let mut settings = Settings::new(Reach::Loopback);
    settings.trust = certificates.trust();
    let trusting = Guard::new(&settings).unwrap();
    assert!(fetch(&trusting, &secure.url("/")).await.is_ok());
    assert_eq!(post(&trusting, &secure.url("/"), &[]).await.map(|reply| reply.status), Ok(200));

    let gone = Web::plain(|_| Vec::new()).await;
    assert_eq!(fetch(&sandbox(), &gone.url("/")).await, Err(Error::Broken));
    assert!(matches!(sandbox().check("http://10.0.0.1/"), Err(Refused(_))));
}
