//! Previews of links: what a page says of itself, and that no page, whatever it does, keeps a text from going.

use serde_json::{Value, json};
use wharf_api::ids::SessionId;
use wharf_api::{ErrorCode, limits};
use wharf_core::seal::payload;
use wharf_core::store::MessageStore as _;

use crate::egress::town::Web;
use crate::harness::Gateway;
use crate::harness::engine::{ABSENT, SILENT};

pub fn answer(content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

pub fn html(body: &str) -> Vec<u8> {
    answer("text/html; charset=utf-8", body.as_bytes())
}

pub fn picture() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 300, 200);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(&vec![90; 300 * 200]).unwrap();
    bytes
}

/// Sends the text, which goes in any case; the preview that it got, and whether there is a picture in it.
pub async fn preview(gateway: &Gateway, session: &SessionId, text: &str) -> (Value, bool) {
    let body = json!({"sessionId": session, "to": SILENT, "text": text, "linkPreview": true});
    let sent = gateway.post("/v1/messages/text", body).send().await;
    let sent = sent.ok(201);
    assert_eq!(sent["text"], text);
    let queued = gateway.store.queued_messages(session, 0, 1000).await.unwrap();
    let (_, last) = queued.last().expect("the message is queued");
    let plain = payload::open(&gateway.services.seal, session.as_str(), &last.wa_id, last.payload.clone()).unwrap();
    let pictured = String::from_utf8_lossy(&plain).contains("thumbnail: Some([255, 216, ");
    (sent["linkPreview"].clone(), pictured)
}

#[tokio::test]
async fn a_link_is_shown_as_its_page_says() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let web = Web::plain(|path| match path {
        "/a" => html("<title>no</title><meta property=og:title content='A &amp; B'><meta property=og:description content=words><meta property=og:image content=/p.png>"),
        "/plain" => html("<title>Plain</title><meta name=description content='more words'>"),
        "/broken" => html("<title>Broken</title><meta property=og:image content=/a>"),
        "/large" => html("<title>Large</title><meta property=og:image content=/huge.png>"),
        "/hop" => b"HTTP/1.1 302 Found\r\nLocation: /plain\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
        "/long" => html(&format!("<title>Long</title>{}", "x".repeat(600_000))),
        "/huge.png" => answer("image/png", &[picture(), vec![0; 1024 * 1024]].concat()),
        _ => answer("image/png", &picture()),
    })
    .await;
    let url = web.url("/a");
    let shown = preview(&gateway, &session, &format!("look: {url}, and http://127.0.0.1:1/")).await;
    assert_eq!(shown, (json!({"url": url, "title": "A & B", "description": "words"}), true));
    assert_eq!(web.heads().len(), 2, "the page and its picture");
    for (path, title) in [("/plain", "Plain"), ("/broken", "Broken"), ("/large", "Large"), ("/hop", "Plain"), ("/long", "Long")] {
        let (shown, pictured) = preview(&gateway, &session, &web.url(path)).await;
        assert_eq!((&shown["title"], &shown["url"], pictured), (&json!(title), &json!(web.url(path)), false), "{shown}");
    }
    // Nothing of a picture stays on the disk.
    assert_eq!(std::fs::read_dir(gateway.dir.join("media/incoming")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_page_that_gives_nothing_lets_the_text_go_without_a_preview() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let page = "<title>t</title>";
    for (what, said) in [
        ("no page", b"HTTP/1.1 404 X\r\nContent-Type: text/html\r\nContent-Length: 16\r\n\r\n<title>t</title>".to_vec()),
        ("another type", answer("text/plain", page.as_bytes())),
        ("a type that begins like it", answer("text/html-x", page.as_bytes())),
        ("no type", format!("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{page}").into_bytes()),
        ("no words", html("<p>hello</p>")),
        ("empty words", html("<title> \n </title><meta property=og:title content=''>")),
        ("no page at all", html("")),
        ("not UTF-8", answer("text/html", b"<title>caf\xe9</title>")),
        ("words after what is read", html(&format!("{}{page}", "x".repeat(limits::PREVIEW_PAGE_BYTES)))),
        ("half a page", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99\r\n\r\n<title>t</title>".to_vec()),
        ("no HTTP", b"SSH-2.0-OpenSSH\r\n".to_vec()),
        ("a redirect elsewhere", b"HTTP/1.1 302 X\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n".to_vec()),
    ] {
        let web = Web::plain(move |_| said.clone()).await;
        assert_eq!(preview(&gateway, &session, &web.url("/")).await, (Value::Null, false), "{what}");
        assert_eq!(web.heads().len(), 1, "{what}");
    }
    let nobody = Web::plain(|_| Vec::new()).await.address.port();
    for text in ["http://127.0.0.1:1024", "https://", "ftp://127.0.0.1/", "http://10.0.0.1/", "https://no.such.name.wharf.dev.test/"] {
        assert_eq!(preview(&gateway, &session, text).await, (Value::Null, false), "{text}");
    }
    assert_eq!(preview(&gateway, &session, &format!("https://127.0.0.1:{nobody}/")).await, (Value::Null, false));
}

#[tokio::test]
async fn a_page_that_never_ends_holds_the_text_for_five_seconds_and_its_picture_no_longer() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let silent = Web::stalling(|_| Vec::new()).await;
    let slow = Web::stalling(|path| match path {
        "/" => html("<title>Slow</title><meta property=og:image content=/p.png>"),
        _ => b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n".to_vec(),
    })
    .await;
    assert_eq!(preview(&gateway, &session, &silent.url("/")).await, (Value::Null, false));
    let (shown, pictured) = preview(&gateway, &session, &slow.url("/")).await;
    assert_eq!((&shown["title"], pictured), (&json!("Slow"), false));
}

#[tokio::test]
async fn nobody_is_asked_for_a_text_that_wants_no_preview_or_goes_nowhere() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let web = Web::plain(|_| html("<title>t</title>")).await;
    let send = |to: &str, session: &SessionId, choice: Value| {
        let body = json!({"sessionId": session, "to": to, "text": web.url("/"), "linkPreview": choice});
        gateway.post("/v1/messages/text", body)
    };
    send(SILENT, &session, json!(false)).send().await.ok(201);
    send(SILENT, &session, json!({"url": web.url("/"), "title": "given"})).send().await.ok(201);
    send(ABSENT, &session, json!(true)).send().await.refused(ErrorCode::RecipientNotOnWhatsapp);
    send(SILENT, &gateway.session().await, json!(true)).send().await.refused(ErrorCode::SessionNotConnected);
    assert!(web.heads().is_empty());
    // One key, one text, one look at its page.
    for _ in 0..2 {
        let sent = send(SILENT, &session, json!(true)).header("Idempotency-Key", "one").send().await;
        assert_eq!(sent.ok(201)["linkPreview"]["title"], "t");
    }
    assert_eq!(web.heads().len(), 1);
}
