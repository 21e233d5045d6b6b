//! Connected means that it can be used, sent means that somebody can read it, and what nobody knows does no harm.

use serde_json::{Value, json};

use crate::harness::{Backend, OWNER, SILENT, World, both_backends, eventually};

const FRIEND: &str = "15551000001";
const OTHER: &str = "15551000002";

/// The ways in which a first login does not get the account's critical settings.
const WAYS: [(&str, Option<u16>); 8] = [
    ("silent_app_state", None),
    ("refuse_app_state", Some(500)),
    ("refuse_app_state", Some(503)),
    ("refuse_app_state", Some(400)),
    ("refuse_app_state", Some(404)),
    ("garble_app_state", None),
    ("forge_app_state", None),
    ("lock_app_state", None),
];

impl World {
    async fn until_lacking(&self, session: &str, what: Value) {
        let api = self.api();
        eventually(&format!("the session lacks {what}"), async || {
            let shown = api.get(&format!("/v1/sessions/{session}")).await;
            let is = shown.data()["status"] == "connected" && shown.data()["degraded"] == what;
            is.then_some(()).ok_or(format!("{shown:?}"))
        })
        .await;
    }

    /// How often the account's devices put this message on the wire, and for whom it was sealed.
    async fn on_wire(&self, owner: &str, wa_id: &str) -> (u64, Vec<String>) {
        let wire = self.control().get(&format!("/control/wire/{owner}?id={wa_id}")).await;
        let Some(sent) = wire.ok(200)["messages"].get(0).cloned() else { return (0, Vec::new()) };
        let sealed = sent["ciphertexts"].as_array().unwrap().iter().map(|one| one["to"].as_str().unwrap().to_owned());
        (sent["stanzas"].as_u64().unwrap(), sealed.collect())
    }
}

both_backends! {
    async fn a_first_pairing_without_critical_settings_is_connected_says_so_and_sends(backend) {
        let world = World::start(backend).await;
        let mut sessions = Vec::new();
        for (n, (action, code)) in WAYS.iter().enumerate() {
            let owner = format!("1555000209{n}");
            world.rule(json!({"action": action, "phone": owner, "code": code})).await;
            let created = world.api().post("/v1/sessions", &json!({"name": action})).await;
            world.scan(created.ok(201)["qr"].as_str().unwrap(), &owner).await;
            sessions.push((action, created.data()["sessionId"].as_str().unwrap().to_owned()));
        }
        for (action, session) in &sessions {
            world.until_lacking(session, json!("app_state")).await;
            let sent = world.send(session, SILENT, action).await;
            world.until_message(sent.ok(201)["messageId"].as_str().unwrap(), "delivered").await;
        }
        for (_, session) in &sessions {
            // It is shown a moment before it is told.
            eventually("it is told once", async || {
                let told = world.api().get("/v1/events?limit=200&events=session.status").await;
                let lacking = told.ok(200).as_array().unwrap().iter();
                let lacking = lacking.filter(|event| event["sessionId"] == *session && event["data"]["degraded"] == "app_state");
                if lacking.count() == 1 { Ok(()) } else { Err(format!("{told:?}")) }
            })
            .await;
        }
    }

    async fn a_session_lacks_nothing_when_its_settings_come_and_after_they_came_late(backend) {
        let world = World::start(backend).await;
        let healthy = world.pair("15550001010").await;
        world.rule(json!({"action": "refuse_app_state", "phone": OWNER, "code": 500})).await;
        let session = world.pair(OWNER).await;
        world.until_lacking(&session, json!("app_state")).await;
        world.no_rules().await;
        world.rule(json!({"action": "drop_socket", "phone": OWNER})).await;
        world.until_lacking(&session, Value::Null).await;
        world.until_lacking(&healthy, Value::Null).await;
        let told = world.api().get("/v1/events?limit=200&events=session.status").await;
        let told = told.ok(200).as_array().unwrap();
        assert!(told.iter().all(|event| event["sessionId"] != *healthy || event["data"]["degraded"].is_null()), "{told:?}");
    }

    async fn a_message_that_no_device_of_the_recipient_could_read_is_not_sent_until_one_can(backend) {
        for action in ["refuse_keys", "omit_keys"] {
            let world = World::start(backend).await;
            let session = world.pair(OWNER).await;
            world.rule(json!({"action": action, "phone": OWNER, "to": SILENT})).await;
            let accepted = world.send(&session, SILENT, "for somebody").await;
            let (id, wa_id) = (accepted.data()["messageId"].clone(), accepted.data()["whatsappId"].clone());
            let (id, wa_id) = (id.as_str().unwrap(), wa_id.as_str().unwrap());
            eventually("the first try was made", async || {
                let (stanzas, sealed) = world.on_wire(OWNER, wa_id).await;
                (stanzas > 0 && world.metric("wharf_devices_unkeyed_total 1").await).then_some(()).ok_or(format!("{sealed:?}"))
            })
            .await;
            let shown = world.api().get(&format!("/v1/messages/{id}")).await;
            assert_eq!(shown.ok(200)["status"], "queued");
            assert!(world.ledger(SILENT).await.is_empty());
            world.no_rules().await;
            world.until_message(id, "delivered").await;
            let shown = world.shown(accepted.data()).await;
            assert_eq!((&shown["text"], &shown["copies"]), (&json!("for somebody"), &json!(1)));
            assert!(world.events("message.failed", 0).await.is_empty());
        }
    }

    async fn a_group_member_without_keys_gets_them_with_the_next_message_without_asking(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let body = json!({"sessionId": session, "subject": "keys", "participants": [FRIEND, OTHER]});
        let made = world.api().post("/v1/groups", &body).await;
        let group = made.ok(201)["groupId"].as_str().unwrap().to_owned();
        // A phone that is off asks for nothing.
        world.control().post(&format!("/control/phones/{FRIEND}/sleep"), &json!({})).await.ok(200);
        world.rule(json!({"action": "refuse_keys", "phone": OWNER, "to": FRIEND})).await;
        let first = world.send(&session, &group, "the first").await.ok(201).clone();
        let sealed = world.on_wire(OWNER, first["whatsappId"].as_str().unwrap()).await.1;
        assert!(sealed.contains(&format!("{OTHER}:0")) && !sealed.contains(&format!("{FRIEND}:0")), "{sealed:?}");
        world.no_rules().await;
        let second = world.send(&session, &group, "the second").await.ok(201).clone();
        let sealed = world.on_wire(OWNER, second["whatsappId"].as_str().unwrap()).await.1;
        assert!(sealed.contains(&format!("{FRIEND}:0")) && !sealed.contains(&format!("{OTHER}:0")), "{sealed:?}");
        let third = world.send(&session, &group, "the third").await.ok(201).clone();
        let sealed = world.on_wire(OWNER, third["whatsappId"].as_str().unwrap()).await.1;
        assert!(!sealed.contains(&format!("{FRIEND}:0")), "who has the key is not given it again: {sealed:?}");
        assert!(world.metric("wharf_devices_unkeyed_total 1").await);
        world.control().post(&format!("/control/phones/{FRIEND}/wake"), &json!({})).await.ok(200);
        assert_eq!(world.shown_at(FRIEND, &second).await["text"], "the second");
        assert_eq!(world.shown_at(FRIEND, &third).await["text"], "the third");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_client_knows_is_acknowledged_and_ends_no_connection() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let before = world.api().get("/v1/events?limit=200&events=session.status").await.ok(200).clone();
    for kind in ["tag", "notification", "ib", "enc"] {
        world.control().post(&format!("/control/phones/{OWNER}/stanza"), &json!({"kind": kind})).await.ok(200);
        world.until_acknowledged(OWNER).await;
    }
    world.rule(json!({"action": "refresh_lid", "phone": OWNER, "to": SILENT, "times": 1})).await;
    let sent = world.send(&session, SILENT, "to whom it may concern").await.ok(201).clone();
    world.until_message(sent["messageId"].as_str().unwrap(), "delivered").await;
    // A connection that ended and came back would have told.
    let after = world.api().get("/v1/events?limit=200&events=session.status").await.ok(200).clone();
    assert_eq!(after, before);
    assert!(world.metric("wharf_sockets_lost_total 0").await);
}

both_backends! {
    async fn in_an_hour_with_unknown_stanzas_of_every_kind_the_session_stays_and_all_that_is_known_goes_through(backend) {
        const ROUNDS: usize = 12;
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let made = world.api().post("/v1/groups", &json!({"sessionId": session, "subject": "An hour", "participants": [SILENT]})).await;
        let group = made.ok(201)["groupId"].as_str().unwrap().to_owned();
        let handshakes = async || world.control().get("/control/stats").await.ok(200)["handshakes"].clone();
        let before = (handshakes().await, statuses(&world).await);
        let strange = async |path: &str, body: Value| {
            world.control().post(&format!("/control/phones/{OWNER}/{path}"), &body).await.ok(200);
        };
        for round in 0..ROUNDS {
            // Words that the server repeats until they are acknowledged, and such that it says once.
            for kind in ["tag", "notification", "ib", "enc"] {
                strange("stanza", json!({"kind": kind})).await;
            }
            for place in ["tag", "notification", "ib", "enc", "iq"] {
                strange("strange", json!({"place": place})).await;
            }
            world.phone_sends(SILENT, OWNER, &format!("in {round}")).await;
            let sent = world.send(&session, SILENT, &format!("out {round}")).await;
            world.send(&session, &group, &format!("group {round}")).await.ok(201);
            world.until_message(sent.ok(201)["messageId"].as_str().unwrap(), "delivered").await;
            world.until_acknowledged(OWNER).await;
            world.advance(3_600 / ROUNDS as u64).await;
        }
        let texts: Vec<_> = (0..ROUNDS).flat_map(|round| [format!("out {round}"), format!("group {round}")]).collect();
        let shown = world.ledger(SILENT).await;
        for text in &texts {
            assert_eq!(shown.iter().filter(|entry| entry["text"] == text.as_str()).count(), 1, "{text}");
        }
        let list = world.api().get(&format!("/v1/messages?sessionId={session}&direction=incoming&limit=200")).await;
        let came: Vec<_> = list.ok(200).as_array().unwrap().iter().filter_map(|row| row["text"].as_str()).collect();
        for round in 0..ROUNDS {
            assert_eq!(came.iter().filter(|text| **text == format!("in {round}")).count(), 1, "{came:?}");
        }
        for (place, times) in [("tag", 2), ("notification", 2), ("ib", 2), ("enc", 2), ("other", 1), ("nack", 0)] {
            assert!(world.metric(&format!("wharf_whatsapp_unknown_total{{place=\"{place}\"}} {}", times * ROUNDS)).await, "{place}");
        }
        assert_eq!((handshakes().await, statuses(&world).await), before, "one connection all the time");
        assert!(world.metric("wharf_sockets_lost_total 0").await);
    }
}

/// What was told of sessions so far.
async fn statuses(world: &World) -> Value {
    world.api().get("/v1/events?cursor=oldest&limit=200&events=session.status").await.ok(200).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hosted_number_cannot_be_linked_and_an_ordinary_one_can_with_the_next_code() {
    let world = World::start(Backend::Sqlite).await;
    let created = world.api().post("/v1/sessions", &json!({"name": "hosted"})).await;
    let (session, qr) = (created.ok(201)["sessionId"].as_str().unwrap(), created.data()["qr"].as_str().unwrap());
    let refused = world.control().post_text(&format!("/control/scan?phone={OWNER}&hosted=true"), qr).await;
    assert_eq!((refused.status, &refused.json["error"]["code"]), (409, &json!("device_refused")), "{refused:?}");
    assert!(refused.json["error"]["message"].as_str().unwrap().contains("signature"), "{refused:?}");
    let shown = world.control().get(&format!("/control/phones/{OWNER}")).await;
    assert_eq!(shown.ok(200)["devices"], json!([]));
    let shown = world.api().get(&format!("/v1/sessions/{session}")).await;
    assert_ne!(shown.ok(200)["status"], "connected");
    world.pair(OWNER).await;
}
