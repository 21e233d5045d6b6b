//! The ways out and the eyes of an operator: proxies, certificates, the library's log, words that nobody knows, what media servers want.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;

use crate::harness::process::{Process, fresh_dir, program};
use crate::harness::{Api, Backend, OWNER, World, both_backends, eventually};

/// The sandbox with these variables; `Err` has what it said when it did not start.
async fn sandbox(env: &[(&str, &str)]) -> Result<Process, String> {
    let dir = fresh_dir();
    Process::try_start(&program("wharf-sandbox"), &["--json", "--port", "0", "--data-dir", dir.to_str().unwrap()], env).await
}

async fn refused(env: &[(&str, &str)]) -> String {
    match sandbox(env).await {
        Ok(_) => panic!("it started with {env:?}"),
        Err(words) => words,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_refuses_a_proxy_by_the_name_of_the_setting_and_shows_no_password() {
    for proxy in ["socks5://me:secret@127.0.0.1:1080", "http://me:secret@10.0.0.1:3128"] {
        let words = refused(&[("WHARF_WHATSAPP_PROXY", proxy)]).await;
        assert!(words.contains("WHARF_WHATSAPP_PROXY") && !words.contains("secret"), "{words}");
    }
    let words = refused(&[("WHARF_WHATSAPP_PROXY", "ftp://me:secret@10.0.0.1")]).await;
    assert!(words.contains("whatsapp.proxy") && !words.contains("secret"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_file_that_cannot_be_used_is_named_at_the_start() {
    let dir = fresh_dir();
    let (missing, empty) = (dir.join("missing.pem"), dir.join("empty.pem"));
    std::fs::write(&empty, "no certificate").unwrap();
    for path in [missing, empty] {
        let words = refused(&[("WHARF_WHATSAPP_EXTRA_ROOT", path.to_str().unwrap())]).await;
        assert!(words.contains("whatsapp.extra_root") && words.contains(path.to_str().unwrap()), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_certificates_runs_the_gateway() {
    let sandbox = sandbox(&[("SSL_CERT_FILE", "/nowhere/certificates.pem"), ("SSL_CERT_DIR", "/nowhere")]).await;
    sandbox.unwrap_or_else(|words| panic!("{words}")).terminate().await;
}

/// A server whose certificate hangs on a root of its own, and which says yes to whoever believes it.
struct Foreign {
    url: String,
    /// Where its root is.
    root: PathBuf,
    /// The first lines of what was asked.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Foreign {
    fn start() -> Self {
        let mut ca = CertificateParams::new(Vec::<String>::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let tls = Arc::new(tls.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap());
        let root = fresh_dir().join("root.pem");
        std::fs::write(&root, ca.pem()).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (tls, seen) = (rustls::ServerConnection::new(Arc::clone(&tls)).unwrap(), Arc::clone(&seen));
                std::thread::spawn(move || say_yes(rustls::StreamOwned::new(tls, stream.unwrap()), &seen));
            }
        });
        Self { url, root, asked }
    }

    fn was_asked(&self, beginning: &str) -> bool {
        self.asked.lock().unwrap().iter().any(|line| line.starts_with(beginning))
    }
}

fn say_yes(stream: impl Read + Write, asked: &Mutex<Vec<String>>) {
    let mut stream = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    if stream.read_line(&mut first).is_err() {
        // It does not believe us.
        return;
    }
    loop {
        let mut line = String::new();
        match stream.read_line(&mut line) {
            Ok(1..) if line.trim().is_empty() => break,
            Ok(1..) => {}
            _ => return,
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let _ = stream.read_exact(&mut vec![0; length]);
    asked.lock().unwrap().push(first);
    let stream = stream.get_mut();
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let _ = stream.flush();
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_and_the_bucket_believe_the_root_that_the_setting_names() {
    let server = Foreign::start();
    let bucket = [
        ("WHARF_MEDIA_BUCKET", "files"),
        ("WHARF_MEDIA_ENDPOINT", server.url.as_str()),
        ("WHARF_MEDIA_REGION", "auto"),
        ("WHARF_MEDIA_ACCESS_KEY", "me"),
        ("WHARF_MEDIA_SECRET_KEY", "secret"),
    ];
    let hook = json!({"url": format!("{}/hook", server.url), "events": ["*"]});
    let api = |sandbox: &Process| Api::new(sandbox.ready["url"].as_str().unwrap(), sandbox.ready["apiKey"].as_str().unwrap());

    let strange = sandbox(&bucket).await.unwrap();
    api(&strange).post("/v1/webhooks", &hook).await.refused(wharf_api::ErrorCode::WebhookUrlUnreachable);
    assert!(!server.was_asked("POST /hook"));
    strange.terminate().await;

    let root = ("WHARF_WHATSAPP_EXTRA_ROOT", server.root.to_str().unwrap());
    let env: Vec<_> = bucket.into_iter().chain([root]).collect();
    let believing = sandbox(&env).await.unwrap();
    api(&believing).post("/v1/webhooks", &hook).await.ok(201);
    assert!(server.was_asked("POST /hook"));
    let upload = api(&believing).request("POST", "/v1/media?fileName=a.txt").body("hello");
    crate::harness::api::read(upload).await.ok(201);
    assert!(server.was_asked("PUT /files/media/"), "{:?}", server.asked);
    believing.terminate().await;
}

/// Pairs a session on the sandbox, so that the library has something to say.
async fn pair(sandbox: &Process) {
    let text = |name: &str| sandbox.ready[name].as_str().unwrap().to_owned();
    let (api, control) = (Api::new(&text("url"), &text("apiKey")), Api::new(&text("controlUrl"), ""));
    let created = api.post("/v1/sessions", &json!({"name": "first"})).await;
    let session = created.ok(201)["sessionId"].as_str().unwrap().to_owned();
    control.post_text("/control/scan", created.data()["qr"].as_str().unwrap()).await;
    eventually("connected", async || {
        let shown = api.get(&format!("/v1/sessions/{session}")).await;
        (shown.data()["status"] == "connected").then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
}

const LOUD: (&str, &str) = ("WHARF_LOG", "info,whatsapp_rust=debug,wacore=debug,Client=debug");
const WARNING: &str = "phone numbers, ids and pairing codes will stand in this log";

#[tokio::test(flavor = "multi_thread")]
async fn the_librarys_log_speaks_only_where_it_is_asked_for_by_name() {
    let mut silent = sandbox(&[LOUD]).await.unwrap();
    pair(&silent).await;
    silent.end().await;
    let log = silent.log();
    assert!(
        log.contains("the gateway is ready") && !log.contains("whatsapp_rust") && !log.contains("Client") && !log.contains(WARNING),
        "{log}"
    );

    let mut heard = sandbox(&[LOUD, ("WHARF_LOG_LIBRARY", "true")]).await.unwrap();
    pair(&heard).await;
    heard.end().await;
    let log = heard.log();
    assert!(log.contains("whatsapp_rust") && log.contains("Client"), "{log}");
    assert_eq!(log.matches(WARNING).count(), 1);

    // The filter governs it.
    let mut asked = sandbox(&[("WHARF_LOG", "info,whatsapp_rust=off,wacore=off,Client=off"), ("WHARF_LOG_LIBRARY", "true")]).await.unwrap();
    pair(&asked).await;
    asked.end().await;
    let log = asked.log();
    assert!(!log.contains(" whatsapp_rust") && !log.contains(" Client"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_the_library_does_not_know_are_counted_by_place_and_the_session_goes_on() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let count = async |place: &str| {
        let metrics = world.api().get("/metrics").await;
        let text = String::from_utf8_lossy(&metrics.bytes).into_owned();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("wharf_whatsapp_unknown_total{{place=\"{place}\"}} ")).map(str::to_owned));
        line.unwrap_or_else(|| panic!("{place} in {text}"))
    };
    for place in ["tag", "notification", "ib", "enc", "nack", "other"] {
        assert_eq!(count(place).await, "0", "{place}: an ordinary pairing has nothing unknown");
    }
    for (place, said) in [("tag", "tag"), ("notification", "notification"), ("ib", "ib"), ("enc", "enc"), ("other", "iq")] {
        world.control().post(&format!("/control/phones/{OWNER}/strange"), &json!({"place": said})).await.ok(200);
        eventually(place, async || if count(place).await == "1" { Ok(()) } else { Err(count(place).await) }).await;
    }
    world.control().post("/control/faults", &json!({"action": "nack", "code": 799, "times": 1})).await.ok(200);
    let text = json!({"sessionId": session, "to": crate::harness::SILENT, "text": "refused"});
    world.api().post("/v1/messages/text", &text).await.refused(wharf_api::ErrorCode::MessageSendingFailed);
    assert_eq!(count("nack").await, "1");
    world.api().post("/v1/messages/text", &text).await.ok(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pretend_media_servers_refuse_whoever_does_not_come_from_the_web_client_and_count_who_is_no_browser() {
    let world = World::start(Backend::Sqlite).await;
    let port = std::fs::read_to_string(world.dir().join("network/media/port")).unwrap();
    let status = |headers: &[&str]| {
        let url = format!("https://127.0.0.1:{}/v/t62.sim/{}", port.trim(), "x".repeat(43));
        let mut curl = std::process::Command::new("curl");
        curl.args(["-sk", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", &url]);
        for header in headers {
            curl.args(["-H", header]);
        }
        String::from_utf8(curl.output().unwrap().stdout).unwrap()
    };
    let bare = async || world.control().get("/control/stats").await.ok(200)["mediaBare"].as_u64().unwrap();
    let (origin, referer, browser) =
        ("Origin: https://web.whatsapp.com", "Referer: https://web.whatsapp.com/", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)");
    assert_eq!(status(&[origin, referer, browser]), "404", "a browser only misses the file");
    for headers in [vec![], vec![referer, browser], vec!["Origin: https://example.com", referer, browser]] {
        assert_eq!(status(&headers), "403", "{headers:?}");
    }
    assert_eq!(bare().await, 0);
    for headers in [[origin, browser], [origin, referer]] {
        assert_eq!(status(&headers), "404", "{headers:?}");
    }
    assert_eq!(bare().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_a_sandbox_gets_no_proxy_and_a_bad_one_is_explained() {
    let world = World::start(Backend::Sqlite).await;
    for (proxy, words) in
        [("socks5://me:secret@127.0.0.1:1080", "sandbox"), ("ftp://me:secret@host", "socks5://HOST:PORT"), ("", "it is empty")]
    {
        let refused = world.api().post("/v1/sessions", &json!({"name": "abroad", "proxy": proxy})).await;
        let details = refused.refused(wharf_api::ErrorCode::InvalidRequest);
        assert_eq!(details["field"], "proxy");
        assert!(
            details["reason"].as_str().unwrap().contains(words) && !String::from_utf8_lossy(&refused.bytes).contains("secret"),
            "{refused:?}"
        );
    }
    assert_eq!(world.api().get("/v1/sessions").await.ok(200), &json!([]), "nothing was made");
}

both_backends! {
    async fn a_session_is_renamed_keeps_its_link_without_a_proxy_and_is_changed_by_nobody_else(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let (api, path) = (world.api(), format!("/v1/sessions/{session}"));
        let handshakes = async || world.control().get("/control/stats").await.ok(200)["handshakes"].clone();
        let linked = handshakes().await;

        let renamed = api.patch(&path, &json!({"name": "The shop"})).await;
        assert_eq!((&renamed.ok(200)["name"], &renamed.data()["status"]), (&json!("The shop"), &json!("connected")));
        api.patch(&path, &json!({})).await.ok(200);
        for (bad, field) in [
            (json!({"name": ""}), "name"),
            (json!({"name": "x".repeat(101)}), "name"),
            (json!({"status": "connected"}), "status"),
            (json!({"proxy": "ftp://me:secret@host"}), "proxy"),
            (json!({"name": "not this", "proxy": ""}), "proxy"),
            (json!({"proxy": "socks5://me:secret@127.0.0.1:1080"}), "proxy"),
        ] {
            let refused = api.patch(&path, &bad).await;
            assert_eq!(refused.refused(wharf_api::ErrorCode::InvalidRequest)["field"], field, "{bad}");
            assert!(!String::from_utf8_lossy(&refused.bytes).contains("secret"), "{refused:?}");
        }
        let odd = api.patch(&path, &json!({"proxy": 7})).await;
        assert_eq!(odd.refused(wharf_api::ErrorCode::InvalidParameterType)["field"], "proxy");

        assert_eq!(handshakes().await, linked, "a name is no reason to connect anew, and what is refused changes nothing");
        let bare = api.patch(&path, &json!({"proxy": null})).await;
        assert_eq!((&bare.ok(200)["phoneNumber"], bare.data().get("proxy")), (&json!(OWNER), None));
        world.until_connected(&session).await;
        assert_ne!(handshakes().await, linked, "it connected anew");
        let sent = world.send(&session, crate::harness::SILENT, "by the new way").await;
        world.until_message(sent.ok(201)["messageId"].as_str().unwrap(), "delivered").await;

        let (stranger, _) = world.tenant("strangers", &json!({"callsPerMinute": 1000, "concurrentRequests": 10})).await;
        let bound = api.post("/v1/sessions", &json!({"name": "another"})).await.ok(201)["sessionId"].clone();
        let bound = json!({"name": "bound", "permissions": ["sessions:write"], "sessionIds": [bound]});
        let bound = api.with_key(api.post("/v1/api-keys", &bound).await.ok(201)["apiKey"].as_str().unwrap());
        for other in [&stranger, &bound] {
            other.patch(&path, &json!({"name": "taken", "proxy": null})).await.refused(wharf_api::ErrorCode::SessionNotFound);
        }
        api.patch("/v1/sessions/ses_00000000000000000000000000000000", &json!({})).await.refused(wharf_api::ErrorCode::SessionNotFound);
        assert_eq!(api.get(&path).await.ok(200)["name"], "The shop");
        let audit = api.get("/v1/audit?action=update_session").await;
        assert!(!audit.ok(200).as_array().unwrap().is_empty(), "{audit:?}");
    }
}
