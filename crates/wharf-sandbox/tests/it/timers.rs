//! Chats with disappearing messages: whatever is sent to one carries its timer, whoever set it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::harness::{OWNER, SILENT, World, both_backends, eventually};
use crate::media::file;

const SECOND: &str = "15550000002";
const DAY: u32 = 86_400;

impl World {
    /// Somebody sets the timer of the chat, and the session has heard of it.
    async fn sets_timer(&self, session: &str, from: &str, to: &str, seconds: u32) {
        self.writes_as(from, to, json!({"type": "timer", "expiration": seconds})).await;
        let after = self.writes_as(from, to, json!({"text": "what follows it in the chat"})).await;
        self.row(session, &after, |_| true).await;
    }

    /// The timer that a text carries as the phone at `at` sees it.
    async fn carried(&self, session: &str, to: &str, at: &str) -> Value {
        let sent = self.send(session, to, "see you").await;
        self.shown_at(at, sent.ok(201)).await["expiration"].clone()
    }
}

both_backends! {
    async fn every_message_of_a_chat_carries_the_timer_that_either_side_set(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        assert_eq!(world.carried(&session, SILENT, SILENT).await, Value::Null);
        world.sets_timer(&session, SILENT, OWNER, DAY).await;
        let data = |kind: &str| BASE64_STANDARD.encode(file(kind, 2_000));
        let kinds = [
            ("text", json!({"text": "see you"})),
            ("text", json!({"text": "see you", "mentions": [SILENT]})),
            ("location", json!({"latitude": 1.5, "longitude": 2.5})),
            ("contact", json!({"contacts": [{"name": "Ada", "phoneNumbers": ["+15551000001"]}]})),
            ("poll", json!({"question": "When?", "options": ["now", "later"]})),
            ("media", json!({"mediaType": "image", "data": data("image"), "caption": "look"})),
            ("media", json!({"mediaType": "image", "data": data("image"), "viewOnce": true})),
            ("media", json!({"mediaType": "document", "data": data("document")})),
        ];
        for (kind, body) in kinds {
            let sent = world.post(&session, kind, body).await.ok(201).clone();
            let shown = world.shown(&sent).await;
            assert_eq!(shown["expiration"], DAY, "{kind}: {shown}");
            assert!(shown["timerSetAt"].as_u64().is_some_and(|at| at > 1_600_000_000), "{kind}: {shown}");
        }
        // What is sent once more carries it too.
        world.rule(json!({"action": "garble_message", "to": SILENT, "times": 1})).await;
        assert_eq!(world.carried(&session, SILENT, SILENT).await, DAY);

        // By the LID, over a restart, by the own phone, and off again.
        assert_eq!(world.carried(&session, &format!("77{SILENT}@lid"), SILENT).await, DAY);
        world.stop_gateway().await;
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        assert_eq!(world.carried(&session, SILENT, SILENT).await, DAY);
        world.sets_timer(&session, OWNER, SILENT, 7 * DAY).await;
        assert_eq!(world.carried(&session, SILENT, SILENT).await, 7 * DAY);
        world.sets_timer(&session, SILENT, OWNER, 0).await;
        assert_eq!(world.carried(&session, SILENT, SILENT).await, Value::Null);

        // A timer that was set before anybody listened is told by the messages that carry it.
        let theirs = world.writes(json!({"text": "hello", "expiration": DAY})).await;
        world.row(&session, &theirs, |_| true).await;
        assert_eq!(world.carried(&session, SILENT, SILENT).await, DAY);
    }

    async fn every_message_of_a_group_carries_its_timer(backend) {
        let mut world = World::start(backend).await;
        let (session, second) = (world.pair(OWNER).await, world.pair(SECOND).await);
        let body = json!({"sessionId": session, "subject": "short-lived", "participants": [SILENT, SECOND]});
        let group = world.api().post("/v1/groups", &body).await.ok(201)["groupId"].as_str().unwrap().to_owned();
        for session in [&session, &second] {
            assert_eq!(world.carried(session, &group, SILENT).await, Value::Null);
        }
        let sets = async |seconds: u32| {
            let body = json!({"sessionId": session, "disappearingSeconds": seconds});
            world.api().patch(&format!("/v1/groups/{group}"), &body).await.ok(200);
        };
        sets(DAY).await;
        assert_eq!(world.carried(&session, &group, SILENT).await, DAY);
        eventually("the other session has heard of it", async || {
            let carried = world.carried(&second, &group, SILENT).await;
            (carried == DAY).then_some(()).ok_or(carried.to_string())
        })
        .await;
        sets(0).await;
        assert_eq!(world.carried(&session, &group, SILENT).await, Value::Null);
        sets(7 * DAY).await;
        world.stop_gateway().await;
        world.start_gateway(&[]).await;
        for session in [&session, &second] {
            world.until_connected(session).await;
            assert_eq!(world.carried(session, &group, SILENT).await, 7 * DAY);
        }
    }
}
