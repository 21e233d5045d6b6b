//! Whoever wants everything is told of each step once.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{Got, Hook, OWNER, READER, World, both_backends, eventually};

fn kinds(events: &[Value], of: impl Fn(&Value) -> bool) -> Vec<&str> {
    events.iter().filter(|event| of(event)).map(|event| event["event"].as_str().unwrap()).collect()
}

both_backends! {
    async fn a_star_is_each_step_once_by_its_own_kind_and_the_umbrella_is_every_step_by_its_name(backend) {
        let world = World::start(backend).await;
        let (api, hook) = (world.api(), Hook::start().await);
        let mut webhooks = BTreeMap::new();
        for (path, events) in [("/all", json!(["*"])), ("/status", json!(["message.status"])), ("/both", json!(["*", "message.status"]))] {
            let made = api.post("/v1/webhooks", &json!({"url": hook.url(path), "events": events})).await;
            webhooks.insert(path, made.ok(201)["webhookId"].as_str().unwrap().to_owned());
        }
        let session = world.pair(OWNER).await;
        let id = world.send(&session, READER, "one text").await.ok(201)["messageId"].clone();
        let of_message = |event: &Value| event["data"]["messageId"] == id;
        let got = async |path: &str, last: &str| {
            eventually("the last step is told", async || {
                let events: Vec<Value> = hook.got(path).iter().map(Got::event).collect();
                let is_last = |event: &Value| of_message(event) && event["data"]["status"] == last;
                if events.iter().any(is_last) { Ok(events) } else { Err(format!("{:?}", kinds(&events, of_message))) }
            })
            .await
        };
        let all = got("/all", "read").await;
        assert_eq!(kinds(&all, of_message), ["message.status", "message.sent", "message.delivered", "message.read"]);
        let statuses: Vec<_> = all.iter().filter(|event| of_message(event)).map(|event| event["data"]["status"].clone()).collect();
        assert_eq!(statuses, ["queued", "sent", "delivered", "read"]);
        let of_session = |event: &Value| event["data"]["sessionId"] == session.as_str() && event["data"]["messageId"].is_null();
        let told = kinds(&all, of_session);
        assert_eq!(told.iter().filter(|kind| **kind == "session.connected").count(), 1, "{told:?}");
        let connected = |event: &Value| of_session(event) && event["data"]["status"] == "connected" && event["data"].get("degraded").is_none();
        assert_eq!(kinds(&all, connected), ["session.connected"]);
        let umbrella = got("/status", "read").await;
        assert_eq!(kinds(&umbrella, of_message), ["message.status"; 4]);
        // Beside the star a kind says nothing more.
        assert_eq!(kinds(&got("/both", "read").await, of_message), kinds(&all, of_message));

        // The list says the same, and so does what is delivered again.
        let listed: Vec<Value> = api.steps().await;
        assert_eq!(kinds(&listed, of_message), kinds(&all, of_message));
        assert_eq!(kinds(&api.log().await, of_message).len(), 7, "the log has both");
        let late = api.post("/v1/webhooks", &json!({"url": hook.url("/late"), "events": ["*"]})).await.ok(201)["webhookId"].clone();
        let again = json!({"since": "2020-01-01T00:00:00Z"});
        api.post(&format!("/v1/webhooks/{}/recover", late.as_str().unwrap()), &again).await.ok(200);
        let late = got("/late", "read").await;
        let mut seen = kinds(&late, of_message);
        seen.sort_unstable();
        assert_eq!(seen, ["message.delivered", "message.read", "message.sent", "message.status"]);
    }
}
