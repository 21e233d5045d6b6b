//! Files in and out over HTTP.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;
use wharf::http::Limits;
use wharf_api::ids::SessionId;
use wharf_api::{ErrorCode, Permission, limits};
use wharf_core::account;
use wharf_core::store::Plan;

use crate::harness::engine::SILENT;
use crate::harness::{Ask, Gateway, client};

const MB: usize = 1024 * 1024;

/// A file of `size` bytes that begins as its kind does.
fn file(head: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = head.to_vec();
    bytes.resize(size, 7);
    bytes
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let row = width.div_ceil(8) as usize;
    encoder.write_header().unwrap().write_image_data(&vec![0xaa; row * height as usize]).unwrap();
    bytes
}

fn upload(gateway: &Gateway, query: &str, body: &[u8]) -> Ask {
    Ask::new(gateway.address, "POST", &format!("/v1/media{query}")).key(&gateway.key).body(body)
}

/// Every file below the folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() { all.extend(files(&entry.path())) } else { all.push(entry.path()) }
    }
    all
}

#[tokio::test]
async fn a_file_is_typed_by_its_bytes_and_comes_back_as_it_was() {
    let gateway = Gateway::start().await;
    let picture = png(40, 20);
    let reply = upload(&gateway, "?fileName=../my%20pic.exe", &picture).header("Content-Type", "text/html").send().await;
    let media = reply.ok(201);
    assert_eq!((media["mediaType"].as_str(), media["mimeType"].as_str()), (Some("image"), Some("image/png")));
    assert_eq!((&media["width"], &media["height"], &media["sizeBytes"]), (&json!(40), &json!(20), &json!(picture.len())));
    assert_eq!(media["fileName"], "my pic.exe");
    let path = format!("/v1/media/{}", media["mediaId"].as_str().unwrap());
    let back = gateway.get(&path).send().await;
    assert_eq!((back.status, &back.body), (200, &picture));
    assert_eq!(back.header("content-type"), "image/png");
    assert_eq!(back.header("x-content-type-options"), "nosniff");
    assert!(back.header("content-security-policy").starts_with("sandbox"));
    assert_eq!(back.header("content-disposition"), "attachment; filename*=UTF-8''my%20pic.exe");
    assert_eq!(back.header("etag"), format!("\"{}\"", media["sha256"].as_str().unwrap()));
    assert_eq!(back.header("content-length"), picture.len().to_string());
    assert!(!back.header("x-request-id").is_empty());
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_off() {
    let gateway = Gateway::start().await;
    let whole: Vec<u8> = b"%PDF-1.7 ".iter().copied().chain((0..200_000_u32).map(|at| u8::try_from(at % 251).unwrap())).collect();
    let reply = upload(&gateway, "", &whole).send().await;
    let path = format!("/v1/media/{}", reply.ok(201)["mediaId"].as_str().unwrap());
    let first = gateway.get(&path).send().await;
    assert_eq!((first.status, first.header("accept-ranges")), (200, "bytes"));
    let etag = first.header("etag").to_owned();
    let rest = gateway.get(&path).header("Range", "bytes=150000-").header("If-Range", &etag).send().await;
    assert_eq!((rest.status, rest.body.as_slice()), (206, &whole[150_000..]));
    assert_eq!(rest.header("content-range"), format!("bytes 150000-{}/{}", whole.len() - 1, whole.len()));
    assert_eq!(rest.header("content-length"), (whole.len() - 150_000).to_string());
    assert_eq!(rest.header("content-type"), "application/pdf");
    let middle = gateway.get(&path).header("Range", "bytes=10-19").send().await;
    assert_eq!((middle.status, middle.body.as_slice()), (206, &whole[10..20]));
    // A part is a matter of GET.
    let head = gateway.ask("HEAD", &path).key(&gateway.key).header("Range", "bytes=10-19").send().await;
    assert_eq!((head.status, head.header("content-length")), (200, &*whole.len().to_string()));
    // Of another file, past the end, more than one part: the whole.
    for (range, of) in [("bytes=10-19", "\"other\""), ("bytes=9999999-", &*etag), ("bytes=0-1,4-5", &*etag)] {
        let reply = gateway.get(&path).header("Range", range).header("If-Range", of).send().await;
        assert_eq!((reply.status, &reply.body), (200, &whole), "{range} {of}");
    }
    let known = gateway.get(&path).header("If-None-Match", &etag).send().await;
    assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, &*etag));
    assert!(!known.header("x-request-id").is_empty());
    assert_eq!(gateway.get(&path).header("If-None-Match", "\"other\"").send().await.status, 200);
}

#[tokio::test]
async fn a_file_that_the_client_has_is_not_read_again() {
    let gateway = Gateway::start().await;
    let media = upload(&gateway, "", b"hello").send().await.ok(201).clone();
    let path = format!("/v1/media/{}", media["mediaId"].as_str().unwrap());
    let id = wharf_api::ids::MediaId::parse(media["mediaId"].as_str().unwrap()).unwrap();
    gateway.services.files.remove(&id).await.unwrap();
    let etag = format!("\"{}\"", media["sha256"].as_str().unwrap());
    assert_eq!(gateway.get(&path).header("If-None-Match", &etag).send().await.status, 304);
    gateway.get(&path).header("If-None-Match", "\"other\"").send().await.refused(ErrorCode::ResourceNotFound);
}

#[tokio::test]
async fn a_document_that_is_sent_as_an_image_has_an_images_pixels() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let side = u32::try_from(limits::IMAGE_SIDE_PIXELS).unwrap();
    for (width, fits) in [(side, true), (side + 1, false)] {
        let stored = upload(&gateway, "?mediaType=document", &png(width, 1)).send().await.ok(201)["mediaId"].clone();
        let body = |kind: &str| json!({"sessionId": session, "to": SILENT, "mediaType": kind, "mediaId": stored});
        gateway.post("/v1/messages/media", body("document")).send().await.ok(201);
        let sent = gateway.post("/v1/messages/media", body("image")).send().await;
        if fits {
            sent.ok(201);
        } else {
            assert_eq!(sent.refused(ErrorCode::InvalidMediaType)["field"], "mediaId");
        }
    }
}

#[tokio::test]
async fn a_form_carries_one_file_and_its_name() {
    let gateway = Gateway::start().await;
    let part = |name: &str| {
        format!(
            "--B\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.pdf\"\r\nContent-Type: image/png\r\n\r\n%PDF-1.7 x\r\n"
        )
    };
    let form = |body: String| upload(&gateway, "", body.as_bytes()).header("Content-Type", "multipart/form-data; boundary=B");
    let reply = form(format!("{}--B--\r\n", part("file"))).send().await;
    let media = reply.ok(201);
    assert_eq!(
        (media["mimeType"].as_str(), media["fileName"].as_str(), media["sizeBytes"].as_u64()),
        (Some("application/pdf"), Some("a.pdf"), Some(10))
    );
    form("--B--\r\n".to_owned()).send().await.refused(ErrorCode::InvalidRequest);
    form(format!("{}{}--B--\r\n", part("file"), part("two"))).send().await.refused(ErrorCode::InvalidRequest);
    form(part("file")).send().await.refused(ErrorCode::InvalidRequest);
    // What is no file is not kept, however much of it comes: before the file, or in its head.
    let (head, tail) = part("file").split_once('x').map(|(head, tail)| (head.to_owned(), tail.to_owned())).unwrap();
    let junk = "y".repeat(20 * MB);
    for body in [junk.clone(), format!("--B\r\nX-Junk: {junk}")] {
        form(body).send().await.refused(ErrorCode::InvalidRequest);
    }
    form(format!("{head}{junk}{tail}--B--\r\n")).send().await.ok(201);
}

#[tokio::test]
async fn every_kind_passes_at_its_limit_and_not_one_byte_past_it() {
    let gateway = Gateway::start().await;
    let gif = b"GIF89a".as_slice();
    for (kind, head, limit) in [
        ("video", b"\0\0\0\x18ftypisom".as_slice(), limits::VIDEO_BYTES),
        ("audio", b"ID3\x03", limits::AUDIO_BYTES),
        ("document", gif, limits::DOCUMENT_BYTES),
    ] {
        let size = usize::try_from(limit).unwrap();
        let query = format!("?mediaType={kind}");
        upload(&gateway, &query, &file(head, size)).send().await.ok(201);
        let reply = upload(&gateway, &query, &file(head, size + 1)).send().await;
        let details = reply.refused(ErrorCode::MediaSizeExceeded);
        assert_eq!((details["limit"].as_u64(), details["actual"].as_u64()), (Some(limit), Some(limit + 1)), "{kind}");
    }
    // An image must be one to its end: room after its last byte is no matter.
    let mut picture = png(64, 64);
    picture.resize(5 * MB, 0);
    upload(&gateway, "", &picture).send().await.ok(201);
    picture.push(0);
    assert_eq!(upload(&gateway, "", &picture).send().await.refused(ErrorCode::MediaSizeExceeded)["limit"], limits::IMAGE_BYTES);
    upload(&gateway, "?mediaType=document", &picture).send().await.ok(201);
}

#[tokio::test]
async fn too_much_is_refused_before_the_rest_is_read_whatever_the_length_says() {
    let gateway = Gateway::start().await;
    let head = |length: &str| {
        format!(
            "POST /v1/media?mediaType=sticker HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n{length}\r\n\r\n",
            gateway.key
        )
    };
    // Announced: not a byte of the body is sent.
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(head("Content-Length: 1048577").as_bytes()).await.unwrap();
    client::read(&mut stream).await.refused(ErrorCode::MediaSizeExceeded);
    // Not announced: a little more than the limit is sent, and never the end.
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(head("Transfer-Encoding: chunked").as_bytes()).await.unwrap();
    let body = file(b"RIFF\x10\0\0\0WEBPVP8 ", MB + 1);
    stream.write_all(format!("{:x}\r\n", body.len()).as_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();
    let details = client::read(&mut stream).await;
    assert_eq!(details.refused(ErrorCode::MediaSizeExceeded)["limit"], limits::STICKER_BYTES);
    assert!(files(&gateway.dir.join("media")).is_empty(), "a refused file leaves nothing");
}

#[tokio::test]
async fn a_file_of_another_type_is_refused_with_what_it_is() {
    let gateway = Gateway::start().await;
    for (kind, bytes, found) in [
        ("image", b"%PDF-1.7".to_vec(), "application/pdf"),
        ("image", b"<svg xmlns='x'/>".to_vec(), "text/plain"),
        ("image", b"GIF89a".to_vec(), "image/gif"),
        ("video", file(b"\x89PNG\r\n\x1a\n", 20_000), "image/png"),
        ("audio", b"\0\0\0\x18ftypisom".to_vec(), "video/mp4"),
        ("sticker", b"\xff\xd8\xff\xe0".to_vec(), "image/jpeg"),
    ] {
        let reply = upload(&gateway, &format!("?mediaType={kind}"), &bytes).send().await;
        let reason = reply.refused(ErrorCode::InvalidMediaType)["reason"].as_str().unwrap();
        assert!(reason.contains(found), "{reason}");
    }
    upload(&gateway, "", b"").send().await.refused(ErrorCode::InvalidMediaType);
    upload(&gateway, "?mediaType=image", b"\xff\xd8\xff").send().await.refused(ErrorCode::InvalidMediaType);
    upload(&gateway, "?mediaType=film", b"x").send().await.refused(ErrorCode::InvalidMediaType);
    let mut huge = png(8, 8);
    huge[16..20].copy_from_slice(&12_001_u32.to_be_bytes());
    upload(&gateway, "", &huge).send().await.refused(ErrorCode::InvalidMediaType);
    assert!(files(&gateway.dir.join("media")).is_empty(), "a refused file leaves nothing");
}

#[tokio::test]
async fn anothers_file_is_as_good_as_none() {
    let gateway = Gateway::start().await;
    let reply = upload(&gateway, "", b"hello").send().await;
    let id = reply.ok(201)["mediaId"].as_str().unwrap().to_owned();
    let other = wharf_core::account::find_or_create(&gateway.services, "other", "free").await.unwrap();
    let key = gateway.make_key_of(other, Permission::ALL, None, None).await;
    let path = format!("/v1/media/{id}");
    gateway.get(&path).key(&key).send().await.refused(ErrorCode::ResourceNotFound);
    for missing in ["med_00000000000000000000000000000007", "med_x", "msg_00000000000000000000000000000007"] {
        gateway.get(&format!("/v1/media/{missing}")).send().await.refused(ErrorCode::ResourceNotFound);
    }
    let sender = gateway.make_key(&[Permission::MessagesSend], None).await;
    gateway.get(&path).key(&sender).send().await.refused(ErrorCode::InsufficientPermissions);
    let reader = gateway.make_key(&[Permission::MessagesRead], None).await;
    upload(&gateway, "", b"hello").key(&reader).send().await.refused(ErrorCode::InsufficientPermissions);
}

#[tokio::test]
async fn a_file_that_cannot_be_removed_holds_up_no_other() {
    let gateway = Gateway::start().await;
    let mut paths = Vec::new();
    for over in [1, 2] {
        let before = files(&gateway.dir.join("media"));
        let reply = upload(&gateway, "", &png(8, 8)).send().await;
        let id = wharf_api::ids::MediaId::parse(reply.ok(201)["mediaId"].as_str().unwrap()).unwrap();
        let store = &gateway.services.store;
        let row = store.find_media(&gateway.account, &id).await.unwrap().unwrap();
        store.delete_media(std::slice::from_ref(&id)).await.unwrap();
        let over = wharf_core::store::MediaRow { expires_at: wharf_api::Timestamp::from_millis(over), ..row };
        store.insert_media(&over).await.unwrap();
        paths.extend(files(&gateway.dir.join("media")).into_iter().filter(|path| !before.contains(path)));
    }
    let [stuck, other] = paths.as_slice() else { panic!("{paths:?}") };
    // A folder with something in it is no file that can be removed.
    std::fs::remove_file(stuck).unwrap();
    std::fs::create_dir(stuck).unwrap();
    std::fs::write(stuck.join("x"), "x").unwrap();
    assert_eq!(wharf_core::media::keep::expire(&gateway.services).await.unwrap(), 1);
    assert!(stuck.exists() && !other.exists());
    let over = gateway.services.store.expire_media(wharf_api::Timestamp::from_millis(9), 9).await.unwrap();
    assert!(over.is_empty(), "what is left is the sweep's: {over:?}");
}

#[tokio::test]
async fn a_file_that_is_not_kept_any_more_is_not_forwarded() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let stored = upload(&gateway, "", &png(8, 8)).send().await.ok(201)["mediaId"].clone();
    let body = json!({"sessionId": session, "to": SILENT, "mediaType": "image", "mediaId": stored});
    let sent = gateway.post("/v1/messages/media", body).send().await.ok(201)["messageId"].clone();
    let path = format!("/v1/messages/{}/forward", sent.as_str().unwrap());
    gateway.post(&path, json!({"to": SILENT})).send().await.ok(201);
    // As the sweep does when the time is over.
    let id = wharf_api::ids::MediaId::parse(stored.as_str().unwrap()).unwrap();
    gateway.services.files.remove(&id).await.unwrap();
    gateway.services.store.delete_media(&[id]).await.unwrap();
    let refused = gateway.post(&path, json!({"to": SILENT})).send().await;
    assert_eq!(refused.refused(ErrorCode::ResourceNotFound)["reason"], "the message's file is not kept any more");
}

#[tokio::test]
async fn what_could_not_be_brought_to_whatsapp_in_time_is_refused_and_never_sent() {
    // Half of it is for the send, half for the answer, on a busy machine too.
    let wait = Duration::from_secs(4);
    let limits = Limits { request_timeout: wait, file_timeout: wait, ..Limits::default() };
    let gateway = Gateway::start_with(limits).await;
    let session = gateway.connected().await;
    let stored = upload(&gateway, "", &png(4, 4)).send().await;
    let kept = files(&gateway.dir.join("media"));
    gateway.engine.let_uploads_end(false);
    for source in [json!({"data": STANDARD.encode(png(4, 4))}), json!({"mediaId": stored.ok(201)["mediaId"]})] {
        let mut body = json!({"sessionId": session, "to": SILENT, "mediaType": "image"});
        body.as_object_mut().unwrap().extend(source.as_object().unwrap().clone());
        let late = gateway.post("/v1/messages/media", body).send().await;
        let details = late.refused(ErrorCode::ServiceUnavailable);
        assert_eq!(details["reason"], "this took too long; nothing was sent");
    }
    gateway.engine.let_uploads_end(true);
    gateway.http.drain();
    gateway.http.idle().await;
    assert_eq!(gateway.engine.composed(), 0, "a message was accepted after its caller was told that it failed");
    assert_eq!(files(&gateway.dir.join("media")), kept, "the file of no message stays");
}

#[tokio::test]
async fn an_account_that_brings_large_bodies_slowly_takes_no_place_from_another() {
    let gateway = Gateway::start().await;
    let one = gateway.connected().await;
    // So that it shows when all four are there.
    let plan = account::find(&gateway.services, &gateway.account).await.unwrap().plan;
    account::put_plan(&gateway.services, &Plan { name: "four".into(), concurrent_requests: 4, ..plan }).await.unwrap();
    account::update(&gateway.services, &gateway.account, None, Some("four")).await.unwrap();
    let other = account::find_or_create(&gateway.services, "another", "enterprise").await.unwrap();
    let others_key = gateway.make_key_of(other, Permission::ALL, None, None).await;
    let mut slow = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(gateway.address).await.unwrap();
        let head = format!(
            "POST /v1/messages/media HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Expect: 100-continue\r\nContent-Length: 9000000\r\n\r\n{{\"sessionId\":\"{one}\",\"data\":\"{}",
            gateway.key,
            "A".repeat(limits::JSON_BODY_BYTES + 1)
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        client::asked_on(&mut stream).await;
        slow.push(stream);
    }
    gateway.get("/v1/sessions").send().await.refused(ErrorCode::ConcurrentRequestLimitExceeded);
    let created = Ask::new(gateway.address, "POST", "/v1/sessions").key(&others_key).json(&json!({"name": "other"})).send().await;
    let session = SessionId::parse(created.ok(201)["sessionId"].as_str().unwrap()).unwrap();
    gateway.engine.connect(&session);
    let picture = [png(4, 4), vec![0; 2 * MB]].concat();
    let body = json!({"sessionId": session, "to": SILENT, "mediaType": "image", "data": STANDARD.encode(picture)});
    let sent = Ask::new(gateway.address, "POST", "/v1/messages/media").key(&others_key).json(&body).send();
    let sent = tokio::time::timeout(Duration::from_secs(20), sent).await.expect("the other account is not kept waiting");
    sent.ok(201);
}

#[tokio::test]
async fn accounts_that_announce_much_and_bring_nothing_hold_up_nobody() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let mut silent = Vec::new();
    for number in 0..4 {
        let other = account::find_or_create(&gateway.services, &format!("silent {number}"), "enterprise").await.unwrap();
        let key = gateway.make_key_of(other, Permission::ALL, None, None).await;
        let mut stream = TcpStream::connect(gateway.address).await.unwrap();
        let head = format!(
            "POST /v1/messages/media HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n\
             Content-Length: 9000000\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        silent.push(stream);
    }
    let picture = [png(4, 4), vec![0; 2 * MB]].concat();
    let body = json!({"sessionId": session, "to": SILENT, "mediaType": "image", "data": STANDARD.encode(picture)});
    let sent = tokio::time::timeout(Duration::from_secs(20), gateway.post("/v1/messages/media", body).send()).await;
    sent.expect("nobody is waited for").ok(201);
}

#[tokio::test]
async fn a_file_name_of_255_characters_passes_and_one_more_does_not() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let send = async |name: &str| {
        let body =
            json!({"sessionId": session, "to": SILENT, "mediaType": "document", "data": STANDARD.encode(b"%PDF-1.7"), "fileName": name});
        gateway.post("/v1/messages/media", body).send().await
    };
    assert_eq!(send(&"ä".repeat(255)).await.ok(201)["fileName"], "ä".repeat(255));
    for wrong in ["ä".repeat(256), String::new()] {
        assert_eq!(send(&wrong).await.refused(ErrorCode::InvalidRequest)["field"], "fileName");
    }
    assert_eq!(send("../../etc/pass\u{7}wd").await.ok(201)["fileName"], "passwd", "no path and no control character goes out");
}

/// Asks for a file that is too large for the buffers on the way, and reads nothing of it, once its account has one place alone.
async fn stalled_download(gateway: &Gateway) -> TcpStream {
    let stored = upload(gateway, "?mediaType=document", &file(b"%PDF-1.7\n", 40 * MB)).send().await.ok(201)["mediaId"].clone();
    let plan = account::find(&gateway.services, &gateway.account).await.unwrap().plan;
    account::put_plan(&gateway.services, &Plan { name: "one".into(), concurrent_requests: 1, ..plan }).await.unwrap();
    account::update(&gateway.services, &gateway.account, None, Some("one")).await.unwrap();
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(&gateway.get(&format!("/v1/media/{}", stored.as_str().unwrap())).bytes()).await.unwrap();
    // Its answer has begun.
    stream.readable().await.unwrap();
    stream
}

/// Waits until a call of the account is let in.
async fn let_in(gateway: &Gateway) {
    let started = Instant::now();
    while gateway.get("/v1/sessions").send().await.status != 200 {
        assert!(started.elapsed() < Duration::from_secs(30), "the place is free");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_download_that_is_not_read_keeps_its_place_until_its_client_leaves() {
    let gateway = Gateway::start().await;
    let stalled = stalled_download(&gateway).await;
    gateway.get("/v1/sessions").send().await.refused(ErrorCode::ConcurrentRequestLimitExceeded);
    drop(stalled);
    let_in(&gateway).await;
}

#[tokio::test]
async fn a_download_that_is_not_read_is_given_up_after_its_time() {
    let gateway = Gateway::start_with(Limits { stall_timeout: Duration::from_millis(100), ..Limits::default() }).await;
    let stalled = stalled_download(&gateway).await;
    let_in(&gateway).await;
    drop(stalled);
}

#[tokio::test]
async fn an_account_whose_files_are_as_many_bytes_as_its_plan_allows_is_refused_alone() {
    let gateway = Gateway::start().await;
    let a_kilobyte = |plan: &mut Plan| plan.media_bytes = Some(1000);
    let (full, other) = (gateway.key_on("full", a_kilobyte).await, gateway.key_on("other", a_kilobyte).await);
    let put = async |key: &str, size: usize| upload(&gateway, "?mediaType=document", &vec![b'x'; size]).key(key).send().await;
    put(&full, 600).await.ok(201);
    let before = files(&gateway.dir.join("media")).len();
    let refused = put(&full, 401).await;
    let details = refused.refused(ErrorCode::Conflict);
    assert_eq!((&details["limit"], &details["actual"]), (&json!(1000), &json!(1001)));
    assert!(details["reason"].as_str().unwrap().contains("the account's files"), "{details}");
    assert_eq!(files(&gateway.dir.join("media")).len(), before, "nothing of it is left");
    put(&other, 401).await.ok(201);
    put(&full, 400).await.ok(201);
    put(&full, 1).await.refused(ErrorCode::Conflict);
    let used = gateway.get("/v1/usage").key(&full).send().await;
    assert_eq!(used.ok(200)["mediaBytes"], 1000);
    // What is sent with its file counts too.
    let made = gateway.post("/v1/sessions", json!({"name": "s"})).key(&full).send().await;
    let session = SessionId::parse(made.ok(201)["sessionId"].as_str().unwrap()).unwrap();
    gateway.engine.connect(&session);
    let data = STANDARD.encode(png(8, 8));
    let send = json!({"sessionId": session, "to": SILENT, "mediaType": "image", "data": data});
    gateway.post("/v1/messages/media", send).key(&full).send().await.refused(ErrorCode::Conflict);
}

#[tokio::test]
async fn of_files_that_fit_alone_and_come_at_once_no_more_are_kept_than_fit_together() {
    let gateway = Gateway::start().await;
    let key = gateway.key_on("racing", |plan| plan.media_bytes = Some(1000)).await;
    let all = (0..8).map(|n| upload(&gateway, "?mediaType=document", &vec![b'a' + n; 300]).key(&key).send());
    let kept = futures::future::join_all(all).await.iter().filter(|reply| reply.status == 201).count();
    assert!((1..=3).contains(&kept), "{kept}");
    let used = gateway.get("/v1/usage").key(&key).send().await;
    assert_eq!(used.ok(200)["mediaBytes"], 300 * kept);
}
