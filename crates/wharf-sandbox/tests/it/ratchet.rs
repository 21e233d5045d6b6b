//! No frame leaves before the key that it was made with is durable: whoever answers at once and dies can read what comes next.

use serde_json::json;
use tokio::time::Instant;

use crate::harness::{Api, OWNER, PATIENCE, SILENT, World, both_backends, eventually};
use crate::kill::armed;

/// How often the process dies; more by `WHARF_RATCHET_DEATHS`.
fn deaths() -> usize {
    std::env::var("WHARF_RATCHET_DEATHS").map_or(8, |deaths| deaths.parse().expect("a number of deaths"))
}

/// How many messages this process could not decrypt at once.
async fn undecryptable(world: &World) -> String {
    let page = world.api().get("/metrics").await;
    let text = String::from_utf8_lossy(&page.bytes).into_owned();
    let line = text.lines().find(|line| line.starts_with("wharf_undecryptable_total")).expect("the counter is shown");
    line.split_whitespace().last().unwrap().to_owned()
}

async fn received(api: &Api, session: &str, text: &str) {
    eventually(&format!("{text} is received"), async || {
        let list = api.get(&format!("/v1/messages?sessionId={session}&direction=incoming&limit=1")).await;
        (list.data()[0]["text"] == text).then_some(()).ok_or(format!("{list:?}"))
    })
    .await;
}

/// The same without a pause between two looks: a bot answers within milliseconds.
async fn received_at_once(api: &Api, session: &str, text: &str) {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let list = api.get(&format!("/v1/messages?sessionId={session}&direction=incoming&limit=1")).await;
        if list.data()[0]["text"] == text {
            return;
        }
    }
    panic!("{text} was not received");
}

/// Waits without a pause between two looks until the contact has read a text.
async fn shown_at_once(world: &World, text: &str) {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if world.ledger(SILENT).await.iter().any(|entry| entry["text"] == text) {
            return;
        }
    }
    panic!("{text} was not shown");
}

/// The contact asks, the gateway answers and is killed on the answer's 201, the contact writes again.
async fn a_killed_answer(world: &mut World, session: &str, round: usize) {
    let (asked, again) = (format!("asks {round}"), format!("again {round}"));
    world.phone_sends(SILENT, OWNER, &asked).await;
    received_at_once(&world.api(), session, &asked).await;
    let answered =
        world.api().post("/v1/messages/text", &json!({"sessionId": session, "to": SILENT, "text": format!("answer {round}")})).await;
    assert_eq!(answered.status, 201, "{answered:?}");
    world.kill_gateway().await;
    world.start_gateway(&[]).await;
    world.until_connected(session).await;
    world.phone_sends(SILENT, OWNER, &again).await;
    received(&world.api(), session, &again).await;
    assert_eq!(undecryptable(world).await, "0", "round {round}: what came after the answer was opened at once");
}

both_backends! {
    async fn killed_on_its_answer_a_bot_reads_what_the_contact_writes_next(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        for round in 0..deaths() {
            a_killed_answer(&mut world, &session, round).await;
        }
    }

    /// The library would have saved the answer's key 25 ms later; the contact writes before the gateway can say the answer again.
    async fn killed_as_soon_as_its_answer_has_left_a_bot_reads_what_the_contact_writes_next(backend) {
        let (mut world, session, kill_file) = armed(backend).await;
        let env = [("WHARF_KILL_FILE", kill_file.to_str().unwrap())];
        for round in 0..deaths() {
            let (asked, answer, again) = (format!("asks {round}"), format!("answer {round}"), format!("again {round}"));
            world.until_connected(&session).await;
            // The first text of a process saves all keys in any case, for it sets counters aside.
            assert_eq!(world.send(&session, SILENT, &format!("before {round}")).await.status, 201);
            std::fs::write(&kill_file, "S3-written").unwrap();
            world.phone_sends(SILENT, OWNER, &asked).await;
            received_at_once(&world.api(), &session, &asked).await;
            // It may die before it answers this.
            world.api().try_post("/v1/messages/text", &json!({"sessionId": session, "to": SILENT, "text": answer})).await;
            world.gateway().ended().await;
            shown_at_once(&world, &answer).await;
            world.phone_sends(SILENT, OWNER, &again).await;
            world.start_gateway(&env).await;
            received(&world.api(), &session, &again).await;
            assert_eq!(undecryptable(&world).await, "0", "round {round}: what came after the answer was opened at once");
        }
    }

    async fn killed_on_an_answer_to_a_retry_request_it_reads_what_the_contact_writes_next(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        for round in 0..deaths() {
            let (asked, text, again) = (format!("asks {round}"), format!("answer {round}"), format!("again {round}"));
            world.phone_sends(SILENT, OWNER, &asked).await;
            received(&world.api(), &session, &asked).await;
            world.rule(json!({"action": "garble_message", "to": SILENT, "times": 1})).await;
            let answered = world.send(&session, SILENT, &text).await;
            assert_eq!(answered.status, 201, "{answered:?}");
            // The contact's phone could not read it and asked for it again; this is the answer to that.
            shown_at_once(&world, &text).await;
            world.kill_gateway().await;
            world.start_gateway(&[]).await;
            world.until_connected(&session).await;
            world.phone_sends(SILENT, OWNER, &again).await;
            received(&world.api(), &session, &again).await;
            assert_eq!(undecryptable(&world).await, "0", "round {round}: what came after the repeat was opened at once");
            let ledger = world.ledger(SILENT).await;
            let shown: Vec<_> = ledger.iter().filter(|entry| entry["text"] == text.as_str()).collect();
            assert_eq!(shown.len(), 1, "{ledger:?}");
        }
    }

    async fn killed_on_the_first_post_in_a_group_it_reads_what_is_written_there(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        for round in 0..deaths() {
            let body = json!({"sessionId": session, "subject": format!("group {round}"), "participants": [SILENT]});
            let made = world.api().post("/v1/groups", &body).await;
            let group = made.ok(201)["groupId"].as_str().unwrap().to_owned();
            let posted = world.send(&session, &group, &format!("first post {round}")).await;
            assert_eq!(posted.status, 201, "{posted:?}");
            world.kill_gateway().await;
            world.start_gateway(&[]).await;
            world.until_connected(&session).await;
            let second = world.send(&session, &group, &format!("second post {round}")).await;
            assert_eq!(second.status, 201, "{second:?}");
            eventually("the member reads both posts", async || {
                let ledger = world.ledger(SILENT).await;
                let texts: Vec<_> = ledger.iter().filter_map(|entry| entry["text"].as_str()).filter(|text| text.ends_with(&format!("post {round}"))).collect();
                (texts.len() == 2).then_some(()).ok_or(format!("{ledger:?}"))
            })
            .await;
            let again = format!("in the group {round}");
            world.phone_sends(SILENT, &group, &again).await;
            received(&world.api(), &session, &again).await;
            assert_eq!(undecryptable(&world).await, "0", "round {round}");
        }
    }

    /// Both sides begin anew at the same time: the contact's phone because it is asked for a message again, the gateway because it came back.
    async fn what_is_on_its_way_still_opens_when_both_sides_begin_their_sessions_anew(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.phone_sends(SILENT, OWNER, "hello").await;
        received(&world.api(), &session, "hello").await;
        let garbled = world.control().post(&format!("/control/phones/{SILENT}/send"), &json!({"to": OWNER, "text": "garbled", "garbled": true})).await;
        assert!(garbled.status < 300, "{garbled:?}");
        // Encrypted with the session that the gateway knows, while the phone may be opening a new one.
        let sent = world.send(&session, SILENT, "on its way").await;
        assert_eq!(sent.status, 201, "{sent:?}");
        eventually("the phone reads what was on its way", async || {
            let ledger = world.ledger(SILENT).await;
            ledger.iter().any(|entry| entry["text"] == "on its way").then_some(()).ok_or(format!("{ledger:?}"))
        })
        .await;
        world.kill_gateway().await;
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        world.phone_sends(SILENT, OWNER, "and after").await;
        received(&world.api(), &session, "and after").await;
    }
}
