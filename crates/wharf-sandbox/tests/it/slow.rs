//! A database that takes five milliseconds for each answer: what comes in by the hundred holds up nobody else's sends.

use serde_json::{Value, json};

use crate::harness::{OWNER, SILENT, World, chaos::Way, eventually};
use crate::receiving::until_received;

const OTHER: &str = "15550000002";
const MEMBERS: usize = 100;
const POSTS: usize = 20;

/// A group of the owner, whose phone made it, with a hundred others who all tell that they got what is posted.
async fn crowd(world: &World) -> String {
    let mut members: Vec<String> = (0..MEMBERS).map(|n| (15_550_002_000_u64 + n as u64).to_string()).collect();
    members.push(OWNER.to_owned());
    let made = world.control().post("/control/groups", &json!({"creator": OWNER, "subject": "crowd", "members": members})).await;
    made.ok(200)["id"].as_str().unwrap().to_owned()
}

/// How many members have told that they got the message.
async fn delivered(world: &World, id: &Value) -> usize {
    let shown = world.api().get(&format!("/v1/messages/{}", id.as_str().unwrap())).await;
    let receipts = shown.json["data"]["receipts"].as_array().cloned().unwrap_or_default();
    receipts.iter().filter(|receipt| receipt["deliveredAt"].is_string()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_by_the_thousand_and_a_long_backlog_hold_up_no_other_sessions_sends() {
    let mut world = World::start_behind_chaos().await;
    let (busy, other) = (world.pair(OWNER).await, world.pair(OTHER).await);
    let group = crowd(&world).await;
    world.send(&busy, &group, "so that everybody's keys are there").await.ok(201);
    world.send(&other, SILENT, "here too").await.ok(201);
    world.stop_gateway().await;
    for n in 0..400 {
        world.phone_sends(SILENT, OWNER, &format!("text {n}")).await;
    }
    world.chaos().make(Way::Slow(5));
    world.start_gateway(&[]).await;
    world.until_connected(&busy).await;
    world.until_connected(&other).await;
    let posts = async {
        let mut posts = Vec::new();
        for n in 0..POSTS {
            let body = json!({"sessionId": busy, "to": group, "text": format!("post {n}"), "async": true});
            let posted = world.api().post("/v1/messages/text", &body).await;
            posts.push(posted.ok(201)["messageId"].clone());
        }
        posts
    };
    let sends = async {
        for n in 0..30 {
            let sent = world.send(&other, SILENT, &format!("goes on {n}")).await;
            assert_eq!(sent.status, 201, "{n}: {sent:?}");
        }
    };
    let (posts, ()) = tokio::join!(posts, sends);
    until_received(&world, &busy, 400).await;
    for post in &posts {
        eventually("all members' receipts are there", async || match delivered(&world, post).await {
            MEMBERS => Ok(()),
            some => Err(format!("{some} of {post}")),
        })
        .await;
    }
    eventually("the contact has read all that the other session sent", async || {
        let ledger = world.ledger(SILENT).await;
        let shown = ledger.iter().filter(|entry| entry["text"].as_str().is_some_and(|text| text.starts_with("goes on"))).count();
        (shown == 30).then_some(()).ok_or(format!("{shown} of 30"))
    })
    .await;
}
