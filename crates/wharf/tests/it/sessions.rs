//! Sessions and their QR codes over HTTP.

use base64::Engine as _;
use serde_json::json;
use wharf_api::ErrorCode;
use wharf_api::types::session::SessionStatus;

use crate::harness::Gateway;

#[tokio::test]
async fn a_created_session_comes_with_its_first_qr_code() {
    let gateway = Gateway::start().await;
    let reply = gateway.post("/v1/sessions", json!({"name": " shop "})).send().await;
    let data = reply.ok(201);
    assert_eq!((&data["name"], &data["status"], &data["qr"]), (&json!("shop"), &json!("qr"), &json!("2@first")));
    let png = data["qrCode"].as_str().unwrap().strip_prefix("data:image/png;base64,").unwrap();
    let png = base64::engine::general_purpose::STANDARD.decode(png).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    assert_eq!(reply.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_session_that_cannot_start_yet_is_made_all_the_same_and_its_id_is_told() {
    let gateway = Gateway::start().await;
    gateway.engine.break_starts();
    let created = gateway.post("/v1/sessions", json!({"name": "shop"})).send().await;
    let data = created.ok(201);
    assert!(data["qr"].is_null(), "{data}");
    gateway.get(&format!("/v1/sessions/{}", data["sessionId"].as_str().unwrap())).send().await.ok(200);
}

#[tokio::test]
async fn the_qr_code_comes_as_accept_wants_it_and_is_never_kept() {
    let gateway = Gateway::start().await;
    let session = gateway.session().await;
    let path = format!("/v1/sessions/{session}/qr");
    for (accept, kind) in [
        ("*/*", "application/json; charset=utf-8"),
        ("image/png", "image/png"),
        ("image/svg+xml", "image/svg+xml"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("image/png;q=0.5, text/plain", "text/plain; charset=utf-8"),
        ("video/mp4", "application/json; charset=utf-8"),
    ] {
        let reply = gateway.get(&path).header("Accept", accept).send().await;
        assert_eq!((reply.status, reply.header("content-type"), reply.header("cache-control")), (200, kind, "no-store"), "{accept}");
        assert_eq!(reply.header("vary"), "Accept");
    }
    gateway.engine.connect(&session);
    gateway.get(&path).header("Accept", "image/png").send().await.refused(ErrorCode::Conflict);
}

#[tokio::test]
async fn a_long_poll_ends_with_the_next_code() {
    let gateway = Gateway::start().await;
    let session = gateway.session().await;
    let poll = gateway.get(&format!("/v1/sessions/{session}/qr?wait=30&known=2%40first")).send();
    let turn = async {
        // The watch keeps the newest link: it does not matter which of the two is first.
        gateway.engine.set(&session, SessionStatus::Qr, Some("2@second"));
    };
    let (reply, ()) = tokio::join!(poll, turn);
    assert_eq!(reply.ok(200)["qr"], "2@second");
}

#[tokio::test]
async fn sessions_are_listed_in_pages_without_gaps() {
    let gateway = Gateway::start().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(gateway.session().await.to_string());
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = gateway.get(&format!("/v1/sessions?limit=2{cursor}")).send().await;
        seen.extend(page.ok(200).as_array().unwrap().iter().map(|row| row["sessionId"].as_str().unwrap().to_owned()));
        match page.json["page"]["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
}

#[tokio::test]
async fn another_tenant_s_session_is_as_one_that_does_not_exist() {
    let gateway = Gateway::start().await;
    let session = gateway.session().await;
    let other = wharf_core::account::find_or_create(&gateway.services, "other", "free").await.unwrap();
    let stranger = gateway.make_key_of(other, wharf_api::Permission::ALL, None, None).await;
    for (method, path) in [("GET", ""), ("GET", "/qr"), ("POST", "/restart"), ("POST", "/logout"), ("DELETE", "")] {
        let ask = |id: &str| gateway.ask(method, &format!("/v1/sessions/{id}{path}")).key(&stranger).header("X-Request-Id", "same").send();
        let (theirs, nobodys) = (ask(session.as_str()).await, ask("ses_00000000000000000000000000000000").await);
        theirs.refused(ErrorCode::SessionNotFound);
        assert_eq!(theirs.body, nobodys.body, "{method} {path}");
    }
    gateway.get(&format!("/v1/sessions/{session}")).send().await.ok(200);
}

#[tokio::test]
async fn a_session_is_restarted_logged_out_and_deleted() {
    let gateway = Gateway::start().await;
    let session = gateway.session().await;
    let path = format!("/v1/sessions/{session}");
    let code = gateway.post(&format!("{path}/pairing-code"), json!({"phoneNumber": "+1 555 000 0001"})).send().await;
    assert_eq!(code.ok(201)["pairingCode"], "ABCD-1234");
    assert_eq!(gateway.post(&format!("{path}/restart"), json!({})).send().await.ok(200)["qr"], "2@first");
    gateway.post(&format!("{path}/logout"), json!({})).send().await.refused(ErrorCode::SessionNotConnected);
    gateway.engine.connect(&session);
    // A body is not asked for, and none is needed.
    assert_eq!(gateway.ask("POST", &format!("{path}/logout")).key(&gateway.key).send().await.ok(200)["status"], "disconnected");
    gateway.delete(&path).send().await.ok(200);
    gateway.get(&path).send().await.refused(ErrorCode::SessionNotFound);
}

#[tokio::test]
async fn a_session_s_proxy_is_shown_without_name_and_password_and_a_bad_one_makes_no_session() {
    let gateway = Gateway::start().await;
    let made = gateway.post("/v1/sessions", json!({"name": "abroad", "proxy": "socks5://me:secret@10.0.0.1:1080"})).send().await;
    let id = made.ok(201)["sessionId"].as_str().unwrap().to_owned();
    let shown = gateway.get(&format!("/v1/sessions/{id}")).send().await;
    for answer in [&made, &shown] {
        assert_eq!(answer.json["data"]["proxy"], "socks5://***@10.0.0.1:1080");
        assert!(!format!("{answer:?}").contains("secret"));
    }
    let plain = gateway.post("/v1/sessions", json!({"name": "here"})).send().await;
    assert!(plain.ok(201)["proxy"].is_null());
    for bad in ["10.0.0.1:1080", "https://10.0.0.1", "socks5://me@10.0.0.1"] {
        let refused = gateway.post("/v1/sessions", json!({"name": "bad", "proxy": bad})).send().await;
        assert_eq!(refused.refused(ErrorCode::InvalidRequest)["field"], "proxy", "{bad}");
    }
    assert_eq!(gateway.get("/v1/sessions").send().await.json["data"].as_array().unwrap().len(), 2);
}
