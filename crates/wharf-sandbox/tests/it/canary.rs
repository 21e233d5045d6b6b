//! The canary sessions: two of an operator's numbers that write to each other, and tell when something does not arrive.

use serde_json::{Value, json};

use crate::harness::{OWNER, World, both_backends, eventually};

const SECOND: &str = "15550000002";
const VIEW: &str = "/v1/admin/whatsapp/canary";

/// The last run of a step from that session.
async fn last(world: &World, step: &str, from: &str) -> Value {
    let shown = world.operator().get(VIEW).await;
    let steps = shown.ok(200)["steps"].as_array().unwrap();
    steps.iter().find(|run| run["step"] == step && run["sessionId"] == from).cloned().unwrap_or_default()
}

async fn until(world: &World, what: &str, step: &str, from: &str, good: impl Fn(&Value) -> bool) -> Value {
    eventually(what, async || {
        let run = last(world, step, from).await;
        if good(&run) { Ok(run) } else { Err(run.to_string()) }
    })
    .await
}

both_backends! {
    async fn each_step_is_measured_until_the_other_session_has_it_and_a_refusal_is_told(backend) {
        let mut world = World::start(backend).await;
        let (first, second) = (world.pair(OWNER).await, world.pair(SECOND).await);
        assert_eq!(world.operator().get(VIEW).await.ok(200), &json!({"sessionIds": [], "steps": []}));
        world.stop_gateway().await;
        let pair = format!("{first},{second}");
        world.start_gateway(&[("WHARF_WHATSAPP_CANARY", &pair)]).await;
        world.until_connected(&first).await;
        world.until_connected(&second).await;
        // What began before both were connected may have failed; the next turn is a good one. A turn that the hour overtakes would edit a text
        // that is too old by then.
        let ended = |run: &Value| run["durationMs"].is_u64() || run["reason"].is_string();
        for step in ["text", "file", "edit", "reaction", "poll"] {
            until(&world, &format!("the first turn's {step} ended"), step, &first, ended).await;
        }
        until(&world, "the first turn's text back ended", "text", &second, ended).await;
        world.advance(3_600).await;
        let went = |run: &Value| run["durationMs"].is_u64();
        for step in ["text", "file", "edit", "reaction", "poll"] {
            until(&world, &format!("{step} went well"), step, &first, went).await;
        }
        until(&world, "a text went back", "text", &second, went).await;
        let group = until(&world, "no group was found", "group", &first, |run| run["at"].is_string()).await;
        assert_eq!((&group["durationMs"], &group["reason"]), (&Value::Null, &Value::Null), "they share none");
        // The poll went well, so the second session voted, and the vote came back to the first.
        let votes = world.api().get(&format!("/v1/messages?sessionId={first}&direction=incoming&limit=200")).await;
        let votes: Vec<_> = votes.ok(200).as_array().unwrap().iter().filter(|row| row["type"] == "poll_vote").cloned().collect();
        assert!(!votes.is_empty() && votes.iter().all(|vote| vote["options"] == json!(["yes"])), "{votes:?}");
        assert_eq!(last(&world, "file", &second).await, Value::Null, "only texts go back");

        let body = json!({"sessionId": first, "subject": "Canaries", "participants": [SECOND]});
        world.api().post("/v1/groups", &body).await.ok(201);
        world.advance(3_600).await;
        until(&world, "a text in the group went well", "group", &first, went).await;

        let before = until(&world, "the text of this hour went well", "text", &first, went).await;
        world.control().post("/control/faults", &json!({"action": "nack", "to": SECOND, "code": 479})).await.ok(200);
        world.advance(300).await;
        let failed = until(&world, "the refusal is told", "text", &first, |run| run["reason"].is_string()).await;
        assert_eq!((&failed["reason"], failed.get("durationMs")), (&json!("message_sending_failed"), None));
        assert!(failed["at"].as_str() > before["at"].as_str(), "{failed} {before}");
        let metrics = world.api().get("/metrics").await;
        let metrics = String::from_utf8_lossy(&metrics.bytes).into_owned();
        assert!(!metrics.contains("wharf_canary_failures_total{step=\"text\"} 0"), "{metrics}");
        assert!(metrics.contains("wharf_canary_seconds{step=\"file\"} "), "{metrics}");
        world.control().delete("/control/faults").await;
        world.advance(300).await;
        until(&world, "it goes well again", "text", &first, went).await;
    }
}
