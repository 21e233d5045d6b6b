//! Sending texts: limits, refusals with their true causes, idempotency.

use serde_json::json;
use wharf_api::ErrorCode;

use crate::harness::{ABSENT, Backend, ECHO, OWNER, SILENT, World, both_backends, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_text_of_4096_characters_passes_and_one_more_does_not_and_an_emoji_counts_as_one() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    for unit in ["a", "😀"] {
        let longest = unit.repeat(4096);
        world.send(&session, SILENT, &longest).await.ok(201);
        let ledger = world.ledger(SILENT).await;
        assert_eq!(ledger.iter().filter(|entry| entry["text"] == longest.as_str()).count(), 1);
        let refused = world.send(&session, SILENT, &unit.repeat(4097)).await;
        let details = refused.refused(ErrorCode::MessageTooLong);
        assert_eq!((&details["field"], &details["limit"], &details["actual"]), (&json!("text"), &json!(4096), &json!(4097)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_waits_for_its_scan_is_not_connected_and_a_bad_number_is_named() {
    let world = World::start(Backend::Sqlite).await;
    let created = world.api().post("/v1/sessions", &json!({"name": "unpaired"})).await;
    let session = created.ok(201)["sessionId"].as_str().unwrap().to_owned();
    world.send(&session, ECHO, "hello").await.refused(ErrorCode::SessionNotConnected);
    let refused = world.send(&session, "12ab", "hello").await;
    assert_eq!(refused.refused(ErrorCode::InvalidPhoneNumber)["field"], "to");
    world.send("ses_00000000000000000000000000000000", ECHO, "hello").await.refused(ErrorCode::SessionNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_without_whatsapp_is_refused_before_anything_is_sent() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    assert_eq!(world.send(&session, ABSENT, "anybody?").await.refused(ErrorCode::RecipientNotOnWhatsapp)["field"], "to");
    let list = world.api().get(&format!("/v1/messages?sessionId={session}")).await;
    assert_eq!(list.ok(200), &json!([]));

    let checked = world.api().post("/v1/contacts/check", &json!({"sessionId": session, "phoneNumbers": [ECHO, "+1 555 000 9999"]})).await;
    let rows = checked.ok(200).as_array().unwrap();
    assert_eq!((&rows[0]["onWhatsapp"], &rows[1]["onWhatsapp"]), (&json!(true), &json!(false)));
    assert_eq!(rows[1]["phoneNumber"], "+1 555 000 9999");
}

both_backends! {
    async fn whoever_waits_for_a_status_is_told_when_it_is_there_and_not_before(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let person = format!("/control/phones/{SILENT}");
        world.control().post(&format!("{person}/sleep"), &json!({})).await.ok(200);
        let id = world.send(&session, SILENT, "good night").await.ok(201)["messageId"].as_str().unwrap().to_owned();
        let path = format!("/v1/messages/{id}");
        // What is there already is not waited for; what is not is shown as it is when the time is over.
        assert_eq!(world.api().get(&format!("{path}?wait=25")).await.ok(200)["status"], "sent");
        assert_eq!(world.api().get(&format!("{path}?wait=1&until=delivered")).await.ok(200)["status"], "sent");
        let api = world.api();
        let wait = format!("{path}?wait=25&until=delivered");
        let (told, ()) = tokio::join!(api.get(&wait), async {
            world.control().post(&format!("{person}/wake"), &json!({})).await.ok(200);
        });
        assert_eq!(told.ok(200)["status"], "delivered");
        // What has failed has come as far as it will.
        let refused = world.send(&session, "15550007479", "refused").await;
        let id = refused.refused(ErrorCode::MessageSendingFailed)["messageId"].as_str().unwrap().to_owned();
        assert_eq!(world.api().get(&format!("/v1/messages/{id}?wait=25&until=read")).await.ok(200)["status"], "failed");
        for (query, code, field) in [
            ("wait=x", ErrorCode::InvalidParameterType, "wait"),
            ("wait=31", ErrorCode::InvalidRequest, "wait"),
            ("wait=1&until=queued", ErrorCode::InvalidRequest, "until"),
            ("until=soon", ErrorCode::InvalidRequest, "until"),
        ] {
            assert_eq!(world.api().get(&format!("{path}?{query}")).await.refused(code)["field"], field, "{query}");
        }
    }

    async fn a_refusal_by_the_network_is_message_sending_failed_with_the_message_id(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let refused = world.send(&session, "15550007479", "refused").await;
        let id = refused.refused(ErrorCode::MessageSendingFailed)["messageId"].as_str().unwrap().to_owned();
        let shown = world.api().get(&format!("/v1/messages/{id}")).await;
        let message = shown.ok(200);
        assert_eq!((&message["status"], &message["error"]["code"]), (&json!("failed"), &json!("message_sending_failed")));
    }

    async fn a_swallowed_acknowledgement_leaves_the_message_queued_and_a_repeat_is_shown_once(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let fault = world.control().post("/control/faults", &json!({"action": "swallow_ack", "phone": OWNER, "times": 1})).await;
        assert!(fault.status < 300, "{fault:?}");
        let sent = world.api().post("/v1/messages/text", &json!({"sessionId": session, "to": SILENT, "text": "once", "async": true})).await;
        let id = sent.ok(201)["messageId"].as_str().unwrap().to_owned();
        // The delivery receipt proves that the network has it, acknowledged or not.
        world.until_message(&id, "delivered").await;
        let ledger = world.ledger(SILENT).await;
        assert_eq!(ledger.iter().filter(|entry| entry["text"] == "once").count(), 1, "{ledger:?}");
    }

    async fn the_same_idempotency_key_sends_once_and_replays_the_first_answer(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let api = world.api();
        let post = async |text: &str| {
            let body = json!({"sessionId": session, "to": SILENT, "text": text});
            crate::harness::api::read(api.request("POST", "/v1/messages/text").header("idempotency-key", "order-17").json(&body)).await
        };
        let first = post("only once").await;
        first.ok(201);
        let again = post("only once").await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (201, "true"), "{again:?}");
        assert_eq!(again.bytes, first.bytes);
        post("something else").await.refused(ErrorCode::IdempotencyKeyReused);

        let many = futures::future::join_all((0..20).map(|_| {
            let body = json!({"sessionId": session, "to": SILENT, "text": "at once"});
            crate::harness::api::read(api.request("POST", "/v1/messages/text").header("idempotency-key", "order-18").json(&body))
        }))
        .await;
        let ids: std::collections::BTreeSet<_> =
            many.iter().filter(|reply| reply.status == 201).map(|reply| reply.data()["messageId"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids.len(), 1, "{many:?}");
        for reply in many.iter().filter(|reply| reply.status != 201) {
            reply.refused(ErrorCode::IdempotencyKeyInUse);
        }
        let ledger = world.ledger(SILENT).await;
        assert_eq!(ledger.iter().filter(|entry| entry["text"] == "at once").count(), 1, "{ledger:?}");
    }

    async fn a_reader_reads_after_a_while_and_a_sleeper_after_waking(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let asleep = world.send(&session, "15550001004", "wake up").await;
        let asleep = asleep.ok(201)["messageId"].as_str().unwrap().to_owned();
        let read = world.send(&session, crate::harness::READER, "read me").await;
        world.until_message(read.ok(201)["messageId"].as_str().unwrap(), "read").await;
        assert_eq!(world.api().get(&format!("/v1/messages/{asleep}")).await.data()["status"], "sent");
        world.control().post("/control/phones/15550001004/wake", &json!({})).await;
        world.until_message(&asleep, "delivered").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_and_paged_without_gaps() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    for number in 0..7 {
        let to = if number % 2 == 0 { ECHO } else { SILENT };
        world.send(&session, to, &format!("number {number}")).await.ok(201);
    }
    let api = world.api();
    eventually("all echoes are in", async || {
        let list = api.get(&format!("/v1/messages?sessionId={session}&direction=incoming")).await;
        (list.data().as_array().map(Vec::len) == Some(4)).then_some(()).ok_or(format!("{list:?}"))
    })
    .await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api.get(&format!("/v1/messages?sessionId={session}&direction=outgoing&limit=3{cursor}")).await;
        seen.extend(page.ok(200).as_array().unwrap().iter().map(|row| row["text"].as_str().unwrap().to_owned()));
        match page.json["page"]["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, (0..7).rev().map(|number| format!("number {number}")).collect::<Vec<_>>());
    let chat = api.get(&format!("/v1/messages?chatId={SILENT}&direction=outgoing")).await;
    assert_eq!(chat.ok(200).as_array().unwrap().len(), 3);
    assert_eq!(api.get("/v1/messages?direction=sideways").await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_of_a_request_that_still_runs_is_told_that_its_key_is_in_use() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    // The number is known from now on: nothing but the send itself needs the network.
    world.send(&session, SILENT, "hello").await.ok(201);
    let fault = world.control().post("/control/faults", &json!({"action": "stall", "phone": OWNER})).await;
    assert!(fault.status < 300, "{fault:?}");

    let api = world.api();
    let body = json!({"sessionId": session, "to": SILENT, "text": "held"});
    let post = || crate::harness::api::read(api.request("POST", "/v1/messages/text").header("idempotency-key", "held-1").json(&body));
    let (first, ()) = tokio::join!(post(), async {
        eventually("the first request has claimed its key", async || {
            let list = api.get(&format!("/v1/messages?sessionId={session}&direction=outgoing&limit=1")).await;
            (list.data()[0]["text"] == "held").then_some(()).ok_or(format!("{list:?}"))
        })
        .await;
        let second = post().await;
        second.refused(ErrorCode::IdempotencyKeyInUse);
        assert_eq!(second.header("retry-after"), "1");
        world.control().delete("/control/faults").await;
    });
    assert!(matches!(first.ok(201)["status"].as_str(), Some("queued" | "sent")), "{first:?}");
}
