//! Every verdict of WhatsApp's: what the session shows of it, what is told and counted, and when it is tried again. The network counts how
//! often it was asked.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{Backend, OWNER, SILENT, World, both_backends, eventually};

const SECOND_OWNER: &str = "15550000002";
/// More than the pause after a refusal of which nobody says that another try helps, and less than it.
const A_SLOW_TRY: u64 = 10 * 60;
const BEFORE_A_SLOW_TRY: u64 = 4 * 60;

/// Makes the network misbehave; tells the rule's number.
async fn misbehave(world: &World, rule: Value) -> u64 {
    world.control().post("/control/faults", &rule).await.ok(200)["id"].as_u64().unwrap()
}

async fn lift(world: &World, rule: u64) {
    world.control().delete(&format!("/control/faults/{rule}")).await.ok(200);
}

/// How often a rule was met.
async fn knocks(world: &World, rule: u64) -> u64 {
    let rules = world.control().get("/control/faults").await;
    let rule = rules.ok(200).as_array().unwrap().iter().find(|one| one["id"] == rule).cloned();
    rule.expect("the rule stands")["applied"].as_u64().unwrap()
}

/// Cuts the session's connection: the next login meets the rules.
async fn cut(world: &World) {
    world.control().post("/control/faults", &json!({"action": "drop_socket", "phone": OWNER})).await.ok(200);
}

async fn look(world: &World, session: &str) -> Value {
    world.api().get(&format!("/v1/sessions/{session}")).await.ok(200).clone()
}

/// Waits until the session shows a refusal with this code; tells the session.
async fn until_refused(world: &World, session: &str, code: u16) -> Value {
    eventually(&format!("{code} is shown"), async || {
        let shown = look(world, session).await;
        if shown["refusal"]["code"] == code { Ok(shown) } else { Err(shown.to_string()) }
    })
    .await
}

/// The newest event of a kind that is what the test looks for.
async fn heard_of(world: &World, kind: &str, is: impl Fn(&Value) -> bool) -> Value {
    eventually(&format!("{kind} is told"), async || {
        let list = world.api().get(&format!("/v1/events?cursor=oldest&limit=200&events={kind}")).await;
        let found = list.ok(200).as_array().unwrap().iter().rev().find(|event| is(&event["data"])).cloned();
        found.ok_or(format!("{list:?}"))
    })
    .await
}

async fn times_heard(world: &World, kind: &str, is: impl Fn(&Value) -> bool) -> usize {
    let list = world.api().get(&format!("/v1/events?cursor=oldest&limit=200&events={kind}")).await;
    list.ok(200).as_array().unwrap().iter().filter(|event| is(&event["data"])).count()
}

/// How many refusals with a code were counted.
async fn counted(world: &World, code: &str) -> u64 {
    let metrics = world.api().get("/metrics").await;
    let text = String::from_utf8_lossy(&metrics.bytes).into_owned();
    let name = format!("wharf_whatsapp_refusals_total{{code=\"{code}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name)).unwrap_or_else(|| panic!("{name} in {text}"));
    line.parse().unwrap()
}

/// Accepts a text that goes out when it can.
async fn queue(world: &World, session: &str, text: &str) -> String {
    let body = json!({"sessionId": session, "to": SILENT, "text": text, "async": true});
    world.api().post("/v1/messages/text", &body).await.ok(201)["messageId"].as_str().unwrap().to_owned()
}

/// The texts that came, and how often.
async fn came(world: &World) -> Vec<(String, u64)> {
    let one = |entry: &Value| (entry["text"].as_str().unwrap().to_owned(), entry["copies"].as_u64().unwrap());
    world.ledger(SILENT).await.iter().map(one).collect()
}

/// A session whose text is queued and cannot go out before the next login.
async fn queued(world: &World, session: &str) -> (String, u64) {
    let hold = misbehave(world, json!({"action": "drop_message", "to": SILENT})).await;
    let id = queue(world, session, "queued before").await;
    eventually("it was lost once", async || match knocks(world, hold).await {
        0 => Err("not yet".to_owned()),
        _ => Ok(()),
    })
    .await;
    (id, hold)
}

both_backends! {
    async fn a_ban_for_a_while_is_told_with_its_end_and_is_not_tried_before_it_not_even_by_another_process(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let (message, hold) = queued(&world, &session).await;
        let ban = misbehave(&world, json!({"action": "refuse_login", "phone": OWNER, "code": 402, "ban": 101, "expireSecs": 6 * 3600})).await;
        cut(&world).await;
        world.until_status(&session, "disconnected").await;
        let shown = until_refused(&world, &session, 402).await;
        assert_eq!(shown["reason"], "banned", "{shown}");
        assert!(shown["refusal"]["text"].as_str().unwrap().contains("too many messages to people"), "{shown}");
        let until = &shown["refusal"]["until"].clone();
        let time = |told: &Value| serde_json::from_value::<wharf_api::Timestamp>(told.clone()).unwrap().as_millis();
        assert_eq!(time(until) - time(&shown["refusal"]["at"]), 6 * 3_600_000, "{shown}");
        let event = heard_of(&world, "session.disconnected", |data| data["refusal"]["code"] == 402).await;
        assert_eq!((&event["data"]["reason"], &event["data"]["refusal"]["until"]), (&json!("banned"), until));
        assert_eq!((knocks(&world, ban).await, counted(&world, "402").await), (1, 1));
        world.send(&session, SILENT, "refused").await.refused(ErrorCode::SessionDisconnected);

        world.stop_gateway().await;
        world.start_gateway(&[]).await;
        // A session that is started at the same time is there: this one had its chance to be.
        world.pair(SECOND_OWNER).await;
        let shown = look(&world, &session).await;
        assert_eq!((&shown["status"], &shown["reason"], &shown["refusal"]["until"]), (&json!("disconnected"), &json!("banned"), until));
        world.advance(5 * 3600).await;
        world.pair("15550000003").await;
        assert_eq!(knocks(&world, ban).await, 1, "the ban is not over");

        lift(&world, ban).await;
        lift(&world, hold).await;
        world.advance(3600 + 60).await;
        world.until_connected(&session).await;
        world.until_message(&message, "delivered").await;
        let shown = look(&world, &session).await;
        assert!(shown["refusal"].is_null() && shown["reason"].is_null(), "{shown}");
        assert_eq!(came(&world).await, [("queued before".to_owned(), 1)]);
    }

    async fn what_is_refused_without_hope_keeps_link_and_queue_says_so_and_is_tried_again_after_minutes(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let (message, hold) = queued(&world, &session).await;
        let refused = misbehave(&world, json!({"action": "refuse_login", "phone": OWNER, "code": 409})).await;
        cut(&world).await;
        let shown = until_refused(&world, &session, 409).await;
        assert_eq!((&shown["status"], &shown["reason"]), (&json!("reconnecting"), &json!("refused")), "{shown}");
        assert!(shown["refusal"]["until"].is_null() && shown["phoneNumber"] == OWNER, "{shown}");
        let event = heard_of(&world, "session.status", |data| data["refusal"]["code"] == 409).await;
        assert_eq!(event["data"]["reason"], "refused");
        world.send(&session, SILENT, "refused").await.refused(ErrorCode::SessionNotConnected);

        world.advance(BEFORE_A_SLOW_TRY).await;
        world.pair(SECOND_OWNER).await;
        assert_eq!((knocks(&world, refused).await, counted(&world, "409").await), (1, 1), "too early");
        world.advance(A_SLOW_TRY).await;
        eventually("it is tried again", async || match knocks(&world, refused).await {
            2 => Ok(()),
            knocks => Err(format!("{knocks} knocks")),
        })
        .await;
        let shown = until_refused(&world, &session, 409).await;
        assert_eq!(shown["reason"], "refused", "{shown}");
        assert_eq!(times_heard(&world, "session.status", |data| data["refusal"]["code"] == 409).await, 1, "the same again is no news");

        lift(&world, refused).await;
        lift(&world, hold).await;
        world.advance(A_SLOW_TRY).await;
        world.until_connected(&session).await;
        world.until_message(&message, "delivered").await;
        let shown = look(&world, &session).await;
        assert!(shown["refusal"].is_null() && shown["reason"].is_null(), "{shown}");
        assert_eq!(came(&world).await, [("queued before".to_owned(), 1)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_a_login_is_shown_with_its_code_and_none_but_a_logout_wipes_the_link() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    // Those after which the library tries again by itself, those that are tried slowly, and a connection that is closed without a word.
    for (code, status, reason) in [
        (500, "reconnecting", Value::Null),
        (503, "reconnecting", Value::Null),
        (428, "reconnecting", Value::Null),
        (400, "reconnecting", json!("refused")),
        (414, "reconnecting", json!("refused")),
        (415, "reconnecting", json!("refused")),
        (418, "reconnecting", json!("refused")),
        (501, "reconnecting", json!("refused")),
        (403, "disconnected", json!("banned")),
    ] {
        let rule = misbehave(&world, json!({"action": "refuse_login", "phone": OWNER, "code": code})).await;
        cut(&world).await;
        let shown = eventually(&format!("{code} is shown"), async || {
            let shown = look(&world, &session).await;
            let there = shown["refusal"]["code"] == code && shown["status"] == status;
            if there { Ok(shown) } else { Err(shown.to_string()) }
        })
        .await;
        assert_eq!((&shown["reason"], &shown["phoneNumber"]), (&reason, &json!(OWNER)), "{shown}");
        assert!(!shown["refusal"]["text"].as_str().unwrap().is_empty(), "{shown}");
        assert!(!shown["refusal"]["text"].as_str().unwrap().contains("1555"), "{shown}");
        assert!(counted(&world, &code.to_string()).await >= 1);
        lift(&world, rule).await;
        // The same link, without a scan.
        world.api().post(&format!("/v1/sessions/{session}/restart"), &json!({})).await.ok(200);
        world.until_connected(&session).await;
        let shown = look(&world, &session).await;
        assert!(shown["refusal"].is_null() && shown["reason"].is_null(), "{shown}");
    }
    assert_eq!(counted(&world, "other").await, 0);

    let rule = misbehave(&world, json!({"action": "refuse_login", "phone": OWNER, "code": 401})).await;
    cut(&world).await;
    world.until_status(&session, "disconnected").await;
    let shown = look(&world, &session).await;
    assert_eq!((&shown["reason"], &shown["refusal"]["code"]), (&json!("logged_out"), &json!(401)), "{shown}");
    lift(&world, rule).await;
    let again = world.api().post(&format!("/v1/sessions/{session}/restart"), &json!({})).await;
    assert_eq!(again.ok(200)["status"], "qr", "a new scan is needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_trouble_for_a_while_wipes_nothing_and_is_tried_again_by_itself() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let (message, hold) = queued(&world, &session).await;
    lift(&world, hold).await;
    let trouble = misbehave(&world, json!({"action": "refuse_login", "phone": OWNER, "code": 503, "times": 3})).await;
    cut(&world).await;
    until_refused(&world, &session, 503).await;
    world.until_connected(&session).await;
    world.until_message(&message, "delivered").await;
    assert_eq!(counted(&world, "503").await, 3);
    assert_eq!(
        times_heard(&world, "session.status", |data| data["refusal"]["code"] == 503 && data["status"] == "reconnecting").await,
        1,
        "told once"
    );
    assert_eq!(came(&world).await, [("queued before".to_owned(), 1)]);
    let rules = world.control().get("/control/faults").await;
    assert!(rules.ok(200).as_array().unwrap().iter().all(|rule| rule["id"] != trouble), "{rules:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_device_that_is_refused_says_so_before_a_qr_code_and_gets_one_when_it_is_let_in() {
    let world = World::start(Backend::Sqlite).await;
    let api = world.api();
    for (code, reason) in [(409, json!("refused")), (503, Value::Null), (428, Value::Null)] {
        let rule = misbehave(&world, json!({"action": "refuse_registration", "code": code})).await;
        let created = api.post("/v1/sessions", &json!({"name": format!("refused {code}")})).await;
        let session = created.ok(201)["sessionId"].as_str().unwrap().to_owned();
        let shown = until_refused(&world, &session, code).await;
        assert_eq!((&shown["status"], &shown["reason"]), (&json!("starting"), &reason), "{shown}");
        heard_of(&world, "session.status", |data| data["sessionId"] == session.as_str() && data["refusal"]["code"] == code).await;
        lift(&world, rule).await;
        world.advance(A_SLOW_TRY).await;
        world.until_status(&session, "qr").await;
        let shown = look(&world, &session).await;
        assert!(shown["refusal"].is_null() && shown["reason"].is_null(), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_with_an_error_is_told_and_opened_again() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    for (error, code, label) in [
        (json!({"code": 599}), 599, "other"),
        (json!({"text": "xml-not-well-formed"}), 400, "400"),
        (json!({"code": 503}), 503, "503"),
        (json!({"code": 429}), 429, "429"),
    ] {
        let mut rule = json!({"action": "stream_error", "phone": OWNER});
        rule.as_object_mut().unwrap().extend(error.as_object().unwrap().clone());
        let told = world.control().post("/control/faults", &rule).await;
        assert_eq!(told.ok(200)["told"], 1);
        heard_of(&world, "session.status", |data| data["refusal"]["code"] == code).await;
        assert_eq!(counted(&world, label).await, 1, "{error}");
        eventually("the session is back", async || {
            let shown = look(&world, &session).await;
            (shown["status"] == "connected" && shown["refusal"].is_null()).then_some(()).ok_or(shown.to_string())
        })
        .await;
    }
    world.send(&session, SILENT, "after all of it").await.ok(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_is_missed_for_ten_days_is_told_once_and_one_that_was_seen_is_not() {
    const DAY: u64 = 24 * 3600;
    let mut world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let sent = async |world: &World, text: &str| {
        let id = world.send(&session, SILENT, text).await.ok(201)["messageId"].as_str().unwrap().to_owned();
        world.until_message(&id, "delivered").await;
    };
    let waiting = async |world: &World| {
        let phone = world.control().get(&format!("/control/phones/{OWNER}")).await;
        phone.ok(200)["waiting"].as_u64().unwrap()
    };
    // A phone that is there says that it has its copy.
    sent(&world, "to a phone that is there").await;
    world.advance(11 * DAY).await;
    sent(&world, "eleven days later").await;
    assert!(look(&world, &session).await["degraded"].is_null());

    world.control().post(&format!("/control/phones/{OWNER}/sleep"), &json!({})).await.ok(200);
    sent(&world, "to a phone that is away").await;
    assert!(waiting(&world).await >= 1);
    world.advance(9 * DAY).await;
    sent(&world, "nine days later").await;
    assert!(look(&world, &session).await["degraded"].is_null(), "not yet");
    world.stop_gateway().await;
    world.start_gateway(&[]).await;
    world.until_connected(&session).await;
    world.advance(DAY + 3600).await;
    sent(&world, "ten days later").await;
    let missed = async |world: &World, is: Value| {
        eventually("the phone is looked for", async || {
            let shown = look(world, &session).await;
            if shown["degraded"] == is { Ok(()) } else { Err(shown.to_string()) }
        })
        .await;
    };
    missed(&world, json!("phone_away")).await;
    let told = |data: &Value| data["degraded"] == "phone_away" && data["status"] == "connected";
    // It is shown a moment before it is told.
    heard_of(&world, "session.status", told).await;
    assert_eq!(times_heard(&world, "session.status", told).await, 1);

    world.control().post(&format!("/control/phones/{OWNER}/wake"), &json!({})).await.ok(200);
    sent(&world, "the phone is back").await;
    queue(&world, &session, "one more, so that it is looked").await;
    missed(&world, Value::Null).await;
    assert_eq!(times_heard(&world, "session.status", told).await, 1, "told once");
}
