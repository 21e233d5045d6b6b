//! Pairing: by QR in every form, by code, expiry, logout from either side, replaced connections.

use base64::Engine as _;
use serde_json::json;
use wharf_api::ErrorCode;

use crate::harness::{Backend, ECHO, OWNER, SILENT, World, both_backends, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_answer_has_the_qr_code_as_a_png_that_decodes_to_the_raw_string() {
    let world = World::start(Backend::Sqlite).await;
    let created = world.api().post("/v1/sessions", &json!({"name": "shop"})).await;
    let data = created.ok(201);
    assert_eq!((data["status"].as_str(), data["name"].as_str()), (Some("qr"), Some("shop")));
    let png = data["qrCode"].as_str().unwrap().strip_prefix("data:image/png;base64,").expect("a data URL");
    let png = base64::engine::general_purpose::STANDARD.decode(png).unwrap();
    assert_eq!(decode_qr(&png), data["qr"].as_str().unwrap());
    assert!(data["qrExpiresAt"].as_str().unwrap().ends_with('Z'));
}

/// The commonest limit of clients; whoever gives up here and tries again has two sessions.
const CLIENTS_LIMIT: std::time::Duration = std::time::Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_for_ten_seconds_has_its_session_also_where_no_code_comes() {
    let world = World::start(Backend::Sqlite).await;
    world.control().post("/control/faults", &json!({"action": "stall"})).await.ok(200);
    // On a slow machine an answer may be late; where the gateway itself waits for too long none is ever in time.
    let made = eventually("a client has its answer before it gives up", async || {
        let asked = world.api().request("POST", "/v1/sessions").timeout(CLIENTS_LIMIT).json(&json!({"name": "shop"}));
        crate::harness::api::try_read(asked).await.ok_or("it gave up".to_owned())
    })
    .await;
    assert_eq!((&made.ok(201)["status"], made.data().get("qr")), (&json!("starting"), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_qr_code_is_served_as_json_png_svg_and_terminal_text() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.api().post("/v1/sessions", &json!({"name": "shop"})).await.ok(201)["sessionId"].as_str().unwrap().to_owned();
    let path = format!("/v1/sessions/{session}/qr");
    let api = world.api();
    let shown = api.get(&path).await;
    let raw = shown.ok(200)["qr"].as_str().unwrap().to_owned();
    let as_type = async |accept: &str| crate::harness::api::read(api.request("GET", &path).header("accept", accept)).await;
    let png = as_type("image/png").await;
    assert_eq!(png.header("content-type"), "image/png");
    assert_eq!(decode_qr(&png.bytes), raw);
    let svg = as_type("image/svg+xml").await;
    assert_eq!(svg.header("content-type"), "image/svg+xml");
    assert!(String::from_utf8(svg.bytes).unwrap().contains("<svg"));
    let text = as_type("text/plain").await;
    assert!(text.header("content-type").starts_with("text/plain"));
    assert!(String::from_utf8(text.bytes).unwrap().lines().count() > 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_linked_by_a_typed_code() {
    let world = World::start(Backend::Sqlite).await;
    let api = world.api();
    let session = api.post("/v1/sessions", &json!({"name": "code"})).await.ok(201)["sessionId"].as_str().unwrap().to_owned();
    let bad = api.post(&format!("/v1/sessions/{session}/pairing-code"), &json!({"phoneNumber": "12"})).await;
    assert_eq!(bad.refused(ErrorCode::InvalidPhoneNumber)["field"], "phoneNumber");
    let made = api.post(&format!("/v1/sessions/{session}/pairing-code"), &json!({"phoneNumber": OWNER})).await;
    let code = made.ok(201)["pairingCode"].as_str().unwrap().to_owned();
    let typed = world.control().post("/control/pair-code", &json!({"phone": OWNER, "code": code})).await;
    assert!(typed.status < 300, "{typed:?}");
    world.until_connected(&session).await;
    world.send(&session, ECHO, "linked by a code").await.ok(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_qr_text_is_a_link_that_the_phones_own_camera_can_follow_and_so_is_what_a_webhook_gets() {
    let world = World::start(Backend::Sqlite).await;
    let created = world.api().post("/v1/sessions", &json!({"name": "link"})).await;
    let session = created.ok(201)["sessionId"].as_str().unwrap().to_owned();
    let qr = created.data()["qr"].as_str().unwrap().to_owned();
    let fields = qr.strip_prefix("https://wa.me/settings/linked_devices#").expect("the link of current clients");
    assert!(fields.starts_with("2@") && fields.split(',').count() == 5, "{qr}");
    let told = world.api().get("/v1/events?cursor=oldest&events=session.qr").await;
    assert_eq!(told.ok(200)[0]["data"]["qr"], qr.as_str());
    // Text that is known already is asked about in an address: what stands there is escaped.
    let known = qr.replace('#', "%23").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let same = world.api().get(&format!("/v1/sessions/{session}/qr?wait=1&known={known}")).await;
    assert_eq!(same.ok(200)["qr"], qr.as_str());
    // A phone takes the bare fields of older clients too.
    world.scan(fields, OWNER).await;
    world.until_connected(&session).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pairing_code_is_asked_for_only_when_the_first_qr_code_has_arrived() {
    let world = World::start(Backend::Sqlite).await;
    let api = world.api();
    let held = world.control().post("/control/faults", &json!({"action": "hold_qr"})).await;
    let session = api.post("/v1/sessions", &json!({"name": "early"})).await.ok(201)["sessionId"].as_str().unwrap().to_owned();
    let path = format!("/v1/sessions/{session}/pairing-code");
    let early = api.post(&path, &json!({"phoneNumber": OWNER})).await;
    assert_eq!(early.refused(ErrorCode::ServiceUnavailable)["reason"], "WhatsApp has not begun the pairing yet");
    assert!(early.header("retry-after").parse::<u64>().unwrap() >= 1, "{early:?}");

    // Asked while it is held, answered when it comes; the network would have refused it before.
    let (asked, ()) = tokio::join!(async { api.post(&path, &json!({"phoneNumber": OWNER})).await }, async {
        world.control().delete(&format!("/control/faults/{}", held.ok(200)["id"])).await.ok(200);
    });
    let code = asked.ok(201)["pairingCode"].as_str().unwrap().to_owned();
    world.control().post("/control/pair-code", &json!({"phone": OWNER, "code": code})).await.ok(200);
    world.until_connected(&session).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_pairing_code_is_told_in_words_and_the_second_in_a_row_asks_to_wait() {
    let world = World::start(Backend::Sqlite).await;
    let api = world.api();
    let session = api.post("/v1/sessions", &json!({"name": "refused"})).await.ok(201)["sessionId"].as_str().unwrap().to_owned();
    let ask = async || api.post(&format!("/v1/sessions/{session}/pairing-code"), &json!({"phoneNumber": OWNER})).await;
    world.control().post("/control/faults", &json!({"action": "refuse_pair_code", "phone": OWNER, "times": 2})).await.ok(200);
    let first = ask().await;
    let words = first.refused(ErrorCode::ServiceUnavailable)["reason"].as_str().unwrap();
    assert!(words.contains("look at the number"), "{first:?}");
    // Who asks is answered at once; the session hears of it by itself.
    eventually("it is shown, and the QR code goes on", async || {
        let shown = api.get(&format!("/v1/sessions/{session}")).await;
        let seen = (&shown.ok(200)["status"], &shown.data()["refusal"]["code"]) == (&json!("qr"), &json!(400));
        seen.then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
    let second = ask().await;
    assert_eq!(second.refused(ErrorCode::ServiceUnavailable)["reason"], "WhatsApp asks to slow down");
    assert!(second.header("retry-after").parse::<u64>().unwrap() >= 60, "{second:?}");
    ask().await.ok(201);

    // One that was given ends the row.
    world.control().post("/control/faults", &json!({"action": "refuse_pair_code", "phone": OWNER, "times": 1, "code": 452})).await.ok(200);
    let none = ask().await;
    assert!(
        none.refused(ErrorCode::ServiceUnavailable)["reason"].as_str().unwrap().contains("no pairing codes for this account"),
        "{none:?}"
    );
    for line in ["wharf_whatsapp_refusals_total{code=\"400\"} 2", "wharf_whatsapp_refusals_total{code=\"452\"} 1"] {
        eventually("it is counted", async || {
            let metrics = String::from_utf8(api.get("/metrics").await.bytes).unwrap();
            metrics.contains(line).then_some(()).ok_or(format!("{line}: {metrics}"))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_code_that_whatsapp_does_not_take_is_told_and_the_next_one_links() {
    let world = World::start(Backend::Sqlite).await;
    let api = world.api();
    let session = api.post("/v1/sessions", &json!({"name": "second stage"})).await.ok(201)["sessionId"].as_str().unwrap().to_owned();
    let ask = async || {
        let made = api.post(&format!("/v1/sessions/{session}/pairing-code"), &json!({"phoneNumber": OWNER})).await;
        made.ok(201)["pairingCode"].as_str().unwrap().to_owned()
    };
    world
        .control()
        .post("/control/faults", &json!({"action": "refuse_pair_finish", "phone": OWNER, "code": 403, "times": 1}))
        .await
        .ok(200);
    let typed = world.control().post("/control/pair-code", &json!({"phone": OWNER, "code": ask().await})).await;
    assert!(typed.status >= 400, "the phone says that it failed: {typed:?}");
    let shown = eventually("the refusal is shown", async || {
        let shown = api.get(&format!("/v1/sessions/{session}")).await;
        (shown.data()["refusal"]["code"] == 403).then_some(shown.data().clone()).ok_or(format!("{shown:?}"))
    })
    .await;
    assert!(shown["refusal"]["text"].as_str().unwrap().contains("did not take the typed code"), "{shown}");
    assert_eq!(shown["status"], "qr", "{shown}");
    let told = api.get("/v1/events?cursor=oldest&limit=200&events=session.status").await;
    assert!(told.ok(200).as_array().unwrap().iter().any(|event| event["data"]["refusal"]["code"] == 403), "{told:?}");

    world.control().post("/control/pair-code", &json!({"phone": OWNER, "code": ask().await})).await.ok(200);
    world.until_connected(&session).await;
    assert!(api.get(&format!("/v1/sessions/{session}")).await.ok(200)["refusal"].is_null());
}

both_backends! {
    async fn logging_out_unlinks_the_device_and_the_same_id_can_be_paired_again(backend) {
        let world = World::start(backend).await;
        let api = world.api();
        let session = world.pair(OWNER).await;
        api.post(&format!("/v1/sessions/{session}/logout"), &json!({})).await.ok(200);
        world.until_status(&session, "disconnected").await;
        let refused = world.send(&session, ECHO, "too late").await;
        assert_eq!(refused.refused(ErrorCode::SessionDisconnected)["reason"], "logged_out");

        let again = api.post(&format!("/v1/sessions/{session}/restart"), &json!({})).await;
        world.scan(again.ok(200)["qr"].as_str().expect("a fresh QR code"), OWNER).await;
        world.until_connected(&session).await;
        world.send(&session, ECHO, "linked again").await.ok(201);
    }

    async fn a_logout_on_the_phone_ends_the_session_with_its_reason(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let done = world.control().post(&format!("/control/phones/{OWNER}/logout"), &json!({})).await;
        assert!(done.status < 300, "{done:?}");
        world.until_status(&session, "disconnected").await;
        let shown = world.api().get(&format!("/v1/sessions/{session}")).await;
        assert_eq!(shown.ok(200)["reason"], "logged_out");
        world.send(&session, ECHO, "too late").await.refused(ErrorCode::SessionDisconnected);
    }

    async fn a_dropped_socket_is_opened_again_and_the_text_still_goes_out(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let dropped = world.control().post("/control/faults", &json!({"action": "drop_socket", "phone": OWNER})).await;
        assert!(dropped.status < 300, "{dropped:?}");
        let world = &world;
        let sent = eventually("a text goes out again", async || {
            let sent = world.send(&session, ECHO, "after the drop").await;
            if sent.status == 201 { Ok(sent) } else { sent.refused(ErrorCode::SessionNotConnected); Err(format!("{sent:?}")) }
        })
        .await;
        world.until_message(sent.data()["messageId"].as_str().unwrap(), "read").await;
    }

    async fn what_an_unlinked_account_did_not_send_fails_and_does_not_go_out_from_another_number(backend) {
        let world = World::start(backend).await;
        let api = world.api();
        let session = world.pair(OWNER).await;
        world.control().post("/control/faults", &json!({"action": "nack", "code": 503, "to": SILENT})).await.ok(200);
        let mut queued = Vec::new();
        for number in 0..40 {
            let body = json!({"sessionId": session, "to": SILENT, "text": format!("of the old number {number}"), "async": true});
            queued.push(api.post("/v1/messages/text", &body).await.ok(201)["messageId"].as_str().unwrap().to_owned());
        }
        world.control().post(&format!("/control/phones/{OWNER}/logout"), &json!({})).await.ok(200);
        world.until_status(&session, "disconnected").await;
        for id in [&queued[0], &queued[39]] {
            let failed = world.until_message(id, "failed").await;
            assert_eq!(failed["error"]["code"], ErrorCode::SessionDisconnected.name(), "{failed}");
        }
        world.control().delete("/control/faults").await.ok(200);

        let again = api.post(&format!("/v1/sessions/{session}/restart"), &json!({})).await;
        world.scan(again.ok(200)["qr"].as_str().expect("a fresh QR code"), "15550000002").await;
        world.until_connected(&session).await;
        world.send(&session, SILENT, "of the new number").await.ok(201);
        for id in &queued {
            world.until_message(id, "failed").await;
        }
        let ledger = world.ledger(SILENT).await;
        let seen: Vec<_> = ledger.iter().map(|entry| (&entry["sender"], &entry["text"])).collect();
        assert_eq!(seen, [(&json!("15550000002"), &json!("of the new number"))]);
    }

    async fn a_text_that_was_lost_with_its_socket_is_sent_by_the_next_one_and_shown_once(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.control().post("/control/faults", &json!({"action": "drop_message", "to": ECHO, "times": 1})).await.ok(200);
        let queued = world.api().post("/v1/messages/text", &json!({"sessionId": session, "to": ECHO, "text": "lost", "async": true})).await;
        let id = queued.ok(201)["messageId"].as_str().unwrap().to_owned();
        eventually("the text is lost", async || {
            let rules = world.control().get("/control/faults").await;
            rules.data().as_array().is_some_and(Vec::is_empty).then_some(()).ok_or(format!("{rules:?}"))
        })
        .await;
        assert_eq!(world.api().get(&format!("/v1/messages/{id}")).await.ok(200)["status"], "queued");
        assert!(world.ledger(ECHO).await.is_empty());
        world.control().post("/control/faults", &json!({"action": "drop_socket", "phone": OWNER})).await.ok(200);
        world.until_message(&id, "read").await;
        let ledger = world.ledger(ECHO).await;
        assert_eq!((ledger.len(), &ledger[0]["text"], &ledger[0]["copies"]), (1, &json!("lost"), &json!(1)), "{ledger:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_waits_for_a_session_that_is_connecting_and_is_refused_where_that_takes_too_long() {
    let world = World::start(Backend::Sqlite).await;
    let created = world.api().post("/v1/sessions", &json!({"name": "late"})).await;
    let session = created.ok(201)["sessionId"].as_str().unwrap().to_owned();
    world.send(&session, ECHO, "before the scan").await.refused(ErrorCode::SessionNotConnected);
    let never = world.control().post("/control/faults", &json!({"action": "refuse_login", "phone": OWNER})).await;
    world.scan(created.data()["qr"].as_str().unwrap(), OWNER).await;
    world.until_status(&session, "connecting").await;
    let refused = world.send(&session, ECHO, "too early").await;
    assert_eq!(refused.refused(ErrorCode::SessionNotConnected)["reason"], "the session is connecting");
    world.control().delete(&format!("/control/faults/{}", never.ok(200)["id"])).await.ok(200);
    world.until_connected(&session).await;
    world.send(&session, ECHO, "in time").await.ok(201);

    // A start of the server: what comes before the session is there again waits for it. On a slow machine the session may be there before
    // anybody has looked, or come later than a send waits: then the server starts once more.
    let mut world = world;
    eventually("a send has waited for its session", async || {
        world.control().delete("/control/faults").await.ok(200);
        let late = json!({"action": "refuse_login", "phone": OWNER, "times": 1});
        world.control().post("/control/faults", &late).await.ok(200);
        world.stop_gateway().await;
        world.start_gateway(&[]).await;
        let path = format!("/v1/sessions/{session}");
        let shown = eventually("the session is begun", async || {
            let is_over = world.control().get("/control/faults").await.data() == &json!([]);
            let shown = world.api().get(&path).await;
            let begun = shown.data()["status"] == "connecting" || (is_over && shown.data()["status"] == "connected");
            begun.then(|| shown.data().clone()).ok_or(format!("{shown:?}"))
        })
        .await;
        if shown["status"] == "connected" {
            return Err(format!("it was there too soon: {shown}"));
        }
        let sent = world.send(&session, ECHO, "right after the start").await;
        if sent.status != 201 {
            sent.refused(ErrorCode::SessionNotConnected);
        }
        (sent.status == 201).then_some(()).ok_or(format!("{sent:?}"))
    })
    .await;
    let texts: Vec<_> = world.ledger(ECHO).await.iter().map(|entry| entry["text"].clone()).collect();
    assert_eq!(texts, ["in time", "right after the start"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_session_is_gone_and_its_phone_has_no_linked_device_left() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    world.api().delete(&format!("/v1/sessions/{session}")).await.ok(200);
    world.api().get(&format!("/v1/sessions/{session}")).await.refused(ErrorCode::SessionNotFound);
    world.send(&session, ECHO, "to nobody").await.refused(ErrorCode::SessionNotFound);
    eventually("the phone shows no linked device", async || {
        let phone = world.control().get(&format!("/control/phones/{OWNER}")).await;
        let devices = phone.data()["devices"].as_array().cloned().unwrap_or_default();
        devices.is_empty().then_some(()).ok_or(format!("{phone:?}"))
    })
    .await;
}

/// Reads a QR code out of a PNG as a camera's software would.
fn decode_qr(bytes: &[u8]) -> String {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let (width, samples) = (info.width as usize, info.color_type.samples());
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, info.height as usize, |x, y| pixels[(y * width + x) * samples]);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one QR code in the picture");
    grids[0].decode().unwrap().1
}

/// The connection is open and silent, as after a cable was pulled. `connected` must not stay for longer than the probes take:
/// a look every 15 to 30 seconds, a ping where nothing came for 15, and 20 for its answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_open_and_silent_is_noticed_and_replaced() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let shown = world.api().get(&format!("/v1/sessions/{session}")).await;
    assert!(shown.ok(200)["lastSeenAt"].as_str() >= shown.data()["createdAt"].as_str(), "{shown:?}");
    world.control().post("/control/faults", &json!({"action": "stall", "phone": OWNER})).await;
    let began = tokio::time::Instant::now();
    loop {
        let shown = world.api().get(&format!("/v1/sessions/{session}")).await;
        if shown.data()["status"] != "connected" {
            break;
        }
        assert!(began.elapsed() < std::time::Duration::from_mins(3), "still connected: {shown:?}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    eprintln!("noticed after {:?}", began.elapsed());
    world.control().delete("/control/faults").await;
    world.until_connected(&session).await;
    world.send(&session, crate::harness::SILENT, "over the new connection").await.ok(201);
}
