//! What a body is wrapped in: a form that is none, an order to fetch, text for bytes. None of it is ever stored as the file.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wharf_api::ErrorCode::{InvalidMediaType, InvalidParameterType, InvalidRequest, SessionNotFound};

use crate::harness::{Ask, Gateway, Reply};

const PDF: &[u8] = b"%PDF-1.7\nhello\n%%EOF";

fn upload(gateway: &Gateway, query: &str, kind: &str, body: &[u8]) -> Ask {
    Ask::new(gateway.address, "POST", &format!("/v1/media{query}")).key(&gateway.key).header("Content-Type", kind).body(body)
}

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (head, bytes) in parts {
        body.extend_from_slice(format!("--B\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--B--\r\n");
    body
}

const FORM: &str = "multipart/form-data; boundary=B";

#[track_caller]
fn told(reply: &Reply, words: &str) {
    let reason = reply.refused(InvalidRequest)["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason.contains(words), "{words:?} is not in {reason:?}");
}

#[track_caller]
fn is_the_file(reply: &Reply, bytes: &[u8], mime_type: &str) -> Value {
    let media = reply.ok(201);
    let hash = Sha256::digest(bytes).iter().fold(String::new(), |mut hash, byte| {
        let _ = write!(hash, "{byte:02x}");
        hash
    });
    assert_eq!((media["sha256"].as_str(), media["mimeType"].as_str()), (Some(hash.as_str()), Some(mime_type)), "{}", reply.shown());
    media.clone()
}

#[tokio::test]
async fn a_form_that_is_none_is_never_the_file() {
    let gateway = Gateway::start().await;
    let whole = form(&[("name=\"file\"; filename=\"a.pdf\"", PDF)]);
    let base64 = STANDARD.encode(b"\x89PNG\r\n\x1a\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    let data_uri = format!("data:image/png;base64,{base64}");
    for (kind, body, words) in [
        ("multipart/form-data", whole.clone(), "needs a boundary: let your client set the header"),
        ("multipart/form-data; charset=utf-8", whole.clone(), "needs a boundary"),
        ("multipart/related; boundary=B", whole.clone(), "multipart/form-data"),
        ("multipart/mixed", whole.clone(), "multipart/form-data"),
        ("application/pdf", whole.clone(), "a form"),
        ("application/octet-stream", whole, "a form"),
        (FORM, form(&[("name=\"file\"", b"a.pdf")]), "no file: it has no file name"),
        (FORM, form(&[("name=\"file\"", b"@a.pdf")]), "no file: it has no file name"),
        (FORM, form(&[("name=\"mediaType\"", b"document")]), "holds no file"),
        (FORM, form(&[("name=\"file\"; filename=\"\"", b"")]), "no file was chosen"),
        ("application/x-www-form-urlencoded", b"file=a.pdf".to_vec(), "x-www-form-urlencoded"),
        ("application/json", br#"{"url": "https://example.com/a.pdf"}"#.to_vec(), "/v1/messages/media"),
        ("application/json; charset=utf-8", br#"{"data": "aGVsbG8="}"#.to_vec(), "send the file itself"),
        ("image/png", base64.clone().into_bytes(), "Base64"),
        ("image/png", data_uri.clone().into_bytes(), "data: URI"),
        ("application/octet-stream", data_uri.into_bytes(), "data: URI"),
        ("application/pdf", STANDARD.encode(PDF).into_bytes(), "Base64"),
    ] {
        let reply = upload(&gateway, "", kind, &body).send().await;
        told(&reply, words);
        // What it is for changes nothing about what it is.
        told(&upload(&gateway, "?mediaType=document", kind, &body).send().await, words);
    }
    let packed = upload(&gateway, "", "application/pdf", PDF).header("Content-Encoding", "gzip").send().await;
    told(&packed, "without a content coding");
    upload(&gateway, "", "application/pdf", PDF).header("Content-Encoding", "identity").send().await.ok(201);
    let files = walk(&gateway.dir.join("media"));
    assert_eq!(files, 1, "what is refused leaves nothing");
}

fn walk(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder).unwrap().flatten().map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { 1 }).sum()
}

#[tokio::test]
async fn a_file_of_json_of_a_form_and_of_text_can_be_brought_all_the_same() {
    let gateway = Gateway::start().await;
    let data = br#"{"url": "https://example.com/a.pdf"}"#;
    let part = form(&[("name=\"file\"; filename=\"a.json\"", data)]);
    is_the_file(&upload(&gateway, "", FORM, &part).send().await, data, "application/json");
    is_the_file(&upload(&gateway, "?fileName=a.json", "application/octet-stream", data).send().await, data, "application/json");
    is_the_file(&upload(&gateway, "?fileName=a.json", "application/json", data).send().await, data, "application/json");
    let list = br#"[{"id": 1}]"#;
    is_the_file(&upload(&gateway, "?mediaType=document", "application/json", list).send().await, list, "application/json");
    told(&upload(&gateway, "", "application/json", list).send().await, "send the file itself");
    let base64 = STANDARD.encode(PDF).into_bytes();
    is_the_file(&upload(&gateway, "", "text/plain", &base64).send().await, &base64, "text/plain");
    // A form field says what the query can say, before the file or behind it.
    let before = form(&[("name=\"mediaType\"", b"document"), ("name=\"fileName\"", b"b.pdf"), ("name=\"file\"; filename=\"a.pdf\"", PDF)]);
    let after = form(&[("name=\"file\"; filename=\"a.pdf\"", PDF), ("name=\"fileName\"", b"b.pdf"), ("name=\"mediaType\"", b"document")]);
    for body in [before, after] {
        let media = is_the_file(&upload(&gateway, "", FORM, &body).send().await, PDF, "application/pdf");
        assert_eq!(media["fileName"], "b.pdf");
    }
    let as_image = form(&[("name=\"file\"; filename=\"a.pdf\"", PDF), ("name=\"mediaType\"", b"image")]);
    upload(&gateway, "", FORM, &as_image).send().await.refused(InvalidMediaType);
    let film = form(&[("name=\"mediaType\"", b"film"), ("name=\"file\"; filename=\"a.pdf\"", PDF)]);
    assert_eq!(upload(&gateway, "", FORM, &film).send().await.refused(InvalidMediaType)["field"], "mediaType");
    assert_eq!(upload(&gateway, "?mediaType=film", "application/pdf", PDF).send().await.refused(InvalidMediaType)["field"], "mediaType");
    let sent = |kind: Value| json!({"sessionId": "ses_00000000000000000000000000000000", "to": "15550001002", "mediaType": kind, "data": "aGVsbG8="});
    for (kind, code) in [
        (json!("hologram"), InvalidMediaType),
        (json!(""), InvalidMediaType),
        (json!(7), InvalidParameterType),
        (json!("image"), SessionNotFound),
    ] {
        let reply = gateway.post("/v1/messages/media", sent(kind.clone())).send().await;
        assert_eq!(reply.refused(code).get("field").and_then(Value::as_str).unwrap_or("mediaType"), "mediaType", "{kind}");
    }
    let caption = form(&[("name=\"caption\"", b"x"), ("name=\"file\"; filename=\"a.pdf\"", PDF)]);
    told(&upload(&gateway, "", FORM, &caption).send().await, "mediaType and fileName");
}

#[tokio::test]
async fn a_web_page_is_no_invoice() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let page = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>";
    for (query, kind) in
        [("?fileName=invoice.pdf", "application/octet-stream"), ("", "application/pdf"), ("?fileName=contract.docx", "text/html")]
    {
        let reply = upload(&gateway, query, kind, page).send().await;
        assert!(reply.refused(InvalidMediaType)["reason"].as_str().unwrap().contains("this is a web page, not"), "{}", reply.shown());
    }
    let part = form(&[("name=\"file\"; filename=\"invoice.pdf\"", page)]);
    upload(&gateway, "", FORM, &part).send().await.refused(InvalidMediaType);
    let send = |name: Value| {
        let mut body = json!({"sessionId": session, "to": "15550001002", "mediaType": "document", "data": STANDARD.encode(page)});
        body["fileName"] = name;
        gateway.post("/v1/messages/media", body)
    };
    send(json!("invoice.pdf")).send().await.refused(InvalidMediaType);
    // A page that is meant as one goes.
    is_the_file(&upload(&gateway, "?fileName=page.html", "text/html", page).send().await, page, "text/html");
    is_the_file(&upload(&gateway, "", "text/html", page).send().await, page, "text/html");
    assert_eq!(send(json!("page.html")).send().await.ok(201)["mimeType"], "text/html");
    send(json!("page.htm")).send().await.ok(201);
}
