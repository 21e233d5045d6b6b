//! What this device could not read comes in from whoever gives it first: the sender again, or the account's own phone.

use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _};

use crate::harness::{Backend, OWNER, SILENT, World, both_backends, eventually};

impl World {
    /// Gives the network a rule of misbehaviour.
    pub async fn rule(&self, rule: Value) {
        self.control().post("/control/faults", &rule).await.ok(200);
    }

    /// Ends all rules of misbehaviour.
    pub async fn no_rules(&self) {
        self.control().delete("/control/faults").await.ok(200);
    }

    /// Waits until the linked devices of the phone have acknowledged everything.
    pub async fn until_acknowledged(&self, phone: &str) {
        eventually("everything is acknowledged", async || {
            let shown = self.control().get(&format!("/control/phones/{phone}")).await;
            let devices = shown.ok(200)["devices"].as_array().unwrap().clone();
            let done = devices.iter().all(|device| device["pending"] == 0);
            done.then_some(()).ok_or(format!("{devices:?}"))
        })
        .await;
    }

    pub async fn metric(&self, line: &str) -> bool {
        let metrics = self.api().get("/metrics").await;
        String::from_utf8_lossy(&metrics.bytes).lines().any(|found| found == line)
    }

    /// Asks a phone for something until it has been asked for it itself.
    async fn once_asked(&self, path: &str, body: Value) {
        eventually("the phone was asked", async || {
            let reply = self.control().post(path, &body).await;
            (reply.status == 200).then_some(()).ok_or(format!("{reply:?}"))
        })
        .await;
    }

    async fn incoming(&self, session: &str) -> Vec<Value> {
        let list = self.api().get(&format!("/v1/messages?sessionId={session}&direction=incoming&limit=200")).await;
        list.ok(200).as_array().unwrap().clone()
    }
}

/// Has the silent contact write something that the device cannot read at once; answers its id.
async fn unreadable(world: &World, text: &str) -> String {
    world.writes(json!({"text": "so that there is a Signal session"})).await;
    world.events("message.received", 1).await;
    world.writes(json!({"text": text, "garbled": true})).await
}

/// Puts the clock forward, minute by minute, until the message has its content. A text that goes out has the session look.
async fn until_read(world: &World, session: &str, wa_id: &str) {
    let api = world.api();
    let mut minutes = 0;
    eventually("the message is asked for again", async || {
        world.advance(60).await;
        minutes += 1;
        world.send(session, SILENT, &format!("minute {minutes}")).await.ok(201);
        let list = api.get(&format!("/v1/messages?sessionId={session}&direction=incoming&limit=200")).await;
        let rows = list.ok(200).as_array().unwrap();
        rows.iter()
            .any(|row| row["whatsappId"] == wa_id && row["type"] == "text")
            .then_some(())
            .ok_or(format!("{minutes} minutes: {list:?}"))
    })
    .await;
    assert!(minutes >= 5, "after {minutes} minutes");
}

both_backends! {
    async fn what_nobody_gave_at_once_is_asked_for_again_after_minutes_and_hours(backend) {
        for restarted in [false, true] {
            let mut world = World::start(backend).await;
            let session = world.pair(OWNER).await;
            world.rule(json!({"action": "swallow_recovery", "phone": OWNER})).await;
            let wa_id = world.writes(json!({"text": "who heard it?", "missing": true})).await;
            world.row(&session, &wa_id, |row| row["type"] == "undecryptable").await;
            world.until_acknowledged(OWNER).await;
            if restarted {
                world.stop_gateway().await;
                world.start_gateway(&[]).await;
                world.until_connected(&session).await;
            }
            world.no_rules().await;
            until_read(&world, &session, &wa_id).await;
            world.events("message.received", 1).await;
        }
    }

    async fn what_nobody_gave_in_a_day_is_told_of_once_and_comes_in_all_the_same_when_it_comes(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.rule(json!({"action": "swallow_recovery", "phone": OWNER})).await;
        world.rule(json!({"action": "swallow_retry", "phone": SILENT})).await;
        let wa_id = world.writes(json!({"text": "too late", "missing": true})).await;
        world.row(&session, &wa_id, |row| row["type"] == "undecryptable").await;
        for hours in [1, 22] {
            world.advance(hours * 3_600).await;
            world.send(&session, SILENT, "has the session look").await.ok(201);
        }
        world.events("message.received", 0).await;
        for _ in 0..2 {
            world.advance(2 * 3_600).await;
            world.send(&session, SILENT, "and again").await.ok(201);
            let told = world.events("message.received", 1).await;
            assert_eq!((&told[0]["data"]["type"], &told[0]["data"]["whatsappId"]), (&json!("undecryptable"), &json!(wa_id)));
        }
        world.no_rules().await;
        world.control().post(&format!("/control/phones/{SILENT}/resend"), &json!({"id": wa_id, "to": OWNER})).await.ok(200);
        world.row(&session, &wa_id, |row| row["type"] == "text").await;
        let told = world.events("message.received", 2).await;
        assert_eq!(told[0]["data"]["messageId"], told[1]["data"]["messageId"]);
        assert!(told.iter().any(|event| event["data"]["text"] == "too late"), "{told:?}");
    }

    async fn a_message_that_only_the_own_phone_could_read_is_stored_once_with_its_content(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.rule(json!({"action": "swallow_retry", "phone": SILENT})).await;
        let wa_id = unreadable(&world, "from the phone").await;
        let row = world.row(&session, &wa_id, |row| row["type"] == "text").await;
        assert_eq!((&row["text"], &row["from"]["phoneNumber"]), (&json!("from the phone"), &json!(SILENT)));
        world.until_acknowledged(OWNER).await;
        assert_eq!(world.incoming(&session).await.len(), 2);
        world.events("message.received", 2).await;
        assert!(world.metric("wharf_recovered_total 1").await);
    }

    async fn a_message_that_the_phone_gave_first_and_the_sender_again_is_there_once(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.rule(json!({"action": "swallow_retry", "phone": SILENT})).await;
        let wa_id = unreadable(&world, "twice").await;
        let first = world.row(&session, &wa_id, |row| row["type"] == "text").await;
        world.no_rules().await;
        world.control().post(&format!("/control/phones/{SILENT}/resend"), &json!({"id": wa_id, "to": OWNER})).await.ok(200);
        world.until_acknowledged(OWNER).await;
        assert_eq!(world.row(&session, &wa_id, |_| true).await, first);
        assert_eq!(world.incoming(&session).await.len(), 2);
        world.events("message.received", 2).await;
    }

    async fn a_message_that_the_sender_gave_first_and_the_phone_afterwards_is_there_once(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.rule(json!({"action": "swallow_recovery", "phone": OWNER})).await;
        let wa_id = unreadable(&world, "from the sender").await;
        let first = world.row(&session, &wa_id, |row| row["type"] == "text").await;
        assert_eq!(first["text"], "from the sender");
        world.events("message.received", 2).await;
        world.no_rules().await;
        world.once_asked(&format!("/control/phones/{OWNER}/recover"), json!({"id": wa_id})).await;
        world.until_acknowledged(OWNER).await;
        assert_eq!(world.row(&session, &wa_id, |_| true).await, first);
        assert_eq!(world.incoming(&session).await.len(), 2);
        world.events("message.received", 2).await;
        assert!(world.metric("wharf_recovered_total 0").await, "nothing was missing any more");
    }

    async fn what_the_sender_had_no_copy_for_comes_from_the_phone_also_after_a_restart(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.rule(json!({"action": "swallow_recovery", "phone": OWNER, "times": 1})).await;
        let wa_id = world.writes(json!({"text": "while nobody knew the device", "missing": true})).await;
        world.row(&session, &wa_id, |row| row["type"] == "undecryptable").await;
        world.until_acknowledged(OWNER).await;
        world.events("message.received", 0).await;
        world.stop_gateway().await;
        world.once_asked(&format!("/control/phones/{OWNER}/recover"), json!({"id": wa_id})).await;
        world.start_gateway(&[]).await;
        let row = world.row(&session, &wa_id, |row| row["type"] == "text").await;
        assert_eq!((&row["text"], &row["chat"]["phoneNumber"]), (&json!("while nobody knew the device"), &json!(SILENT)));
        world.until_acknowledged(OWNER).await;
        assert_eq!(world.incoming(&session).await.len(), 1);
        world.events("message.received", 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_message_is_acknowledged_after_its_commit_and_comes_again_where_that_fails() {
    let mut world = World::start(Backend::Postgres).await;
    let session = world.pair(OWNER).await;
    let mut locker = world.database().connection().await;
    let mut lock = locker.begin().await.unwrap();
    // Keys can be written, rows of messages cannot.
    lock.execute("LOCK TABLE messages IN EXCLUSIVE MODE").await.unwrap();
    let wa_id = world.writes(json!({"text": "in between", "missing": true})).await;
    eventually("the gateway gave up on storing it", async || {
        let log = world.gateway().log();
        log.contains("this could not be stored; the network has to say it again").then_some(()).ok_or(log)
    })
    .await;
    let acks = world.control().get(&format!("/control/phones/{OWNER}/inbound-acks")).await;
    let acked = acks.ok(200)["messages"].as_array().unwrap().iter().any(|message| message["id"] == wa_id && message["acked"] == true);
    assert!(!acked, "{acks:?}");
    lock.rollback().await.unwrap();
    let row = world.row(&session, &wa_id, |row| row["type"] == "text").await;
    assert_eq!(row["text"], "in between");
    world.events("message.received", 1).await;
}
