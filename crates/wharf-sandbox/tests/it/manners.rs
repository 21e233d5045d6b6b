//! Good manners: phones keep their push notices, tokens come with the link, and nobody knocks where WhatsApp asked for rest.

use serde_json::{Value, json};
use wharf_core::Clock as _;
use wharf_core::clock::SystemClock;

use crate::harness::{Backend, ECHO, OWNER, World, both_backends, eventually};

const FRIEND: &str = "15551000001";

fn now_secs() -> i64 {
    SystemClock.now().as_millis() / 1_000
}

async fn until_online(world: &World, online: bool) {
    eventually(&format!("the owner's being online is {online}"), async || {
        let shown = world.control().get(&format!("/control/phones/{OWNER}")).await;
        (shown.data()["online"] == online).then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
}

/// Waits until the library's announcement after the link has come and is taken back.
async fn until_settled(world: &World) {
    eventually("the library's announcement is taken back", async || {
        let shown = world.control().get(&format!("/control/phones/{OWNER}")).await;
        let settled = shown.data()["announced"].as_u64() > Some(0) && shown.data()["online"] == false;
        settled.then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
}

async fn until_received(world: &World, session: &str, text: &str) {
    let api = world.api();
    eventually(&format!("{text} came in"), async || {
        let list = api.get(&format!("/v1/messages?sessionId={session}&direction=incoming")).await;
        let there = list.data().as_array().unwrap().iter().any(|row| row["text"] == text);
        there.then_some(()).ok_or(format!("{list:?}"))
    })
    .await;
}

/// How many push notices the owner's phone has shown.
async fn notices(world: &World) -> usize {
    world.control().get(&format!("/control/phones/{OWNER}/notices")).await.ok(200).as_array().unwrap().len()
}

/// Cuts the connection and waits for the next.
async fn reconnect(world: &World, session: &str) {
    let announced = async || world.control().get(&format!("/control/phones/{OWNER}")).await.data()["announced"].as_u64().unwrap();
    let before = announced().await;
    world.control().post("/control/faults", &json!({"action": "drop_socket", "phone": OWNER, "times": 1})).await;
    world.send(session, FRIEND, "this cuts the connection").await;
    eventually("the library has announced the session anew", async || {
        let now = announced().await;
        (now > before).then_some(()).ok_or(now.to_string())
    })
    .await;
    world.until_connected(session).await;
}

async fn restriction(world: &World) -> Value {
    world.control().get(&format!("/control/phones/{OWNER}/restriction")).await.ok(200).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_with_a_companion_of_ours_gets_its_push_notices_and_nobody_sees_it_online() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    until_settled(&world).await;
    world.phone_sends(FRIEND, OWNER, "one").await;
    until_received(&world, &session, "one").await;
    assert_eq!(notices(&world).await, 1);
    // The library announces the session at each login.
    reconnect(&world, &session).await;
    until_online(&world, false).await;
    world.phone_sends(FRIEND, OWNER, "two").await;
    until_received(&world, &session, "two").await;
    assert_eq!(notices(&world).await, 2);
    // Whoever wrote sees that it came: from the phone and from the session.
    eventually("both devices have told of the receipt", async || {
        let ledger = world.control().get(&format!("/control/phones/{FRIEND}/messages")).await;
        let own = ledger.data().as_array().unwrap().iter().find(|entry| entry["text"] == "two").unwrap().clone();
        (own["delivered"] == 2).then_some(()).ok_or(format!("{own}"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_operator_wants_it_sessions_are_online_and_a_customer_may_say_otherwise_for_good() {
    let mut world = World::start_with(Backend::Sqlite, &[("WHARF_ANNOUNCE_ONLINE", "true")]).await;
    let session = world.pair(OWNER).await;
    until_online(&world, true).await;
    world.phone_sends(FRIEND, OWNER, "no notice of it").await;
    until_received(&world, &session, "no notice of it").await;
    assert_eq!(notices(&world).await, 0);
    let says = async |world: &World, state: &str| {
        world.api().post("/v1/presence", &json!({"sessionId": session, "status": state})).await.ok(200);
    };
    says(&world, "unavailable").await;
    until_online(&world, false).await;
    reconnect(&world, &session).await;
    until_online(&world, false).await;
    world.kill_gateway().await;
    world.start_gateway(&[("WHARF_ANNOUNCE_ONLINE", "true")]).await;
    world.until_connected(&session).await;
    until_online(&world, false).await;
    says(&world, "available").await;
    until_online(&world, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_customer_says_of_the_presence_holds_over_reconnects_and_restarts() {
    let mut world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    until_settled(&world).await;
    world.api().post("/v1/presence", &json!({"sessionId": session, "status": "available"})).await.ok(200);
    until_online(&world, true).await;
    world.kill_gateway().await;
    until_online(&world, false).await;
    world.start_gateway(&[]).await;
    world.until_connected(&session).await;
    until_online(&world, true).await;
    world.phone_sends(FRIEND, OWNER, "no notice of it").await;
    until_received(&world, &session, "no notice of it").await;
    assert_eq!(notices(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_online_while_it_types_or_asks_for_somebody_and_not_after() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    until_settled(&world).await;
    let api = world.api();
    let typing = async |state: &str| {
        api.post(&format!("/v1/chats/{FRIEND}/typing"), &json!({"sessionId": session, "status": state})).await.ok(200);
    };
    typing("typing").await;
    until_online(&world, true).await;
    typing("paused").await;
    until_online(&world, false).await;

    world.control().post(&format!("/control/phones/{FRIEND}/presence"), &json!({"state": "available"})).await;
    let asked = api.get(&format!("/v1/contacts/{FRIEND}/presence?sessionId={session}")).await;
    assert_eq!(asked.ok(200)["status"], "available", "the answer is waited for");
    until_online(&world, true).await;
    until_online(&world, false).await;
    world.phone_sends(FRIEND, OWNER, "and again").await;
    until_received(&world, &session, "and again").await;
    assert_eq!(notices(&world).await, 1);
}

both_backends! {
    async fn a_restricted_account_holds_all_new_contacts_until_whatsapps_own_date_and_known_chats_flow(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.send(&session, ECHO, "hello").await.ok(201);
        let ends = now_secs() + 3 * 86_400;
        world.control().put(&format!("/control/phones/{OWNER}/restriction"), &json!({"endsAt": ends})).await.ok(200);
        let ends = wharf_api::Timestamp::from_millis(ends * 1_000);
        let held = (json!("queued"), json!("reachout_timelock"), json!(ends));
        let mut waiting = Vec::new();
        for phone in ["15550002001", "15550002002", "15550002003"] {
            let sent = world.send(&session, phone, "who are you?").await;
            let shown = sent.ok(201);
            assert_eq!((shown["status"].clone(), shown["heldReason"].clone(), shown["heldUntil"].clone()), held, "{sent:?}");
            waiting.push(shown["messageId"].as_str().unwrap().to_owned());
        }
        let shown = world.api().get(&format!("/v1/sessions/{session}")).await;
        assert_eq!(shown.ok(200)["newContactsHeld"], json!({"until": ends, "reason": "reachout_timelock"}));
        // Hours later, and in another process, nobody has been tried.
        for _ in 0..3 {
            world.advance(2 * 3_600).await;
            assert_eq!(world.send(&session, ECHO, "goes on").await.ok(201)["status"], "sent");
        }
        world.kill_gateway().await;
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        assert_eq!(world.send(&session, ECHO, "still goes on").await.ok(201)["status"], "sent");
        let seen = restriction(&world).await;
        assert_eq!((&seen["asked"], &seen["refused"]), (&json!(1), &json!(1)), "asked once, tried once");
        // The notice that it is over lets all of them go.
        world.control().delete(&format!("/control/phones/{OWNER}/restriction")).await.ok(200);
        for id in waiting {
            world.until_message(&id, "delivered").await;
        }
        assert!(world.api().get(&format!("/v1/sessions/{session}")).await.ok(200)["newContactsHeld"].is_null());
    }

    async fn without_a_date_one_new_contact_an_hour_is_tried_and_not_one_more(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.send(&session, ECHO, "hello").await.ok(201);
        world.control().put(&format!("/control/phones/{OWNER}/restriction"), &json!({})).await.ok(200);
        for at in 1..=5 {
            let sent = world.send(&session, &format!("1555000200{at}"), "who are you?").await;
            assert_eq!((&sent.ok(201)["status"], &sent.data()["heldReason"]), (&json!("queued"), &json!("reachout_timelock")), "{sent:?}");
        }
        assert_eq!(restriction(&world).await["refused"], 1);
        for hour in 1..=3 {
            // Short of an hour what is known passes, and nobody new.
            world.advance(3_500).await;
            assert_eq!(world.send(&session, ECHO, "goes on").await.ok(201)["status"], "sent");
            assert_eq!(restriction(&world).await["refused"], hour);
            world.advance(100).await;
            eventually("the next one is tried", async || {
                let seen = restriction(&world).await;
                (seen["refused"] == hour + 1).then_some(()).ok_or(format!("{seen}"))
            })
            .await;
            assert_eq!(world.send(&session, ECHO, "goes on").await.ok(201)["status"], "sent");
            assert_eq!(restriction(&world).await["refused"], hour + 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_of_the_lock_holds_new_contacts_before_any_is_refused() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    world.send(&session, ECHO, "hello").await.ok(201);
    let ends = now_secs() + 86_400;
    world.control().put(&format!("/control/phones/{OWNER}/restriction"), &json!({"endsAt": ends, "notice": true})).await.ok(200);
    eventually("the session shows it", async || {
        let shown = world.api().get(&format!("/v1/sessions/{session}")).await;
        shown.data()["newContactsHeld"].is_object().then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
    let sent = world.send(&session, "15550002001", "who are you?").await;
    assert_eq!(sent.ok(201)["heldReason"], "reachout_timelock", "{sent:?}");
    let seen = restriction(&world).await;
    assert_eq!((&seen["asked"], &seen["refused"]), (&json!(0), &json!(0)));
}

/// The owner's phone has written with a friend who takes nothing without a token, and tells the next device so much of it.
async fn a_guarded_friend(world: &World, history: &Value) {
    world.pair(OWNER).await;
    world.phone_sends(FRIEND, OWNER, "long before").await;
    world.control().post(&format!("/control/phones/{FRIEND}/guard"), &json!({"guarded": true})).await.ok(200);
    world.control().post(&format!("/control/phones/{OWNER}/history"), history).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_the_time_before_come_with_the_link_and_its_messages_do_not() {
    let world = World::start(Backend::Sqlite).await;
    // More than fits into a message, so that it comes as a file.
    a_guarded_friend(&world, &json!({"chats": 300, "messages": 10})).await;
    let session = world.pair(OWNER).await;
    let sent = world.send(&session, FRIEND, "I have your token").await;
    assert_eq!(sent.ok(201)["status"], "sent", "{sent:?}");
    let list = world.api().get(&format!("/v1/messages?sessionId={session}&direction=incoming")).await;
    assert_eq!(list.ok(200), &json!([]));
    let events = world.api().get("/v1/events?limit=200").await;
    let events = String::from_utf8_lossy(&events.bytes).into_owned();
    assert!(events.contains("message.") && !events.contains("From the time before"), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_what_the_phone_tells_a_guarded_contact_refuses_and_is_not_tried_again_for_hours() {
    let world = World::start(Backend::Sqlite).await;
    a_guarded_friend(&world, &json!({"withheld": true})).await;
    let session = world.pair(OWNER).await;
    let sent = world.send(&session, FRIEND, "I have no token").await;
    assert_eq!(sent.ok(201)["status"], "queued", "{sent:?}");
    eventually("it was refused", async || {
        let seen = restriction(&world).await;
        (seen["refused"] == 1).then_some(()).ok_or(format!("{seen}"))
    })
    .await;
    let id = sent.data()["messageId"].as_str().unwrap();
    let shown = eventually("the hold is shown", async || {
        let shown = world.api().get(&format!("/v1/messages/{id}")).await;
        shown.data()["heldUntil"].is_string().then(|| shown.data().clone()).ok_or(format!("{shown:?}"))
    })
    .await;
    let until: wharf_api::Timestamp = serde_json::from_value(shown["heldUntil"].clone()).unwrap();
    let created: wharf_api::Timestamp = serde_json::from_value(shown["createdAt"].clone()).unwrap();
    assert!(until.as_millis() - created.as_millis() >= 4 * 3_600_000, "{shown}");
}
