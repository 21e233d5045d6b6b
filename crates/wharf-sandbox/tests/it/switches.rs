//! The operator's switches on the pretend network: pauses that lose nothing, features that are off, refusals that are seen.

use std::collections::HashSet;

use serde_json::{Value, json};
use wharf_api::ErrorCode;
use wharf_api::types::switches::Feature;

use crate::harness::{Api, Backend, ECHO, OWNER, Process, Reply, SILENT, World, both_backends, eventually};

const SWITCHES: &str = "/v1/admin/whatsapp/switches";
const SECOND: &str = "15550000002";
const THIRD: &str = "15550000003";

async fn set(operator: &Api, change: Value) -> Value {
    operator.put(SWITCHES, &change).await.ok(200).clone()
}

async fn session(api: &Api, id: &str) -> Value {
    api.get(&format!("/v1/sessions/{id}")).await.ok(200).clone()
}

/// Waits until the session waits for the end of a pause; gives what is shown of it.
async fn until_paused(api: &Api, id: &str) -> Value {
    eventually("the session waits for the end of the pause", async || {
        let shown = session(api, id).await;
        if shown["waitingFor"] == "pause" { Ok(shown) } else { Err(shown.to_string()) }
    })
    .await
}

/// How many events told that the session waits for the end of a pause.
async fn told(api: &Api, id: &str) -> usize {
    let events = api.get(&format!("/v1/events?cursor=oldest&sessionId={id}&events=session.status&limit=200")).await;
    events.ok(200).as_array().unwrap().iter().filter(|event| event["data"]["waitingFor"] == "pause").count()
}

/// Waits until the session has written down that it stands still: what a node shows of the switch alone may be sooner.
async fn until_told(api: &Api, id: &str) {
    eventually("an event tells of the pause", async || match told(api, id).await {
        0 => Err("not yet".to_owned()),
        1 => Ok(()),
        more => panic!("{more} events tell of one pause"),
    })
    .await;
}

/// How many companions of the owner hold a socket.
async fn sockets(world: &World) -> u64 {
    world.control().get("/control/stats").await.data()["connected"].as_u64().unwrap()
}

/// How often the phone shows the text.
async fn shown(world: &World, phone: &str, text: &str) -> usize {
    world.ledger(phone).await.iter().filter(|entry| entry["text"] == text).count()
}

async fn until_shown(world: &World, phone: &str, text: &str) {
    eventually(&format!("{phone} shows {text}"), async || match shown(world, phone, text).await {
        0 => Err("not yet".to_owned()),
        1 => Ok(()),
        more => panic!("{text} is shown {more} times"),
    })
    .await;
}

both_backends! {
    async fn a_pause_closes_every_socket_survives_a_restart_and_ends_without_a_scan_and_without_a_loss(backend) {
        let mut world = World::start(backend).await;
        let linked = world.pair(OWNER).await;
        // Accepted while sending pauses, so that something waits when the sockets close.
        let state = set(&world.operator(), json!({"sendingPaused": true})).await;
        assert_eq!((&state["sending"]["paused"], &state["connecting"]["paused"]), (&json!(true), &json!(false)));
        let waiting = world.send(&linked, SILENT, "before the pause").await;
        let waiting = waiting.ok(201);
        assert_eq!((&waiting["status"], &waiting["heldReason"], waiting.get("heldUntil")), (&json!("queued"), &json!("pause"), None));
        assert_eq!(sockets(&world).await, 1, "connections stay");

        let state = set(&world.operator(), json!({"connectingPaused": true, "sendingPaused": false})).await;
        let paused = until_paused(&world.api(), &linked).await;
        assert_eq!((&paused["status"], &paused["since"]), (&json!("reconnecting"), &state["connecting"]["since"]));
        eventually("the socket is closed", async || match sockets(&world).await {
            0 => Ok(()),
            open => Err(format!("{open} are open")),
        })
        .await;
        until_told(&world.api(), &linked).await;
        let refused = world.send(&linked, SILENT, "too early").await;
        let reason = refused.refused(ErrorCode::SessionNotConnected)["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains("paused all connections"), "{reason}");

        let api = world.api();
        let fresh = api.post("/v1/sessions", &json!({"name": "born in the pause"})).await;
        let fresh = fresh.ok(201);
        assert_eq!((&fresh["waitingFor"], fresh.get("qr")), (&json!("pause"), None));
        let fresh = fresh["sessionId"].as_str().unwrap().to_owned();
        for refused in [
            api.get(&format!("/v1/sessions/{fresh}/qr")).await,
            api.post(&format!("/v1/sessions/{fresh}/pairing-code"), &json!({"phoneNumber": SECOND})).await,
            api.post(&format!("/v1/sessions/{linked}/restart"), &json!({})).await,
        ] {
            assert!(refused.refused(ErrorCode::ServiceUnavailable)["reason"].as_str().unwrap().contains("paused"), "{refused:?}");
            assert_eq!(refused.header("retry-after"), "60");
        }

        world.stop_gateway().await;
        world.start_gateway(&[]).await;
        let again = until_paused(&world.api(), &linked).await;
        assert_eq!((&again["since"], &again["phoneNumber"]), (&paused["since"], &json!(OWNER)), "the same pause, the same link");
        assert_eq!(sockets(&world).await, 0);
        assert_eq!(shown(&world, SILENT, "before the pause").await, 0);

        set(&world.operator(), json!({"connectingPaused": false})).await;
        world.until_connected(&linked).await;
        assert_eq!(session(&world.api(), &linked).await.get("waitingFor"), None);
        until_shown(&world, SILENT, "before the pause").await;
        world.send(&linked, SILENT, "after the pause").await.ok(201);
        until_shown(&world, SILENT, "after the pause").await;
        assert_eq!((shown(&world, SILENT, "before the pause").await, shown(&world, SILENT, "too early").await), (1, 0));
        let qr = world.api().post(&format!("/v1/sessions/{fresh}/restart"), &json!({})).await;
        world.scan(qr.ok(200)["qr"].as_str().expect("a code once the pause is over"), SECOND).await;
        world.until_connected(&fresh).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_sending_keeps_connections_and_what_comes_in() {
    let world = World::start(Backend::Sqlite).await;
    let id = world.pair(OWNER).await;
    set(&world.operator(), json!({"sendingPaused": true})).await;
    let mut waiting = Vec::new();
    for number in 0..3 {
        let sent = world.send(&id, SILENT, &format!("text {number}")).await;
        waiting.push(sent.ok(201)["messageId"].as_str().unwrap().to_owned());
    }
    world.phone_sends(SILENT, OWNER, "are you there?").await;
    eventually("what comes in is stored", async || {
        let list = world.api().get(&format!("/v1/messages?sessionId={id}&direction=incoming")).await;
        if list.data().as_array().unwrap().len() == 1 { Ok(()) } else { Err(format!("{list:?}")) }
    })
    .await;
    for message in &waiting {
        let held = world.api().get(&format!("/v1/messages/{message}")).await;
        assert_eq!((&held.ok(200)["status"], &held.data()["heldReason"]), (&json!("queued"), &json!("pause")));
    }
    assert_eq!(session(&world.api(), &id).await["status"], "connected");
    set(&world.operator(), json!({"sendingPaused": false})).await;
    for (number, message) in waiting.iter().enumerate() {
        world.until_message(message, "delivered").await;
        assert_eq!(shown(&world, SILENT, &format!("text {number}")).await, 1);
    }
}

fn keys(node: &Process) -> (Api, Api) {
    let url = node.ready["url"].as_str().unwrap();
    (Api::new(url, node.ready["apiKey"].as_str().unwrap()), Api::new(url, node.ready["operatorKey"].as_str().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_obey_within_a_minute_whichever_was_asked_and_nothing_is_lost() {
    let world = World::start(Backend::Postgres).await;
    let here = world.pair(OWNER).await;
    let other = world.another_node("second").await;
    let (api, operator) = keys(&other);
    let made = api.post("/v1/sessions", &json!({"name": "there"})).await;
    let there = made.ok(201)["sessionId"].as_str().unwrap().to_owned();
    world.scan(made.data()["qr"].as_str().unwrap(), SECOND).await;
    eventually("the second node's session is connected", async || {
        let shown = session(&api, &there).await;
        if shown["status"] == "connected" { Ok(()) } else { Err(shown.to_string()) }
    })
    .await;

    // Asked of the node that runs neither the first session nor knows its link.
    set(&operator, json!({"sendingPaused": true})).await;
    eventually("the first node holds messages back", async || {
        let told = world.operator().get("/metrics").await;
        let text = String::from_utf8_lossy(&told.bytes).into_owned();
        if text.contains("wharf_whatsapp_paused{what=\"sending\"} 1") { Ok(()) } else { Err(text) }
    })
    .await;
    world.send(&here, SILENT, "from here").await.ok(201);
    let sent = api.post("/v1/messages/text", &json!({"sessionId": there, "to": SILENT, "text": "from there"})).await;
    assert_eq!((&sent.ok(201)["status"], &sent.data()["heldReason"]), (&json!("queued"), &json!("pause")));

    set(&operator, json!({"connectingPaused": true})).await;
    until_paused(&world.api(), &here).await;
    until_paused(&api, &there).await;
    assert_eq!(until_paused(&world.api(), &there).await["status"], "reconnecting", "a node that does not run it knows the pause too");
    eventually("no socket is left", async || match sockets(&world).await {
        0 => Ok(()),
        open => Err(format!("{open} are open")),
    })
    .await;
    for id in [&here, &there] {
        until_told(&api, id).await;
    }

    set(&world.operator(), json!({"connectingPaused": false, "sendingPaused": false})).await;
    until_shown(&world, SILENT, "from here").await;
    until_shown(&world, SILENT, "from there").await;
    for id in [&here, &there] {
        assert_eq!(told(&api, id).await, 1, "one event told of the pause");
        let events = api.get(&format!("/v1/events?cursor=oldest&sessionId={id}&events=session.disconnected")).await;
        assert_eq!(events.ok(200), &json!([]));
    }
    assert_eq!((shown(&world, SILENT, "from here").await, shown(&world, SILENT, "from there").await), (1, 1));
    other.terminate().await;
}

/// Requests that need a feature, with what they are told while it is off. `sent` is an own message, `came` one of another's.
fn requests(id: &str, sent: &str, came: &str) -> Vec<(Feature, &'static str, String, Value)> {
    let to = |more: Value| {
        let mut body = json!({"sessionId": id, "to": SILENT});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let mine = || json!({"sessionId": id});
    let people = || json!({"sessionId": id, "participants": [SILENT]});
    let group = "/v1/groups/120363000000000001@g.us";
    let query = format!("?sessionId={id}");
    let contact = format!("/v1/contacts/{SILENT}");
    let picture = json!({"sessionId": id, "data": "/9j/4AAQSkZJRgABAQAAAQABAAD/2Q=="});
    let text = to(json!({"text": "x"}));
    let file = to(json!({"mediaType": "document", "data": "aGVsbG8=", "fileName": "a.txt"}));
    vec![
        (Feature::Texts, "POST", "/v1/messages/text".to_owned(), text),
        (Feature::Texts, "POST", format!("/api/whatsapp/sessions/{id}/messages"), json!({"to": SILENT, "message": "x"})),
        (Feature::Texts, "POST", format!("/v1/messages/{sent}/forward"), json!({"to": SILENT})),
        (Feature::Media, "POST", "/v1/messages/media".to_owned(), file),
        (Feature::Locations, "POST", "/v1/messages/location".to_owned(), to(json!({"latitude": 1.5, "longitude": 2.5}))),
        (Feature::Contacts, "POST", "/v1/messages/contact".to_owned(), to(json!({"contacts": [{"name": "x", "phoneNumbers": [SILENT]}]}))),
        (Feature::Polls, "POST", "/v1/messages/poll".to_owned(), to(json!({"question": "x", "options": ["a", "b"]}))),
        (Feature::Reactions, "POST", "/v1/messages/reaction".to_owned(), json!({"messageId": came, "emoji": "👍"})),
        (Feature::Edits, "PATCH", format!("/v1/messages/{sent}"), json!({"text": "y"})),
        (
            Feature::Status,
            "POST",
            "/v1/messages/text".to_owned(),
            json!({"sessionId": id, "to": "status", "text": "x", "audience": [SILENT]}),
        ),
        (Feature::Presence, "POST", "/v1/presence".to_owned(), json!({"sessionId": id, "status": "available"})),
        (Feature::Presence, "GET", format!("{contact}/presence{query}"), Value::Null),
        (Feature::Typing, "POST", format!("/v1/chats/{SILENT}/typing"), json!({"sessionId": id, "status": "typing"})),
        (Feature::Receipts, "POST", format!("/v1/messages/{came}/read"), Value::Null),
        (Feature::Receipts, "POST", format!("/v1/chats/{ECHO}/read"), mine()),
        (Feature::GroupWrites, "POST", "/v1/groups".to_owned(), json!({"sessionId": id, "subject": "x", "participants": [SILENT]})),
        (Feature::GroupWrites, "PATCH", group.to_owned(), json!({"sessionId": id, "subject": "x"})),
        (Feature::GroupWrites, "POST", format!("{group}/participants/add"), people()),
        (Feature::GroupWrites, "POST", format!("{group}/requests/approve"), people()),
        (Feature::GroupWrites, "PUT", format!("{group}/picture"), picture),
        (Feature::GroupWrites, "DELETE", format!("{group}/picture{query}"), Value::Null),
        (Feature::GroupWrites, "POST", format!("{group}/invite/revoke"), mine()),
        (Feature::GroupWrites, "POST", format!("{group}/leave"), mine()),
        (Feature::GroupWrites, "POST", "/v1/groups/join".to_owned(), json!({"sessionId": id, "code": "AbCdEfGhIjKlMnOpQrStUv"})),
        (Feature::LookUps, "POST", "/v1/contacts/check".to_owned(), json!({"sessionId": id, "phoneNumbers": [SILENT]})),
        (Feature::LookUps, "GET", format!("{contact}{query}"), Value::Null),
        (Feature::LookUps, "GET", format!("{contact}/picture{query}"), Value::Null),
        (Feature::Passkey, "POST", format!("/v1/sessions/{id}/passkey"), assertion()),
        (Feature::Passkey, "POST", format!("/v1/sessions/{id}/passkey/confirm"), json!({"code": "ABCD-1234"})),
        // Last, for nothing can be done with the message afterwards.
        (Feature::Deletions, "DELETE", format!("/v1/messages/{sent}"), Value::Null),
    ]
}

/// What a passkey gives, as far as its form goes.
fn assertion() -> Value {
    let response = json!({"clientDataJSON": "AQ", "authenticatorData": "AQ", "signature": "AQ"});
    json!({"id": "AQ", "rawId": "AQ", "type": "public-key", "response": response})
}

async fn ask(api: &Api, method: &str, path: &str, body: &Value) -> Reply {
    let request = api.request(method, path);
    crate::harness::api::read(if body.is_null() { request } else { request.json(body) }).await
}

/// Whether the answer says that the operator has switched the feature off.
fn says_off(reply: &Reply, feature: Feature) -> bool {
    let reason = format!("the operator has switched {} off", feature.as_str());
    reply.code() == "unsupported_operation" && reply.json["error"]["details"]["reason"] == reason.as_str()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_feature_that_is_off_is_refused_with_its_name_and_no_other_is() {
    let world = World::start(Backend::Sqlite).await;
    let id = world.pair(OWNER).await;
    let (api, operator) = (world.api(), world.operator());
    let sent = world.send(&id, ECHO, "hello").await.ok(201)["messageId"].as_str().unwrap().to_owned();
    let came = eventually("the echo came in", async || {
        let list = api.get(&format!("/v1/messages?sessionId={id}&direction=incoming")).await;
        list.data()[0]["messageId"].as_str().map(str::to_owned).ok_or(format!("{list:?}"))
    })
    .await;
    let table = requests(&id, &sent, &came);
    let mut tried = HashSet::new();
    for feature in Feature::ALL {
        set(&operator, json!({"features": {feature.as_str(): "off"}})).await;
        for (needs, method, path, body) in table.iter().filter(|(needs, ..)| needs == feature) {
            let refused = ask(&api, method, path, body).await;
            refused.refused(ErrorCode::UnsupportedOperation);
            assert!(says_off(&refused, *needs), "{method} {path}: {refused:?}");
            tried.insert(*needs);
        }
        // Reading is nobody's feature, and a pause of one is none of the others.
        assert_eq!(session(&api, &id).await["status"], "connected");
        let state = set(&operator, json!({"features": {feature.as_str(): "auto"}})).await;
        assert!(state["features"].as_object().unwrap().values().all(|switch| switch["position"] == "auto"), "{state}");
    }
    let background = HashSet::from([Feature::MediaReupload, Feature::HistoryTokens]);
    assert_eq!(tried, Feature::ALL.iter().copied().filter(|feature| !background.contains(feature)).collect());
    for (needs, method, path, body) in &table {
        let answer = ask(&api, method, path, body).await;
        assert!(!says_off(&answer, *needs), "{method} {path}: {answer:?}");
    }
    // While numbers are not looked up, a message to one that nobody has asked for goes out.
    set(&operator, json!({"features": {"look_ups": "off"}})).await;
    world.send(&id, "15550002077", "unchecked").await.ok(201);
    let bad = operator.put(SWITCHES, &json!({"features": {"holograms": "off"}})).await;
    bad.refused(ErrorCode::InvalidRequest);
    operator.put(SWITCHES, &json!({})).await.refused(ErrorCode::InvalidRequest);
    let audit = operator.get("/v1/admin/audit?action=admin_set_switches").await;
    assert_eq!(audit.ok(200)[0]["actor"], "operator");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_and_is_switched_off_before_it_goes_out_fails_with_that_reason() {
    let world = World::start(Backend::Sqlite).await;
    let id = world.pair(OWNER).await;
    set(&world.operator(), json!({"sendingPaused": true})).await;
    let poll = json!({"sessionId": id, "to": SILENT, "question": "x", "options": ["a", "b"]});
    let poll = world.api().post("/v1/messages/poll", &poll).await.ok(201)["messageId"].as_str().unwrap().to_owned();
    let text = world.send(&id, SILENT, "behind it").await.ok(201)["messageId"].as_str().unwrap().to_owned();
    set(&world.operator(), json!({"sendingPaused": false, "features": {"polls": "off"}})).await;
    let failed = world.until_message(&poll, "failed").await;
    assert_eq!(failed["error"]["reason"], "the operator has switched polls off");
    world.until_message(&text, "delivered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_refusals_in_three_sessions_mark_a_feature_and_only_a_person_switches_it_off() {
    let world = World::start(Backend::Sqlite).await;
    let mut sessions = Vec::new();
    for owner in [OWNER, SECOND, THIRD] {
        sessions.push(world.pair(owner).await);
    }
    let rule = json!({"action": "nack", "to": SILENT, "code": 479});
    world.control().post("/control/faults", &rule).await.ok(200);
    let degraded = async || world.operator().get(SWITCHES).await.ok(200)["features"]["texts"].clone();
    for turn in [0, 1, 2, 0] {
        world.send(&sessions[turn], SILENT, "no").await.refused(ErrorCode::MessageSendingFailed);
    }
    assert_eq!(degraded().await, json!({"position": "auto"}), "four say nothing yet");
    world.send(&sessions[1], SILENT, "no").await.refused(ErrorCode::MessageSendingFailed);
    eventually("texts are marked", async || {
        let texts = degraded().await;
        if texts["degradedSince"].is_string() { Ok(()) } else { Err(texts.to_string()) }
    })
    .await;
    assert_eq!(degraded().await["position"], "auto");
    let metrics = world.api().get("/metrics").await;
    let metrics = String::from_utf8_lossy(&metrics.bytes).into_owned();
    for line in ["wharf_whatsapp_feature_degraded{feature=\"texts\"} 1", "wharf_whatsapp_feature_off{feature=\"texts\"} 0"] {
        assert!(metrics.contains(line), "{metrics}");
    }
    world.control().delete("/control/faults").await;
    world.send(&sessions[2], SILENT, "it goes on").await.ok(201);
    let state = set(&world.operator(), json!({"features": {"texts": "auto"}})).await;
    assert_eq!(state["features"]["texts"].get("degradedSince"), None, "a person has seen it");
}
