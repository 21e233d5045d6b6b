//! What a sent file is shown as: its type, its name, and what becomes of an answer that is no file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use wharf_api::ErrorCode::{InvalidMediaType, InvalidRequest, MediaUrlInaccessible};

use crate::egress::town::Web;
use crate::harness::engine::SILENT;
use crate::harness::{Ask, Gateway};

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// A ZIP that begins with a file of that name.
fn zip(name: &str) -> Vec<u8> {
    let mut bytes = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0".to_vec();
    bytes.extend_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(b"\0\0");
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(b'x');
    bytes
}

fn boxed(kind: &[u8], body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len() + 8).unwrap().to_be_bytes(), kind, body].concat()
}

/// A file of MPEG-4 in which these play.
fn mpeg4(brands: &[u8], tracks: &[&[u8]]) -> Vec<u8> {
    let track = |kind: &[u8]| boxed(b"trak", &boxed(b"mdia", &boxed(b"hdlr", &[[0; 8].as_slice(), kind, &[0; 13]].concat())));
    let tracks: Vec<u8> = tracks.iter().flat_map(|kind| track(kind)).collect();
    [boxed(b"ftyp", brands), boxed(b"mdat", &[7; 100]), boxed(b"moov", &tracks)].concat()
}

fn head(fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn upload(gateway: &Gateway, query: &str, kind: &str, body: &[u8]) -> Ask {
    Ask::new(gateway.address, "POST", &format!("/v1/media{query}")).key(&gateway.key).header("Content-Type", kind).body(body)
}

#[tokio::test]
async fn a_name_or_a_word_decides_among_what_the_bytes_allow() {
    let gateway = Gateway::start().await;
    let csv = b"name;town\nJ\xfcrgen;K\xf6ln\n".as_slice();
    let utf16 = b"\xff\xfea\0,\0b\0\n\0".as_slice();
    let octets = "application/octet-stream";
    for (query, kind, body, shown) in [
        ("?fileName=a.docx", octets, zip("[Content_Types].xml").as_slice(), DOCX),
        ("", DOCX, zip("docProps/app.xml").as_slice(), DOCX),
        ("?fileName=a.apk", octets, zip("classes.dex").as_slice(), "application/vnd.android.package-archive"),
        ("?fileName=a.zip", octets, zip("a").as_slice(), "application/zip"),
        ("?fileName=a.csv", octets, csv, "text/csv"),
        ("?fileName=a.csv", "text/plain", b"a,b\n", "text/csv"),
        ("?fileName=a.csv", octets, utf16, "text/csv"),
        ("", octets, utf16, "text/plain"),
        ("?fileName=a.ics", octets, b"BEGIN:VCALENDAR\r\n", "text/calendar"),
        ("", "text/vcard; charset=utf-8", b"BEGIN:VCARD\r\n", "text/vcard; charset=utf-8"),
        ("?fileName=a.pdf", "application/pdf", &[b"\x7fELF\x02\x01\x01".as_slice(), &[0; 60]].concat(), "application/x-executable"),
        ("?fileName=a.docx", DOCX, b"%PDF-1.7", "application/pdf"),
    ] {
        let reply = upload(&gateway, query, kind, body).send().await;
        assert_eq!((reply.ok(201)["mimeType"].as_str(), &reply.ok(201)["mediaType"]), (Some(shown), &json!("document")), "{query} {kind}");
        let served = gateway.get(&format!("/v1/media/{}", reply.ok(201)["mediaId"].as_str().unwrap())).send().await;
        assert_eq!((served.status, served.header("content-type"), served.body.as_slice()), (200, shown, body));
    }
}

#[tokio::test]
async fn the_tracks_decide_whether_it_is_sound_or_film() {
    let gateway = Gateway::start().await;
    let sound = |brands: &[u8]| mpeg4(brands, &[b"soun"]);
    let film = |brands: &[u8]| mpeg4(brands, &[b"vide", b"soun"]);
    for (body, kind, shown) in [
        (sound(b"mp42\0\0\0\0mp42"), "audio", "audio/mp4"),
        (sound(b"isom\0\0\0\0isom"), "audio", "audio/mp4"),
        (sound(b"M4A \0\0\0\0M4A "), "audio", "audio/mp4"),
        (film(b"isom\0\0\0\0isom"), "video", "video/mp4"),
        (film(b"XAVC\0\0\0\0XAVCmp42"), "video", "video/mp4"),
        (film(b"M4A \0\0\0\0M4A "), "video", "video/mp4"),
    ] {
        for query in [String::new(), format!("?mediaType={kind}")] {
            let reply = upload(&gateway, &query, "application/octet-stream", &body).send().await;
            assert_eq!((&reply.ok(201)["mediaType"], &reply.ok(201)["mimeType"]), (&json!(kind), &json!(shown)), "{query}");
        }
        let other = if kind == "audio" { "video" } else { "audio" };
        let reply = upload(&gateway, &format!("?mediaType={other}"), "application/octet-stream", &body).send().await;
        assert!(reply.refused(InvalidMediaType)["reason"].as_str().unwrap().contains(shown), "{}", reply.shown());
    }
}

#[tokio::test]
async fn a_fetched_file_has_the_servers_name_and_type() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let web = Web::plain(|path| match path {
        "/download?id=7" => head("Content-Disposition: attachment; filename*=UTF-8''R%C3%A9sum%C3%A9.pdf; filename=x.pdf\r\n", b"%PDF-1.7"),
        "/download?id=8" => head("Content-Type: application/pdf\r\n", b"%PDF-1.7"),
        "/table" => head("Content-Type: text/csv\r\n", b"a,b\n"),
        "/a.csv" => head("Content-Type: application/octet-stream\r\n", b"a,b\n"),
        "/packed.pdf" => head("Content-Encoding: gzip\r\n", b"\x1f\x8b\x08\0\0\0\0\0\0\x03"),
        "/page.html" | "/page" => head("Content-Type: text/html\r\n", b"<!doctype html><p>hello"),
        "/moved.pdf" => b"HTTP/1.1 302 Found\r\nLocation: /page\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
        _ => head("Content-Type: text/html\r\n", b"<!doctype html><title>Sign in</title>"),
    })
    .await;
    let send = |path: &str, name: Value| {
        let mut body = json!({"sessionId": session, "to": SILENT, "mediaType": "document", "mediaUrl": web.url(path)});
        body["fileName"] = name;
        gateway.post("/v1/messages/media", body)
    };
    for (path, name, mime_type) in [
        ("/download?id=7", "Résumé.pdf", "application/pdf"),
        ("/download?id=8", "download.pdf", "application/pdf"),
        ("/table", "table.csv", "text/csv"),
        ("/a.csv", "a.csv", "text/csv"),
        ("/page.html", "page.html", "text/html"),
        ("/page", "page.html", "text/html"),
    ] {
        let reply = send(path, Value::Null).send().await;
        assert_eq!((&reply.ok(201)["fileName"], &reply.ok(201)["mimeType"]), (&json!(name), &json!(mime_type)), "{path}");
    }
    assert_eq!(send("/download?id=8", json!("mine")).send().await.ok(201)["fileName"], "mine");
    for (path, name, words) in [
        ("/invoice.pdf?sig=expired", Value::Null, "this is a web page, not a PDF"),
        ("/moved.pdf", Value::Null, "this is a web page, not a PDF"),
        ("/shared/7", json!("contract.docx"), "this is a web page, not a .docx file"),
        ("/packed.pdf", Value::Null, "packed"),
    ] {
        let reply = send(path, name).send().await;
        assert!(reply.refused(MediaUrlInaccessible)["reason"].as_str().unwrap().contains(words), "{path}: {}", reply.shown());
    }
}

#[tokio::test]
async fn base64_is_taken_as_tools_write_it() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let plain = STANDARD.encode(b"%PDF-1.7 \xfb\xff?>");
    assert!(plain.contains('+') && plain.contains('/') && plain.ends_with('='));
    let lines: Vec<String> = plain.as_bytes().chunks(8).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
    let send =
        |data: &str| gateway.post("/v1/messages/media", json!({"sessionId": session, "to": SILENT, "mediaType": "document", "data": data}));
    let first = send(&plain).send().await.ok(201).clone();
    assert_eq!((&first["fileName"], &first["mimeType"]), (&json!("file.pdf"), &json!("application/pdf")));
    for data in [
        format!("data:application/pdf;base64,{plain}"),
        format!("data:application/pdf;name=a.pdf;base64,{plain}"),
        lines.join("\r\n"),
        plain.trim_end_matches('=').to_owned(),
        plain.replace('+', "-").replace('/', "_"),
        format!(" {plain}\n"),
    ] {
        assert_eq!(send(&data).send().await.ok(201)["sha256"], first["sha256"], "{data}");
    }
    for (data, words) in [
        ("data:application/pdf,hello", "data: URI is not Base64"),
        ("JVBERi0xLjcg%2B", "percent-encoded"),
        ("JVBE=JVBE", "behind the ="),
        ("JVBEJ", "cut off"),
        ("file.pdf", "not Base64"),
    ] {
        let reply = send(data).send().await;
        assert!(reply.refused(InvalidRequest)["reason"].as_str().unwrap().contains(words), "{data}: {}", reply.shown());
    }
}

#[tokio::test]
async fn a_body_and_a_part_say_their_names_in_every_way_in_use() {
    let gateway = Gateway::start().await;
    let raw =
        upload(&gateway, "", "application/pdf", b"%PDF-1.7").header("Content-Disposition", "attachment; filename=\"R%C3%A9sum%C3%A9.pdf\"");
    assert_eq!(raw.send().await.ok(201)["fileName"], "Résumé.pdf");
    for said in [
        "FileName=\"Résumé.pdf\"".as_bytes(),
        b"filename=\"=?utf-8?B?UsOpc3Vtw6kucGRm?=\"; filename*=utf-8''R%C3%A9sum%C3%A9.pdf",
        b"filename*=utf-8''R%C3%A9sum%C3%A9.pdf",
        b"filename=\"=?utf-8?B?UsOpc3Vtw6kucGRm?=\"",
        b"filename=\"R%C3%A9sum%C3%A9.pdf\"",
        b"filename=\"R\xe9sum\xe9.pdf\"",
    ] {
        let body = [b"--B\r\nContent-Disposition: form-data; name=\"file\"; ".as_slice(), said, b"\r\n\r\n%PDF-1.7\r\n--B--\r\n"].concat();
        let reply = upload(&gateway, "", "multipart/form-data; boundary=B", &body).send().await;
        assert_eq!(reply.ok(201)["fileName"], "Résumé.pdf", "{}", String::from_utf8_lossy(said));
    }
}
