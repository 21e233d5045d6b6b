//! Files through the whole line: every kind by every way in, as the phone at the other end really opens them.

use std::fmt::Write as _;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use wharf_api::ErrorCode;

use crate::harness::api::read;
use crate::harness::{Backend, OWNER, Reply, SILENT, World, both_backends, eventually};

pub const MB: usize = 1024 * 1024;

/// A file that begins as its kind does.
pub fn file(kind: &str, size: usize) -> Vec<u8> {
    let opus = [b"OggS\0\x02".as_slice(), &[0; 20], &[1, 19], b"OpusHead\x01\x01\x38\x01"].concat();
    let head: Vec<u8> = match kind {
        "image" => picture(),
        "video" => b"\0\0\0\x18ftypisom\0\0\0\0isommp41".to_vec(),
        "voice" => opus,
        "audio" => b"ID3\x03".to_vec(),
        "sticker" => sticker(),
        _ => b"%PDF-1.7\n".to_vec(),
    };
    let mut bytes = head;
    let from = bytes.len();
    bytes.resize(size.max(from), 0);
    for (at, byte) in bytes[from..].iter_mut().enumerate() {
        *byte = u8::try_from(at % 251).unwrap();
    }
    bytes
}

pub fn picture() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 64, 32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(&[90; 64 * 32]).unwrap();
    bytes
}

/// The smallest that tells its size: the header of a lossless WebP of 512 by 512.
fn sticker() -> Vec<u8> {
    let size = (511_u32 | 511 << 14).to_le_bytes();
    [b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f".as_slice(), &size, &[0; 9]].concat()
}

pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A web server that gives one file at any address.
pub async fn serve(bytes: Vec<u8>) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let bytes = bytes.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let head =
                    format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(&bytes).await;
            });
        }
    });
    address
}

pub async fn upload(world: &World, query: &str, bytes: Vec<u8>) -> Reply {
    read(world.api().request("POST", &format!("/v1/media{query}")).body(bytes)).await
}

async fn send(world: &World, body: &Value) -> Reply {
    world.api().post("/v1/messages/media", body).await
}

/// The phone's entry of the message, its file opened.
async fn opened(world: &World, wa_id: &str) -> Value {
    eventually("the phone has the message", async || {
        let ledger = world.ledger(SILENT).await;
        ledger.iter().find(|entry| entry["id"] == wa_id).cloned().ok_or(format!("{ledger:?}"))
    })
    .await
}

both_backends! {
    async fn every_kind_by_every_way_in_is_opened_by_the_phone_with_the_same_bytes_and_fields(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        for (name, kind) in [("image", "image"), ("video", "video"), ("document", "document"), ("audio", "audio"), ("voice", "audio"), ("sticker", "sticker")] {
            let bytes = file(name, 20_000);
            let address = serve(bytes.clone()).await;
            let stored = upload(&world, "?mediaType=document", bytes.clone()).await;
            let stored = stored.ok(201)["mediaId"].clone();
            for way in ["mediaUrl", "mediaId", "data"] {
                let mut body = json!({"sessionId": session, "to": SILENT, "mediaType": kind, "voice": name == "voice"});
                body[way] = match way {
                    "mediaUrl" => json!(format!("http://{address}/some/my%20file.bin")),
                    "mediaId" => stored.clone(),
                    _ => json!(STANDARD.encode(&bytes)),
                };
                if matches!(kind, "image" | "video" | "document") {
                    body["caption"] = json!(format!("{kind} by {way}"));
                }
                if kind == "document" {
                    body["fileName"] = json!("report.pdf");
                }
                let once = kind == "image" && way == "data";
                body["viewOnce"] = json!(once);
                let reply = send(&world, &body).await;
                let sent = reply.ok(201);
                assert_eq!((&sent["status"], &sent["type"], &sent["mediaStatus"]), (&json!("sent"), &json!(kind), &json!("stored")), "{sent}");
                assert_eq!(sent["sha256"], hash(&bytes), "{sent}");
                let seen = opened(&world, sent["whatsappId"].as_str().unwrap()).await;
                let media = &seen["media"];
                assert_eq!((&media["type"], &media["sha256"], &media["promisedSha256"]), (&json!(kind), &json!(hash(&bytes)), &json!(hash(&bytes))), "{seen}");
                assert_eq!((&media["size"], &media["openedSize"]), (&json!(bytes.len()), &json!(bytes.len())));
                assert_eq!((&media["caption"], &media["voice"], &media["viewOnce"]), (&body["caption"], &json!(name == "voice"), &json!(once)), "{seen}");
                assert_eq!(media["mimeType"], sent["mimeType"]);
                if kind == "document" {
                    assert_eq!(media["fileName"], "report.pdf");
                }
                if kind == "image" {
                    assert_eq!((&media["width"], &media["height"], &media["thumbnail"]), (&json!(64), &json!(32), &json!(!once)));
                }
                let file = world.api().get(&format!("/v1/media/{}", sent["mediaId"].as_str().unwrap())).await;
                assert_eq!((file.status, file.bytes == bytes), (200, true));
            }
        }
    }

    async fn one_idempotency_key_sends_one_file_whatever_brings_it(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let body = |data: &str| json!({"sessionId": session, "to": SILENT, "mediaType": "document", "data": STANDARD.encode(data), "fileName": "a.txt"});
        let post = async |data: &str| read(world.api().request("POST", "/v1/messages/media").header("idempotency-key", "file-1").json(&body(data))).await;
        let first = post("hello").await;
        let again = post("hello").await;
        assert_eq!((first.ok(201), again.header("idempotent-replayed")), (again.ok(201), "true"));
        post("other").await.refused(ErrorCode::IdempotencyKeyReused);
        let ledger = world.ledger(SILENT).await;
        assert_eq!(ledger.iter().filter(|entry| entry["type"] == "document").count(), 1, "{ledger:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_is_refused_with_its_code_and_leaves_no_file() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let with = |more: Value| {
        let mut body = json!({"sessionId": session, "to": SILENT, "mediaType": "image"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let data = STANDARD.encode(file("image", 100));
    for (more, code) in [
        (json!({}), ErrorCode::InvalidRequest),
        (json!({"data": data, "mediaUrl": "http://127.0.0.1:9000/"}), ErrorCode::InvalidRequest),
        (json!({"data": "not base64"}), ErrorCode::InvalidRequest),
        (json!({"data": data, "voice": true}), ErrorCode::InvalidRequest),
        (json!({"data": data, "mediaType": "film"}), ErrorCode::InvalidMediaType),
        (json!({"data": data, "fileName": "x"}), ErrorCode::InvalidRequest),
        (json!({"data": data, "mediaType": "document", "viewOnce": true}), ErrorCode::InvalidRequest),
        (json!({"data": STANDARD.encode(file("audio", 100)), "mediaType": "audio", "caption": "x"}), ErrorCode::InvalidRequest),
        (json!({"data": data, "caption": "😀".repeat(1025)}), ErrorCode::MessageTooLong),
        (json!({"data": STANDARD.encode("<svg/>")}), ErrorCode::InvalidMediaType),
        (json!({"data": STANDARD.encode(file("audio", 100)), "mediaType": "audio", "voice": true}), ErrorCode::InvalidMediaType),
        (json!({"data": STANDARD.encode(file("sticker", MB + 1)), "mediaType": "sticker"}), ErrorCode::MediaSizeExceeded),
        (json!({"data": data, "to": "15550009999"}), ErrorCode::RecipientNotOnWhatsapp),
        (json!({"data": data, "to": "12ab"}), ErrorCode::InvalidPhoneNumber),
        (json!({"data": data, "sessionId": "ses_00000000000000000000000000000000"}), ErrorCode::SessionNotFound),
        (json!({"mediaId": "med_00000000000000000000000000000000"}), ErrorCode::ResourceNotFound),
        (json!({"mediaUrl": "http://10.0.0.1/"}), ErrorCode::MediaUrlInaccessible),
        (json!({"mediaUrl": "https://example.com/a.png"}), ErrorCode::MediaUrlInaccessible),
        (json!({"mediaUrl": "file:///etc/passwd"}), ErrorCode::MediaUrlInaccessible),
        (json!({"mediaUrl": "http://127.0.0.1:1024/"}), ErrorCode::MediaUrlInaccessible),
    ] {
        let reply = send(&world, &with(more.clone())).await;
        assert_eq!((reply.status, reply.code()), (code.status(), code.name()), "{more} {:?}", reply.json);
    }
    // The longest caption passes.
    send(&world, &with(json!({"data": data, "caption": "😀".repeat(1024)}))).await.ok(201);
    assert_eq!(files(&world.dir().join("gateway/media")).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_hold_by_url_too_at_the_limit_and_one_byte_past_it() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    for (kind, limit) in [("image", 5 * MB), ("video", 16 * MB), ("document", 100 * MB)] {
        let mut bytes = file(kind, limit);
        let address = serve(bytes.clone()).await;
        let body =
            |address: SocketAddr| json!({"sessionId": session, "to": SILENT, "mediaType": kind, "mediaUrl": format!("http://{address}/f")});
        let reply = send(&world, &body(address)).await;
        let sent = reply.ok(201);
        let seen = opened(&world, sent["whatsappId"].as_str().unwrap()).await;
        assert_eq!((&seen["media"]["sha256"], &seen["media"]["openedSize"]), (&json!(hash(&bytes)), &json!(limit)));
        bytes.push(0);
        let refused = send(&world, &body(serve(bytes).await)).await;
        let details = refused.refused(ErrorCode::MediaSizeExceeded);
        assert_eq!((&details["limit"], &details["actual"]), (&json!(limit), &json!(limit + 1)), "{kind}");
    }
}

/// A web server that gives its file when it is told to, and counts who waits for it.
struct Slow {
    address: SocketAddr,
    waiting: watch::Receiver<usize>,
    release: watch::Sender<bool>,
}

impl Slow {
    async fn start(bytes: Vec<u8>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (waits, waiting) = watch::channel(0);
        let (release, released) = watch::channel(false);
        let waits = std::sync::Arc::new(waits);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (bytes, waits, mut released) = (bytes.clone(), std::sync::Arc::clone(&waits), released.clone());
                tokio::spawn(async move {
                    let _ = stream.read(&mut [0; 4096]).await;
                    waits.send_modify(|count| *count += 1);
                    let _ = released.wait_for(|released| *released).await;
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
                    let _ = stream.write_all(&[head.into_bytes(), bytes].concat()).await;
                });
            }
        });
        Self { address, waiting, release }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_fetches_four_files_at_a_time_and_holds_up_no_other() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let plan = json!({"callsPerMinute": 1000, "concurrentRequests": 100});
    let (other, _) = world.tenant("wide", &plan).await;
    let paired = other.post("/v1/sessions", &json!({"name": "other"})).await;
    world.scan(paired.ok(201)["qr"].as_str().unwrap(), "15550000002").await;
    let others = paired.data()["sessionId"].as_str().unwrap();
    let path = format!("/v1/sessions/{others}");
    eventually("the other session is connected", async || {
        let shown = other.get(&path).await;
        (shown.data()["status"] == "connected").then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
    let bytes = file("image", 100);
    let body = |address: SocketAddr, session: &str| json!({"sessionId": session, "to": SILENT, "mediaType": "image", "mediaUrl": format!("http://{address}/f")});
    let mut slow = Slow::start(bytes.clone()).await;
    let first = body(slow.address, &session);
    let sends = futures::future::join_all((0..6).map(|_| send(&world, &first)));
    let watching = async {
        slow.waiting.wait_for(|count| *count == 4).await.unwrap();
        // The fifth and the sixth had all the time that this takes.
        other.post("/v1/messages/media", &body(serve(bytes).await, others)).await.ok(201);
        assert_eq!(*slow.waiting.borrow(), 4);
        slow.release.send_replace(true);
    };
    let (sent, ()) = tokio::join!(sends, watching);
    for reply in sent {
        reply.ok(201);
    }
    assert_eq!(*slow.waiting.borrow(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_large_documents_at_once_do_not_pass_through_memory() {
    const SIZE: usize = 32 * MB;
    let mut world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let bytes = file("document", SIZE);
    let whole = async |world: &World| {
        let stored = upload(world, "?mediaType=document", bytes.clone()).await;
        let body =
            json!({"sessionId": session, "to": SILENT, "mediaType": "document", "mediaId": stored.ok(201)["mediaId"], "fileName": "a.pdf"});
        send(world, &body).await.ok(201).clone()
    };
    whole(&world).await;
    let gateway = world.gateway().id();
    let before = peak_bytes(gateway);
    futures::future::join_all((0..10).map(|_| whole(&world))).await;
    let grown = peak_bytes(gateway) - before;
    assert!(grown < 2 * SIZE, "the gateway grew by {grown} bytes for ten files of {SIZE}");
}

/// The most memory that the process ever had.
fn peak_bytes(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// Every file below the folder.
pub fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() { all.extend(files(&entry.path())) } else { all.push(entry.path()) }
    }
    // Whose they are is no file of anybody's.
    all.retain(|path| !path.ends_with("wharf-installation"));
    all
}
