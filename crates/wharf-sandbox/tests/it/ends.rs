//! What ends while the database is away, or while nobody hears that a commit was done, is told once and truly.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::chaos::Way;
use crate::harness::{Hook, Mode, OWNER, READER, SILENT, World, both_backends, eventually};

const ASLEEP: &str = "15550001004";
const REFUSED_BY_479: &str = "15550007479";

/// A number of the gateway's metrics.
async fn metric(world: &World, name: &str) -> f64 {
    let metrics = world.api().with_key("").get("/metrics").await;
    let text = String::from_utf8_lossy(&metrics.bytes).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} in {text}")).parse().unwrap()
}

/// The events of one kind of this session, oldest first.
async fn told(world: &World, session: &str, kind: &str) -> Vec<Value> {
    let list = world.api().get(&format!("/v1/events?cursor=oldest&limit=200&sessionId={session}&events={kind}")).await;
    list.ok(200).as_array().unwrap().clone()
}

/// Calls that need the database are refused: whatever was tried before this began has been given up by its end.
async fn refused(world: &World) {
    for _ in 0..2 {
        world.api().get("/v1/sessions").await.refused(ErrorCode::ServiceUnavailable);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_comes_while_the_database_is_away_is_told_when_it_is_back() {
    let world = World::start_behind_chaos().await;
    let session = world.pair(OWNER).await;
    let rule = json!({"action": "refuse_login", "phone": OWNER, "code": 402, "ban": 101, "expireSecs": 6 * 3600});
    let rule = world.control().post("/control/faults", &rule).await.ok(200)["id"].as_u64().unwrap();
    world.chaos().make(Way::Silent);
    world.control().post("/control/faults", &json!({"action": "drop_socket", "phone": OWNER})).await.ok(200);
    eventually("the session has ended", async || {
        let ended = metric(&world, r#"wharf_sessions{status="disconnected"}"#).await;
        (ended > 0.5).then_some(()).ok_or(ended.to_string())
    })
    .await;
    refused(&world).await;
    world.chaos().make(Way::Open);
    let ended = eventually("the end is told", async || {
        let reply = world.api().get(&format!("/v1/events?cursor=oldest&limit=200&sessionId={session}&events=session.disconnected")).await;
        reply.json["data"].as_array().and_then(|events| events.first().cloned()).ok_or(format!("{reply:?}"))
    })
    .await;
    assert_eq!(ended["data"]["reason"], "banned", "{ended}");
    let rules = world.control().get("/control/faults").await;
    let rule = rules.ok(200).as_array().unwrap().iter().find(|one| one["id"] == rule).cloned().unwrap();
    assert_eq!(rule["applied"], 1, "it is told by whoever saw it, and not by another try");
    assert_eq!(told(&world, &session, "session.disconnected").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_outlive_a_client_that_is_built_anew() {
    let world = World::start_behind_chaos().await;
    let session = world.pair(OWNER).await;
    world.control().post(&format!("/control/phones/{ASLEEP}/sleep"), &json!({})).await.ok(200);
    let sent = world.send(&session, ASLEEP, "read it later").await;
    let id = sent.ok(201)["messageId"].as_str().unwrap().to_owned();
    world.chaos().make(Way::Silent);
    let lost = metric(&world, "wharf_sockets_lost_total").await;
    // Its phone says that the text came: the acknowledgement of that is out before anybody could write it down.
    world.control().post(&format!("/control/phones/{ASLEEP}/wake"), &json!({})).await.ok(200);
    eventually("it has come", async || {
        let seen = world.ledger(ASLEEP).await;
        if seen.is_empty() { Err("nothing".to_owned()) } else { Ok(()) }
    })
    .await;
    world.phone_sends(READER, OWNER, "cannot be stored").await;
    eventually("the client is built anew", async || {
        let now = metric(&world, "wharf_sockets_lost_total").await;
        (now > lost).then_some(()).ok_or(format!("{now} of more than {lost}"))
    })
    .await;
    // What the client before had begun to write is given up too.
    refused(&world).await;
    world.chaos().make(Way::Open);
    world.until_message(&id, "delivered").await;
}

/// How much the linked devices of the owner have not acknowledged.
async fn pending(world: &World) -> u64 {
    let shown = world.control().get(&format!("/control/phones/{OWNER}")).await;
    shown.ok(200)["devices"].as_array().unwrap().iter().filter_map(|device| device["pending"].as_u64()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_outlive_a_process_that_is_killed_before_they_are_stored() {
    let mut world = World::start_behind_chaos().await;
    let session = world.pair(OWNER).await;
    world.control().post(&format!("/control/phones/{ASLEEP}/sleep"), &json!({})).await.ok(200);
    let sent = world.send(&session, ASLEEP, "read it later").await;
    let id = sent.ok(201)["messageId"].as_str().unwrap().to_owned();
    world.chaos().make(Way::Silent);
    world.control().post(&format!("/control/phones/{ASLEEP}/wake"), &json!({})).await.ok(200);
    eventually("its phone has told that it came", async || match pending(&world).await {
        0 => Err("nothing is said yet".to_owned()),
        _ => Ok(()),
    })
    .await;
    // What would be acknowledged without a row has been by now: this takes as long as a database may be silent.
    world.api().get("/v1/sessions").await.refused(ErrorCode::ServiceUnavailable);
    assert_ne!(pending(&world).await, 0, "nobody has written the receipt down, and the network was told that it is known");
    world.kill_gateway().await;
    world.chaos().make(Way::Open);
    world.start_gateway(&[]).await;
    world.until_message(&id, "delivered").await;
    world.until_acknowledged(OWNER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_whose_commit_lost_its_answer_is_told_once() {
    let world = World::start_behind_chaos().await;
    world.chaos().lose_the_commit_of("session.connected");
    let session = world.pair(OWNER).await;
    // What is shown was tried to be written down.
    assert_eq!(world.chaos().lost(), 1, "the answer was really lost");
    // What follows is told behind it.
    let sent = world.send(&session, SILENT, "after it").await;
    world.until_message(sent.ok(201)["messageId"].as_str().unwrap(), "delivered").await;
    assert_eq!(told(&world, &session, "session.connected").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_whose_commit_lost_its_answer_is_told_to_whoever_waits() {
    let world = World::start_behind_chaos().await;
    let session = world.pair(OWNER).await;
    world.chaos().lose_the_commit_of("message.failed");
    let refused = world.send(&session, REFUSED_BY_479, "no").await;
    assert_eq!(world.chaos().lost(), 1, "the answer was really lost");
    let details = refused.refused(ErrorCode::MessageSendingFailed);
    assert!(details["reason"].as_str().unwrap().contains("479"), "{refused:?}");
}

both_backends! {
    async fn killed_before_a_receipt_is_stored_it_comes_again(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let kill_file = world.dir().join("kill");
        let env = [("WHARF_KILL_FILE", kill_file.to_str().unwrap().to_owned())];
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.stop_gateway().await;
        world.start_gateway(&env).await;
        for round in 0..3 {
            world.until_connected(&session).await;
            world.control().post(&format!("/control/phones/{ASLEEP}/sleep"), &json!({})).await.ok(200);
            let sent = world.send(&session, ASLEEP, &format!("read it later {round}")).await;
            let id = sent.ok(201)["messageId"].as_str().unwrap().to_owned();
            std::fs::write(&kill_file, "receipt-before-commit").unwrap();
            world.control().post(&format!("/control/phones/{ASLEEP}/wake"), &json!({})).await.ok(200);
            world.gateway().ended().await;
            world.start_gateway(&env).await;
            world.until_message(&id, "delivered").await;
        }
        world.until_acknowledged(OWNER).await;
    }

    async fn an_old_address_that_says_that_it_is_gone_does_not_switch_the_new_one_off(backend) {
        let world = World::start(backend).await;
        let (api, hook) = (world.api(), Hook::start().await);
        let made = api.post("/v1/webhooks", &json!({"url": hook.url("/old"), "events": ["session.qr"]})).await;
        let id = made.ok(201)["webhookId"].as_str().unwrap().to_owned();
        hook.set("/old", Mode::Late(410));
        api.post("/v1/sessions", &json!({"name": "one"})).await.ok(201);
        eventually("a request hangs at the old address", async || {
            (!hook.got("/old").is_empty()).then_some(()).ok_or("none".to_owned())
        })
        .await;
        api.patch(&format!("/v1/webhooks/{id}"), &json!({"url": hook.url("/new")})).await.ok(200);
        hook.release();
        eventually("what the old address did not take comes to the new one", async || {
            (!hook.got("/new").is_empty()).then_some(()).ok_or("none".to_owned())
        })
        .await;
        let shown = api.get(&format!("/v1/webhooks/{id}")).await;
        assert_eq!(shown.ok(200)["enabled"], true, "{shown:?}");

        hook.set("/new", Mode::Answer(410));
        api.post("/v1/sessions", &json!({"name": "two"})).await.ok(201);
        eventually("the new address's own word counts", async || {
            let shown = api.get(&format!("/v1/webhooks/{id}")).await;
            (shown.ok(200)["enabled"] == false).then_some(()).ok_or(format!("{shown:?}"))
        })
        .await;
    }
}
