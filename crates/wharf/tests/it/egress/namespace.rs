//! The guard in a network of its own: private and «public» addresses stand on its loopback device, so that a guard that
//! fails harms nobody, and every packet can be counted.
//!
//! Each test runs itself again in a fresh network namespace, with proxies set in its environment that nobody may use.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;

use serde_json::{Value, json};
use wharf::egress::{Guard, Settings};
use wharf::http::Limits;
use wharf_core::egress::{Error, Reach};

use super::town::{Canary, Certificates, NameServer, Record, Web};
use super::{fetch, ok, post};
use crate::harness::Gateway;
use crate::previews::{answer, html, picture, preview};

const INSIDE: &str = "WHARF_TEST_IN_NAMESPACE";
const PUBLIC_V4: &str = "93.184.216.34";
const PUBLIC_V6: &str = "2606:2800:220::1";
const PRIVATE: &[&str] =
    &["10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.100.100.200", "168.63.129.16", "198.18.0.1", "fd00:ec2::254"];
const PORTS: &[u16] = &[80, 443, 8080, 8443];

/// Runs `test` of this module inside a new namespace, or says that this already is one.
fn enter(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut inner = Command::new("unshare");
    inner.args(["-rn", "--"]).arg(std::env::current_exe().unwrap());
    inner.args(["--exact", &format!("egress::namespace::{test}"), "--nocapture"]).env(INSIDE, "1");
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        inner.env(proxy, "http://10.0.0.1:8080");
    }
    let output = inner.output().expect("unshare is needed: the guard must not be tested on a network that others use");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "in the namespace: {}\n{said}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

fn run(test: &str, body: impl Future<Output = ()>) {
    if enter(test) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(body);
    }
}

/// The addresses on the device, and a canary at each that must not be reached.
async fn town() -> Canary {
    let ip = |args: &[&str]| assert!(Command::new("ip").args(args).status().unwrap().success(), "ip {args:?}");
    ip(&["link", "set", "lo", "up"]);
    for address in PRIVATE.iter().chain(&[PUBLIC_V4, PUBLIC_V6]) {
        let (prefix, flags): (u32, &[&str]) = if address.contains(':') { (128, &["nodad"]) } else { (32, &[]) };
        // Without the search for others who have the address, which leaves it unusable for a moment.
        let address = format!("{address}/{prefix}");
        ip(&[&["addr", "add", address.as_str(), "dev", "lo"], flags].concat());
    }
    let canary = Canary::default();
    for address in PRIVATE.iter().chain(&["127.0.0.1", "::1"]) {
        for port in PORTS {
            canary.watch(SocketAddr::new(address.parse().unwrap(), *port)).await;
        }
    }
    canary
}

/// How many packets crossed the only device.
fn packets() -> u64 {
    let devices = std::fs::read_to_string("/proc/net/dev").unwrap();
    let line = devices.lines().find_map(|line| line.trim().strip_prefix("lo:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn guard(names: &NameServer, certificates: &Certificates) -> Guard {
    let mut settings = Settings::new(Reach::Public);
    settings.name_server = Some(names.address);
    settings.trust = certificates.trust();
    Guard::new(&settings).unwrap()
}

fn addresses(list: &[&str]) -> Record {
    Record { alias: None, addresses: list.iter().map(|address| address.parse::<IpAddr>().unwrap()).collect() }
}

#[test]
fn what_is_refused_by_its_text_sends_no_packet() {
    run("what_is_refused_by_its_text_sends_no_packet", async {
        let canary = town().await;
        let names = NameServer::start(|_, _| Some(addresses(&["127.0.0.1"]))).await;
        let guard = guard(&names, &Certificates::of(&[PUBLIC_V4]));
        let before = packets();
        let mut cases = 0;
        for host in PRIVATE
            .iter()
            .chain(&["127.0.0.1", "::1", "127.1", "0", "0.0.0.0", "::", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1"])
            .chain(&[
                "::ffff:127.0.0.1",
                "::ffff:a00:1",
                "::127.0.0.1",
                "64:ff9b::7f00:1",
                "2002:7f00:1::",
                "127.254.254.254",
                "１２７.０.０.１",
                "%31%32%37.0.0.1",
                "localhost",
                "LOCALHOST.",
                "a.localhost",
                "db.internal",
                "metadata.google.internal",
                "printer.local",
                "metadata",
                "example.com.",
                "u@10.0.0.1",
                "ok@127.0.0.1",
                "10.0.0.1#@example.com",
                "example.com\\@10.0.0.1",
                "10.0.0.1\t.example.com",
            ])
        {
            let host = if host.contains(':') { format!("[{host}]") } else { (*host).to_owned() };
            for url in
                [format!("https://{host}/"), format!("http://{host}/"), format!("https://{host}:8443/x"), format!("https://{host}:8080/")]
            {
                assert!(matches!(fetch(&guard, &url).await, Err(Error::Refused(_))), "{url}");
                assert!(matches!(post(&guard, &url, &[]).await, Err(Error::Refused(_))), "{url}");
                cases += 1;
            }
        }
        assert!(cases >= 120, "{cases}");
        assert_eq!((packets() - before, canary.hits()), (0, 0));
    });
}

#[test]
fn where_no_name_server_says_anything_it_is_our_own_way_out_that_is_down() {
    run("where_no_name_server_says_anything_it_is_our_own_way_out_that_is_down", async {
        town().await;
        let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut settings = Settings::new(Reach::Public);
        settings.name_server = Some(silent.local_addr().unwrap());
        let guard = Guard::new(&settings).unwrap();
        assert_eq!(post(&guard, "https://hooks.example.org/", &[]).await, Err(Error::Offline));
        // An address needs no name server: that nobody answers there may be its own fault.
        assert_eq!(post(&guard, &format!("https://{PUBLIC_V4}/"), &[]).await, Err(Error::Unreachable));
        // Nobody at all at the name server's address.
        drop(silent);
        assert_eq!(post(&guard, "https://hooks.example.org/", &[]).await, Err(Error::Offline));
    });
}

#[test]
fn a_name_that_leads_inside_reaches_nobody() {
    run("a_name_that_leads_inside_reaches_nobody", async {
        let canary = town().await;
        let names = NameServer::start(|name, _| {
            let number = name.strip_prefix('p').and_then(|rest| rest.split('.').next()).and_then(|digits| digits.parse::<usize>().ok());
            match name {
                _ if number.is_some() => Some(addresses(&[PRIVATE[number.unwrap()]])),
                "four.evil.org" => Some(addresses(&["127.0.0.1"])),
                "six.evil.org" => Some(addresses(&["::1"])),
                "mapped.evil.org" => Some(addresses(&["::ffff:127.0.0.1"])),
                "translated.evil.org" => Some(addresses(&["64:ff9b::a00:1"])),
                "zero.evil.org" => Some(addresses(&["0.0.0.0"])),
                "both.evil.org" => Some(addresses(&[PUBLIC_V4, "10.0.0.1"])),
                "mixed.evil.org" => Some(addresses(&[PUBLIC_V4, "::1"])),
                "alias.evil.org" => Some(Record { alias: Some("db.internal".to_owned()), ..addresses(&["10.0.0.1"]) }),
                "localhosts.evil.org" => Some(Record { alias: Some("localhost".to_owned()), ..addresses(&["127.0.0.1"]) }),
                "none.evil.org" => Some(addresses(&[])),
                _ => None,
            }
        })
        .await;
        let certificates = Certificates::of(&["mixed.evil.org", "both.evil.org"]);
        let web = Web::secure(&format!("{PUBLIC_V4}:443"), &certificates, |_| ok("x")).await;
        let guard = guard(&names, &certificates);
        let numbered = (0..PRIVATE.len()).map(|number| format!("p{number}.evil.org"));
        let named =
            ["four", "six", "mapped", "translated", "zero", "both", "mixed", "alias", "localhosts"].map(|name| format!("{name}.evil.org"));
        for name in numbered.chain(named) {
            for port in ["", ":8080", ":8443"] {
                let url = format!("https://{name}{port}/");
                assert_eq!(fetch(&guard, &url).await, Err(Error::Blocked), "{url}");
                assert_eq!(post(&guard, &url, &[]).await, Err(Error::Blocked), "{url}");
            }
        }
        for name in ["none.evil.org", "missing.evil.org"] {
            assert_eq!(fetch(&guard, &format!("https://{name}/")).await, Err(Error::Unresolved), "{name}");
            assert_eq!(post(&guard, &format!("https://{name}/"), &[]).await, Err(Error::Unresolved), "{name}");
        }
        assert_eq!((canary.hits(), web.heads().len()), (0, 0));
    });
}

#[test]
fn a_name_that_changes_its_mind_reaches_nobody_in_a_hundred_tries() {
    run("a_name_that_changes_its_mind_reaches_nobody_in_a_hundred_tries", async {
        let canary = town().await;
        // Public at first, private at the second question, and so on; `late` begins the other way round.
        let names = NameServer::start(|name, times| match name {
            "rebind.evil.org" => Some(addresses(&[if times % 2 == 0 { PUBLIC_V4 } else { "10.0.0.1" }])),
            "late.evil.org" => Some(addresses(&[if times % 2 == 1 { PUBLIC_V4 } else { "127.0.0.1" }])),
            "stays.evil.org" => Some(addresses(&[PUBLIC_V4, PUBLIC_V6])),
            _ => None,
        })
        .await;
        let certificates = Certificates::of(&["rebind.evil.org", "late.evil.org", "stays.evil.org"]);
        let script = |path: &str| match path {
            "/hop" => b"HTTP/1.1 302 X\r\nLocation: https://rebind.evil.org/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
            _ => b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx".to_vec(),
        };
        let web = Web::secure(&format!("{PUBLIC_V4}:443"), &certificates, script).await;
        let (mut reached, mut blocked) = (0, 0);
        let guard = guard(&names, &certificates);
        for _ in 0..100 {
            for url in ["https://rebind.evil.org/", "https://late.evil.org/", "https://stays.evil.org/hop"] {
                match fetch(&guard, url).await {
                    Ok(_) => reached += 1,
                    Err(Error::Blocked) => blocked += 1,
                    Err(other) => panic!("{url}: {other}"),
                }
            }
            let _ = post(&guard, "https://rebind.evil.org/", &[]).await;
        }
        assert!(reached > 0 && blocked > 0, "{reached} reached, {blocked} blocked");
        assert!(!web.heads().is_empty());
        assert_eq!(canary.hits(), 0);
    });
}

#[test]
fn a_redirect_inside_reaches_nobody() {
    run("a_redirect_inside_reaches_nobody", async {
        let canary = town().await;
        let names = NameServer::start(|name, _| match name {
            "good.org" => Some(addresses(&[PUBLIC_V4])),
            "inside.org" => Some(addresses(&["10.0.0.1"])),
            _ => None,
        })
        .await;
        let certificates = Certificates::of(&["good.org"]);
        // The path is STATUS/URL: answer with that redirect.
        let script = |path: &str| {
            let (status, place) = path.trim_start_matches('/').split_once('/').unwrap_or(("200", ""));
            match status {
                "refresh" => {
                    format!("HTTP/1.1 200 OK\r\nRefresh: 0;url={place}\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx").into_bytes()
                }
                _ => format!("HTTP/1.1 {status} X\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes(),
            }
        };
        let _web = Web::secure(&format!("{PUBLIC_V4}:443"), &certificates, script).await;
        let _plain = Web::plain_at(&format!("{PUBLIC_V4}:80"), |_| ok("x")).await;
        let guard = guard(&names, &certificates);
        for status in [301, 302, 303, 307, 308] {
            for place in [
                "https://10.0.0.1/",
                "https://127.0.0.1/",
                "http://127.0.0.1/",
                "https://[::1]/",
                "https://169.254.169.254/latest/",
                "//10.0.0.1/",
                "https://0/",
                "https://[::ffff:10.0.0.1]/",
                "http://good.org/",
                "https://localhost/",
                "https://u@good.org/",
                "ftp://good.org/",
                "https://good.org:22/",
            ] {
                let url = format!("https://good.org/{status}/{place}");
                let refused = fetch(&guard, &url).await;
                assert!(matches!(refused, Err(Error::Redirect(_))), "{url}: {refused:?}");
                let answered = post(&guard, &url, &[]).await.map(|reply| reply.status);
                assert_eq!(answered, Ok(status), "{url}");
            }
            assert_eq!(fetch(&guard, &format!("https://good.org/{status}/https://inside.org/")).await, Err(Error::Blocked));
        }
        assert_eq!(fetch(&guard, "https://good.org/refresh/https://10.0.0.1/").await.map(|fetched| fetched.size), Ok(1));
        assert_eq!(canary.hits(), 0);
    });
}

#[test]
fn a_link_in_a_text_and_the_picture_of_its_page_lead_nobody_inside() {
    run("a_link_in_a_text_and_the_picture_of_its_page_lead_nobody_inside", async {
        let canary = town().await;
        let names = NameServer::start(|name, _| match name {
            "good.org" => Some(addresses(&[PUBLIC_V4])),
            "inside.org" => Some(addresses(&["10.0.0.1"])),
            _ => None,
        })
        .await;
        let certificates = Certificates::of(&["good.org"]);
        // `/to/URL` leads on, `/of/URL` has that picture.
        let script = |path: &str| match path.get(..4) {
            Some("/to/") => {
                format!("HTTP/1.1 302 X\r\nLocation: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", &path[4..]).into_bytes()
            }
            Some("/of/") => html(&format!("<title>good</title><meta property=og:image content='{}'>", &path[4..])),
            _ => answer("image/png", &picture()),
        };
        let web = Web::secure(&format!("{PUBLIC_V4}:443"), &certificates, script).await;
        let gateway = Gateway::start_guarded(Limits::default(), guard(&names, &certificates)).await;
        let session = gateway.connected().await;
        let inside = [
            "https://10.0.0.1/",
            "https://10.0.0.1:8443/",
            "https://127.0.0.1/",
            "http://127.0.0.1:8080/",
            "https://[::1]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[fd00:ec2::254]/",
            "https://2130706433/",
            "https://localhost/",
            "https://inside.org/",
            "http://inside.org/",
            "https://u@inside.org/",
        ];
        for url in inside {
            for text in [url.to_owned(), format!("look: {url}"), format!("https://good.org/to/{url}")] {
                assert_eq!(preview(&gateway, &session, &text).await, (Value::Null, false), "{text}");
            }
            let (shown, pictured) = preview(&gateway, &session, &format!("https://good.org/of/{url}")).await;
            assert_eq!((&shown["title"], pictured), (&json!("good"), false), "{url}");
        }
        for odd in ["file:///etc/passwd", "data:image/png;base64,iVBORw0KGgo=", "//10.0.0.1/p.png", "https://good.org/to/https://10.0.0.1/"]
        {
            let (shown, pictured) = preview(&gateway, &session, &format!("https://good.org/of/{odd}")).await;
            assert_eq!((&shown["title"], pictured), (&json!("good"), false), "{odd}");
        }
        // The same with a picture that may be reached.
        let shown = preview(&gateway, &session, "https://good.org/of/https://good.org/p.png").await;
        assert_eq!((&shown.0["title"], shown.1), (&json!("good"), true));
        assert!(web.heads().len() > inside.len());
        assert_eq!(canary.hits(), 0);
    });
}
