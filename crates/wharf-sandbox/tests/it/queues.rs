//! What an operator sees of what waits: where, how long, and why.

use serde_json::{Value, json};

use crate::harness::{ECHO, Hook, Mode, OWNER, World, both_backends, eventually};

const QUEUES: &str = "/v1/admin/queues";

async fn queues(world: &World) -> Vec<Value> {
    world.operator().get(QUEUES).await.ok(200).as_array().unwrap().clone()
}

/// Waits until there is a queue that the test looks for.
async fn until(world: &World, what: impl Fn(&Value) -> bool) -> Value {
    eventually("the queue is as it should be", async || {
        let found = queues(world).await;
        let fits = found.iter().find(|queue| what(queue)).cloned();
        fits.ok_or_else(|| format!("{found:?}"))
    })
    .await
}

async fn pause(world: &World, paused: bool) {
    world.operator().put("/v1/admin/whatsapp/switches", &json!({"sendingPaused": paused})).await.ok(200);
}

async fn send_later(world: &World, session: &str, to: &str) {
    let sent = world.api().post("/v1/messages/text", &json!({"sessionId": session, "to": to, "text": "later", "async": true})).await;
    sent.ok(201);
}

both_backends! {
    async fn what_a_session_cannot_send_is_shown_with_its_age_and_why(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        assert_eq!(queues(&world).await, Vec::<Value>::new(), "nothing waits");
        pause(&world, true).await;
        for _ in 0..2 {
            send_later(&world, &session, ECHO).await;
        }
        world.advance(60).await;
        let found = queues(&world).await;
        assert_eq!(found.len(), 1, "{found:?}");
        let queue = &found[0];
        let account = world.api().get("/v1/account").await.ok(200)["accountId"].clone();
        assert_eq!((&queue["type"], &queue["sessionId"], &queue["accountId"]), (&json!("messages"), &json!(session), &account));
        assert_eq!((&queue["waiting"], &queue["sessionStatus"]), (&json!(2), &json!("connected")));
        assert!((60..600).contains(&queue["oldestSeconds"].as_u64().unwrap()) && queue["oldestAt"].is_string(), "{queue}");
        assert_eq!(queue["held"], json!([{"type": "session", "reason": "pause"}]));
        pause(&world, false).await;
        until_empty(&world).await;

        // WhatsApp lets the account write to nobody new.
        let locked = world.send(&session, "15550007463", "locked").await;
        assert_eq!(locked.ok(201)["heldReason"], "reachout_timelock");
        send_later(&world, &session, "15550002001").await;
        let queue = until(&world, |queue| queue["waiting"] == 2).await;
        // All first contacts, and longest the chat that was refused.
        let held = queue["held"].as_array().unwrap();
        let of = |kind: &str| held.iter().find(|hold| hold["type"] == kind).unwrap_or_else(|| panic!("{queue}"));
        assert_eq!((&of("first_contacts")["reason"], &of("chats")["reason"]), (&json!("reachout_timelock"), &json!("reachout_timelock")));
        assert_eq!((&of("chats")["until"], &of("chats")["chats"]), (&locked.data()["heldUntil"], &json!(1)), "{queue}");
    }

    async fn a_webhook_whose_server_fails_rests_and_one_that_is_switched_off_is_paused(backend) {
        let world = World::start(backend).await;
        let hook = Hook::start().await;
        let made = world.api().post("/v1/webhooks", &json!({"url": hook.url("/all"), "events": ["*"]})).await;
        let webhook = made.ok(201)["webhookId"].clone();
        hook.set("/all", Mode::Answer(500));
        let session = world.pair(OWNER).await;
        let queue = until(&world, |queue| queue["deliveryStatus"] == "resting").await;
        assert_eq!((&queue["type"], &queue["webhookId"], &queue["due"], &queue["held"]), (&json!("deliveries"), &webhook, &json!(0), &json!([])), "{queue}");
        assert!(queue["waiting"].as_u64().unwrap() > 0 && queue["nextAt"].is_string() && queue["failingSince"].is_string(), "{queue}");
        assert!(queue.get("disabledReason").is_none() && queue.get("sessionStatus").is_none(), "{queue}");
        let path = format!("/v1/webhooks/{}", webhook.as_str().unwrap());
        world.api().patch(&path, &json!({"enabled": false})).await.ok(200);
        let queue = until(&world, |queue| queue["deliveryStatus"] == "paused").await;
        assert_eq!(queue["disabledReason"], "requested");

        // Beside what a session has waiting it stands on the next page, and each once.
        pause(&world, true).await;
        send_later(&world, &session, ECHO).await;
        let (mut seen, mut next) = (Vec::new(), String::new());
        loop {
            let page = world.operator().get(&format!("{QUEUES}?limit=1&cursor={next}")).await;
            seen.extend(page.ok(200).as_array().unwrap().iter().map(|queue| queue["type"].clone()));
            match page.json["page"]["next"].as_str() {
                Some(more) => more.clone_into(&mut next),
                None => break,
            }
        }
        assert_eq!(seen, ["messages", "deliveries"]);
        // After it was deleted nothing waits for it.
        world.api().delete(&path).await.ok(200);
        pause(&world, false).await;
        until_empty(&world).await;
    }
}

async fn until_empty(world: &World) {
    eventually("nothing waits any more", async || {
        let left = queues(world).await;
        left.is_empty().then_some(()).ok_or(format!("{left:?}"))
    })
    .await;
}
