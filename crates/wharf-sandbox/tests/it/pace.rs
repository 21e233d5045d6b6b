//! The pace of a plan: what is over it waits and shows until when; nothing is refused for it.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{Backend, OWNER, SILENT, World, both_backends, eventually};

const FRIEND: &str = "15551000001";
const ON: &[(&str, &str)] = &[("WHARF_SANDBOX_PACE", "true")];

/// A world that keeps the pace, and this one for its demo account.
async fn world(backend: Backend, pace: &Value) -> World {
    let world = World::start_with(backend, ON).await;
    let mut plan = json!({"callsPerMinute": 20_000, "concurrentRequests": 500});
    plan["pace"] = json!({"messagesPerMinute": null, "newContactsPerHour": null, "newContactsPerDay": null, "strangerJitterSeconds": null});
    plan["pace"].as_object_mut().unwrap().extend(pace.as_object().unwrap().clone());
    world.operator().put("/v1/admin/plans/enterprise", &plan).await.ok(200);
    world
}

async fn sent(world: &World, session: &str, to: &str, text: &str) {
    let sent = world.send(session, to, text).await;
    assert_eq!(sent.ok(201)["status"], "sent", "{sent:?}");
}

/// Sends what has to wait for the pace; answers its id.
async fn held(world: &World, session: &str, to: &str, text: &str) -> String {
    let sent = world.send(session, to, text).await;
    assert_eq!((&sent.ok(201)["status"], &sent.data()["heldReason"]), (&json!("queued"), &json!("pace")), "{sent:?}");
    assert!(sent.data()["heldUntil"].is_string(), "{sent:?}");
    sent.data()["messageId"].as_str().unwrap().to_owned()
}

both_backends! {
    async fn a_session_sends_as_many_messages_a_minute_as_its_plan_says_and_the_rest_waits_in_order(backend) {
        let mut world = world(backend, &json!({"messagesPerMinute": 3})).await;
        let session = world.pair(OWNER).await;
        let other = world.pair("15550000002").await;
        for text in ["one", "two", "three"] {
            sent(&world, &session, SILENT, text).await;
        }
        held(&world, &session, SILENT, "four").await;
        sent(&world, &other, SILENT, "another session has a pace of its own").await;
        // Another process goes on where this one was.
        world.kill_gateway().await;
        world.start_gateway(ON).await;
        world.until_connected(&session).await;
        let last = held(&world, &session, SILENT, "five").await;
        assert_eq!(world.ledger(SILENT).await.len(), 4);
        world.advance(61).await;
        world.until_message(&last, "delivered").await;
        let ledger = world.ledger(SILENT).await;
        let texts: Vec<_> = ledger.iter().filter(|entry| entry["sender"] == OWNER).map(|entry| entry["text"].as_str().unwrap()).collect();
        assert_eq!(texts, ["one", "two", "three", "four", "five"]);
    }

    async fn new_contacts_have_a_limit_and_whoever_wrote_first_is_none(backend) {
        let mut world = world(backend, &json!({"newContactsPerHour": 2})).await;
        let session = world.pair(OWNER).await;
        sent(&world, &session, "15550002001", "hello").await;
        sent(&world, &session, "15550002002", "hello").await;
        let third = held(&world, &session, "15550002003", "hello").await;
        let shown = world.api().get(&format!("/v1/sessions/{session}")).await;
        assert_eq!(shown.ok(200)["newContactsHeld"]["reason"], "pace");
        // More to the same people is nothing new, and neither is an answer.
        sent(&world, &session, "15550002001", "and more").await;
        world.phone_sends(FRIEND, OWNER, "a question").await;
        eventually("the question came in", async || {
            let list = world.api().get(&format!("/v1/messages?sessionId={session}&direction=incoming")).await;
            (list.data().as_array().unwrap().len() == 1).then_some(()).ok_or(format!("{list:?}"))
        })
        .await;
        sent(&world, &session, FRIEND, "an answer").await;
        world.kill_gateway().await;
        world.start_gateway(ON).await;
        world.until_connected(&session).await;
        // Short of the hour, in another process.
        world.advance(3_400).await;
        sent(&world, &session, FRIEND, "another answer").await;
        let fourth = held(&world, &session, "15550002004", "hello").await;
        assert_eq!(world.ledger("15550002003").await.len(), 0);
        world.advance(200).await;
        world.until_message(&third, "delivered").await;
        world.until_message(&fourth, "delivered").await;
    }

    async fn a_first_post_to_a_group_is_a_new_contact_and_one_in_which_somebody_wrote_is_none(backend) {
        let world = world(backend, &json!({"newContactsPerHour": 1})).await;
        let session = world.pair(OWNER).await;
        let mut groups = Vec::new();
        for subject in ["first", "second", "third"] {
            let made = world.api().post("/v1/groups", &json!({"sessionId": session, "subject": subject, "participants": [FRIEND]})).await;
            groups.push(made.ok(201)["groupId"].as_str().unwrap().to_owned());
        }
        world.phone_sends(FRIEND, &groups[2], "a question").await;
        eventually("the question came in", async || {
            let list = world.api().get(&format!("/v1/messages?sessionId={session}&direction=incoming")).await;
            (list.data().as_array().unwrap().len() == 1).then_some(()).ok_or(format!("{list:?}"))
        })
        .await;
        sent(&world, &session, &groups[0], "hello all").await;
        let second = held(&world, &session, &groups[1], "hello all").await;
        let stranger = held(&world, &session, "15550002001", "hello").await;
        sent(&world, &session, &groups[0], "and more").await;
        sent(&world, &session, &groups[2], "an answer").await;
        world.advance(3_601).await;
        world.until_message(&second, "delivered").await;
        world.advance(3_601).await;
        world.until_message(&stranger, "delivered").await;
    }

    async fn between_two_strangers_a_session_pauses_and_whom_it_knows_waits_for_nobody(backend) {
        let world = world(backend, &json!({"strangerJitterSeconds": [60, 60]})).await;
        let session = world.pair(OWNER).await;
        sent(&world, &session, "15550002001", "hello").await;
        let second = held(&world, &session, "15550002002", "hello").await;
        sent(&world, &session, "15550002001", "and more").await;
        // Half of it: a slow machine has the other half for what is sent meanwhile.
        world.advance(30).await;
        sent(&world, &session, "15550002001", "and more of it").await;
        assert_eq!(world.ledger("15550002002").await.len(), 0);
        world.advance(31).await;
        world.until_message(&second, "delivered").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_may_have_typing_shown_before_each_text() {
    let world = world(Backend::Sqlite, &json!({"typingSeconds": [5, 5]})).await;
    let session = world.pair(OWNER).await;
    let (api, body) = (world.api(), json!({"sessionId": session, "to": FRIEND, "text": "typed", "async": true}));
    let accepted = api.post("/v1/messages/text", &body).await;
    eventually("the phone sees it being typed", async || {
        let seen = world.control().get(&format!("/control/phones/{FRIEND}/typing")).await;
        (seen.data()[0]["from"] == OWNER).then_some(()).ok_or(format!("{seen:?}"))
    })
    .await;
    assert_eq!(world.ledger(FRIEND).await.len(), 0);
    world.until_message(accepted.ok(201)["messageId"].as_str().unwrap(), "delivered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_a_word_of_pace_has_the_safe_one_and_odd_ones_are_refused() {
    let world = World::start(Backend::Sqlite).await;
    let plans = world.operator().get("/v1/admin/plans").await;
    let safe = json!({"messagesPerMinute": 20, "newContactsPerHour": 20, "newContactsPerDay": 100, "strangerJitterSeconds": [1, 4], "typingSeconds": null});
    assert!(plans.ok(200).as_array().unwrap().iter().all(|plan| plan["pace"] == safe), "{plans:?}");
    let put = async |pace: Value| {
        let plan = json!({"callsPerMinute": 1_000, "concurrentRequests": 10, "pace": pace});
        world.operator().put("/v1/admin/plans/odd", &plan).await
    };
    let part = put(json!({"newContactsPerHour": null, "typingSeconds": [1, 3]})).await;
    let shown = &part.ok(200)["pace"];
    assert_eq!(
        (&shown["messagesPerMinute"], &shown["newContactsPerHour"], &shown["typingSeconds"]),
        (&json!(20), &Value::Null, &json!([1, 3]))
    );
    for (pace, field) in [
        (json!({"messagesPerMinute": 0}), "pace.messagesPerMinute"),
        (json!({"strangerJitterSeconds": [4, 1]}), "pace.strangerJitterSeconds"),
        (json!({"typingSeconds": [0, 61]}), "pace.typingSeconds"),
    ] {
        assert_eq!(put(pace).await.refused(ErrorCode::InvalidRequest)["field"], field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_for_many_counts_as_many_messages() {
    let world = world(Backend::Sqlite, &json!({"messagesPerMinute": 3})).await;
    let session = world.pair(OWNER).await;
    let audience: Vec<_> = (1..=101).map(|number| format!("1555100{number:04}")).collect();
    let status = json!({"sessionId": session, "to": "status", "text": "for three times fifty", "audience": audience});
    assert_eq!(world.api().post("/v1/messages/text", &status).await.ok(201)["status"], "sent");
    let after = held(&world, &session, SILENT, "one more").await;
    world.advance(61).await;
    world.until_message(&after, "delivered").await;
}
