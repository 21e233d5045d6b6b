use super::*;

/// Each is refused in production by its text alone: no packet is ever sent for it.
const REFUSED: &[&str] = &[
    // Loopback and its spellings.
    "https://127.0.0.1/",
    "https://127.0.0.1:443/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.254.254.254/",
    "https://0/",
    "https://0.0.0.0/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7F.0.0.1/",
    "https://0177.0.0.1/",
    "https://0x7f.1/",
    "https://017700000001/",
    "https://127.0.0.1./",
    "https://00000177.0.0.1/",
    "https://0x7f.0x0.0x0.0x1/",
    // Private and special networks.
    "https://10.0.0.1/",
    "https://10.255.255.255/",
    "https://0xa000001/",
    "https://172.16.0.1/",
    "https://172.31.255.254/",
    "https://192.168.0.1/",
    "https://192.168.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.170.2/",
    "https://0xa9fea9fe/",
    "https://2852039166/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://198.18.0.1/",
    "https://198.19.255.255/",
    "https://192.88.99.1/",
    "https://224.0.0.1/",
    "https://239.255.255.255/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://168.63.129.16/",
    // IPv6.
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[fec0::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[ff02::1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001::1]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[100::1]/",
    "https://[5f00::1]/",
    "https://[::1/",
    "https://::1/",
    // Names that lead inside.
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://LOCALHOST./",
    "https://a.localhost/",
    "https://localhost.localdomain/",
    "https://printer.local/",
    "https://db.internal/",
    "https://metadata.google.internal/",
    "https://metadata/",
    "https://router.home.arpa/",
    "https://nas.lan/",
    "https://intranet/",
    "https://x.corp/",
    "https://1.0.0.127.in-addr.arpa/",
    "https://a.onion/",
    // Spellings of names and numbers that other programs read otherwise.
    "https://１２７.０.０.１/",
    "https://127。0。0。1/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "https://①②⑦.⓪.⓪.①/",
    "https://%31%32%37.0.0.1/",
    "https://%6c%6f%63%61%6c%68%6f%73%74/",
    "https://exa%6dple.com/",
    "https://example.com./",
    "https://example..com/",
    "https://.example.com/",
    "https://./",
    "https:///",
    "https://",
    "https:example.com",
    "https:/example.com",
    "https:///example.com/",
    "https:////example.com/",
    // Users, tricks of the authority.
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://ok@127.0.0.1/",
    "https://example.com@127.0.0.1/",
    "https://@example.com/",
    "https://:@example.com/",
    "https://127.0.0.1#@example.com/",
    "https://example.com\\@127.0.0.1/",
    "https://example.com\\.evil.com/",
    "https:\\\\example.com/",
    "https://exam\tple.com/",
    "https://exam\nple.com/",
    "https://example.com/\r\nX: y",
    " https://example.com/",
    "https://example.com/ ",
    "https://exa mple.com/",
    "https://example.com/\u{0}",
    "https://127.0.0.1\t.example.com/",
    // Ports.
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com:22/",
    "https://example.com:25/",
    "https://example.com:53/",
    "https://example.com:110/",
    "https://example.com:445/",
    "https://example.com:1023/",
    "https://example.com:3306/",
    "https://example.com:5432/",
    "https://example.com:6379/",
    "https://example.com:4222/",
    "https://example.com:9200/",
    "https://example.com:11211/",
    "https://example.com:2375/",
    "https://example.com:27017/",
    "https://example.com:-1/",
    "https://example.com:a/",
    "https://example.com: 443/",
    // Schemes.
    "http://example.com/",
    "HTTP://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "file://example.com/",
    "gopher://example.com/",
    "data:text/plain,x",
    "ws://example.com/",
    "wss://example.com/",
    "unix:///run/x.sock",
    "http+unix://x/",
    "javascript:alert(1)",
    "about:blank",
    "blob:https://example.com/x",
    "dict://example.com:11211/",
    "ldap://example.com/",
    "jar:https://example.com!/",
    "//example.com/",
    "example.com",
    "/etc/passwd",
    "",
    "https",
    "://example.com/",
];

#[test]
fn at_least_120_urls_are_refused_by_their_text() {
    assert!(REFUSED.len() >= 120, "{}", REFUSED.len());
    for text in REFUSED {
        let judged = target(text, Reach::Public);
        assert!(judged.is_err(), "{text:?} → {judged:?}");
    }
}

#[test]
fn a_name_that_is_too_long_is_none() {
    let label = "a".repeat(63);
    let long = format!("https://{label}.{label}.{label}.{label}.{label}/");
    assert!(target(&long, Reach::Public).is_err());
    assert!(target(&format!("https://{}.com/", "a".repeat(64)), Reach::Public).is_err());
    assert!(target(&format!("https://{label}.com/"), Reach::Public).is_ok());
}

#[test]
fn a_url_has_2048_bytes_and_not_one_more() {
    let longest = format!("https://example.com/{}", "a".repeat(2048 - 20));
    assert_eq!(longest.len(), 2048);
    assert!(target(&longest, Reach::Public).is_ok());
    assert_eq!(target(&format!("{longest}a"), Reach::Public), Err(Refused("it is longer than 2048 bytes")));
}

#[test]
fn what_people_send_is_allowed() {
    for (text, host, port) in [
        ("https://example.com/a.jpg", "example.com", 443),
        ("https://EXAMPLE.com/a%20b.jpg?x=1#y", "example.com", 443),
        ("https://sub.example.com:8443/hook", "sub.example.com", 8443),
        ("https://example.com:80/", "example.com", 80),
        ("https://example.com:3000/", "example.com", 3000),
        ("https://bücher.example.com/", "xn--bcher-kva.example.com", 443),
        ("https://93.184.216.34/", "93.184.216.34", 443),
        ("https://[2606:4700:4700::1111]/", "2606:4700:4700::1111", 443),
        ("https://example.com/user@host", "example.com", 443),
        ("https://a_b.example.com/", "a_b.example.com", 443),
    ] {
        let target = target(text, Reach::Public).unwrap_or_else(|refused| panic!("{text}: {refused}"));
        assert_eq!((target.host.as_str(), target.port), (host, port), "{text}");
    }
}

#[test]
fn development_allows_http_and_private_literals_and_inner_names() {
    for text in [
        "http://127.0.0.1:9000/",
        "http://localhost:3001/",
        "http://10.0.0.7/",
        "https://host.docker.internal/",
        "http://[::1]:9000/",
        "http://app/",
    ] {
        assert!(target(text, Reach::Private).is_ok(), "{text}");
    }
    for text in [
        "http://169.254.169.254/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://user@127.0.0.1/",
        "http://127.0.0.1:22/",
        "http://127.0.0.1:6379/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://127.0.0.1\\@example.com/",
    ] {
        assert!(target(text, Reach::Private).is_err(), "{text}");
    }
}

#[test]
fn the_sandbox_allows_literals_of_loopback_only() {
    assert!(target("http://127.0.0.1:9000/", Reach::Loopback).is_ok());
    assert!(target("http://localhost:9000/", Reach::Loopback).is_ok());
    for text in ["http://10.0.0.1/", "https://93.184.216.34/", "http://0.0.0.0:9000/", "http://[::ffff:127.0.0.1]:9000/"] {
        assert!(target(text, Reach::Loopback).is_err(), "{text}");
    }
}

#[test]
fn a_files_name_is_the_last_segment_decoded() {
    let name = |url: &str| super::name_in(&url.parse().unwrap());
    assert_eq!(name("https://x.com/a/b%20c+d&e=f.pdf?q#z").as_deref(), Some("b c+d&e=f.pdf"));
    assert_eq!(name("https://x.com/a/"), None);
    assert_eq!(name("https://x.com"), None);
}
