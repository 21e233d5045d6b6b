//! A node that is frozen and goes on, as a paused machine does, and one whose clock is wrong: sessions, leases and limits do not care.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::time::Instant;
use wharf_api::ids::AccountId;
use wharf_core::limit::shared::keeper;

use crate::fleet::until;
use crate::fleet_limits::{calls, count};
use crate::fleet_places::ends;
use crate::harness::split::Split;
use crate::harness::talk::{Talk, figures};
use crate::harness::{Api, Hook, OWNER, eventually};
use crate::nodes::connected;

const ANOTHER: &str = "15550000002";
const CALLS: usize = 60;

/// The owner of a session is frozen until another node has it, and so much longer; then it goes on.
async fn frozen_owner(longer: Duration) {
    let begun = Instant::now();
    let split = Split::start().await;
    let session = split.pair_at(2, OWNER).await;
    let (nodes, world, mut talk) = (split.nodes(), split.world(), Talk::of(OWNER, &session));
    talk.load(world, &nodes, "before", 4, 4).await;
    let before = split.takes().await;
    split.signal(2, Signal::SIGSTOP);
    talk.load(world, &nodes[..2], "meanwhile", 4, 4).await;
    split.until_taken(before).await;
    for node in &nodes[..2] {
        until(node, &session, "connected").await;
    }
    let (since, mut round) = (Instant::now(), 0);
    while since.elapsed() < longer {
        round += 1;
        talk.load(world, &nodes[..2], &format!("round-{round}"), 20, 20).await;
    }
    split.signal(2, Signal::SIGCONT);
    // What was in its sockets is read now, and nothing of it is written down twice.
    talk.load(world, &nodes, "again", 6, 4).await;
    split.until_whole().await;
    eventually("it has given the session up", async || {
        let found = connected(split.process(2)).await;
        (found == 0).then_some(()).ok_or(format!("{found}"))
    })
    .await;
    until(&nodes[2], &session, "connected").await;
    talk.ground.is_sound(world, None).await;
    assert_eq!(ends(&nodes[0], &[session]).await, 0, "nobody fought for the session");
    let fenced = split.is_fenced().await;
    let what = format!("1 cycle, frozen until another node had it and {} s longer", longer.as_secs());
    println!("{}", figures(&what, &[talk], fenced, begun));
    split.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_was_frozen_until_another_node_had_its_session_gives_it_up_and_writes_nothing() {
    frozen_owner(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes more than a minute"]
async fn an_owner_that_was_frozen_for_a_minute_gives_its_session_up_and_writes_nothing() {
    frozen_owner(Duration::from_mins(1)).await;
}

/// An account whose calls that node counts, by its key at each of them.
async fn kept_by(split: &Split, node: usize) -> [Api; 3] {
    let ids = [split.id(0), split.id(1), split.id(2)];
    let mut number = 0;
    loop {
        number += 1;
        let limits = json!({"callsPerMinute": CALLS, "concurrentRequests": 500});
        let (api, account) = split.world().tenant(&format!("plan-{number}"), &limits).await;
        if keeper(&AccountId::parse(&account).unwrap(), &ids) == Some(ids[node].as_str()) {
            return split.nodes().map(|other| other.with_key(&api.key));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_within_the_limit_while_the_node_that_counts_them_is_frozen_and_the_limit_holds_with_it_again() {
    let split = Split::start().await;
    let nodes = kept_by(&split, 2).await;
    // Not at that node itself: what it let in is not known while it is frozen.
    let mut accepted = count(&calls(&nodes[..2], 12, 6).await, 200);
    assert_eq!(accepted, 12);
    split.signal(2, Signal::SIGSTOP);
    eventually("the others use the whole limit", async || {
        let replies = calls(&nodes[..2], 10, 5).await;
        accepted += count(&replies, 200);
        assert_eq!(count(&replies, 200) + count(&replies, 429), 10, "{replies:?}");
        assert!(accepted <= CALLS, "{accepted}");
        (accepted == CALLS).then_some(()).ok_or(format!("{accepted}"))
    })
    .await;
    assert_eq!(count(&calls(&nodes[..2], 20, 5).await, 200), 0);
    split.signal(2, Signal::SIGCONT);
    // Until it hears the others it has its third of the limit for itself, and no more.
    let mut beyond = 0;
    eventually("it refuses too", async || {
        let reply = nodes[2].get("/v1/account").await;
        beyond += usize::from(reply.status == 200);
        assert!(beyond <= CALLS / 3, "{beyond}");
        (reply.status == 429).then_some(()).ok_or(format!("{reply:?}"))
    })
    .await;
    assert_eq!(count(&calls(&nodes, 30, 6).await, 200), 0, "it counts for all, and knows what they let in meanwhile");
    split.end().await;
}

/// The third node's clock is off. It has a session, and one is moved to it and away from it.
async fn clock_off(ahead: i64) {
    let pauses = [("WHARF_WEBHOOK_RETRY_PAUSES_SECS", "0.5,0.5,0.5,1,1,1,1,1,1,1")];
    let split = Split::start_ahead(&pauses, ahead).await;
    let (nodes, world) = (split.nodes(), split.world());
    let hook = Hook::start().await;
    nodes[0].post("/v1/webhooks", &json!({"url": hook.url("/x"), "events": ["*"]})).await.ok(201);
    let (session, of_third) = (split.pair_at(0, OWNER).await, split.pair_at(2, ANOTHER).await);
    let (mut talk, mut other) = (Talk::of(OWNER, &session), Talk::of(ANOTHER, &of_third));
    talk.load(world, &nodes, "first", 6, 6).await;
    other.load(world, &nodes, "first-other", 6, 6).await;
    let operator = world.operator();
    for (session, to) in [(&session, 2), (&of_third, 1), (&session, 1)] {
        let moved = operator.post(&format!("/v1/admin/sessions/{session}/move"), &json!({"nodeId": split.id(to)})).await;
        assert_eq!(moved.ok(200)["nodeId"], split.id(to).as_str());
        for node in &nodes {
            until(node, session, "connected").await;
        }
        talk.load(world, &nodes, &format!("with-{session}-at-{to}"), 6, 6).await;
        other.load(world, &nodes, &format!("other-with-{session}-at-{to}"), 6, 6).await;
    }
    for node in &nodes {
        let listed = node.with_key(&operator.key).get("/v1/admin/nodes").await;
        let working = listed.ok(200).as_array().unwrap().iter().filter(|node| node["status"] == "working").count();
        assert_eq!(working, 3, "{listed:?}");
    }
    let counted = kept_by(&split, 2).await;
    let replies = calls(&counted, 2 * CALLS, 20).await;
    assert_eq!((count(&replies, 200), count(&replies, 429)), (CALLS, CALLS));
    for talk in [&talk, &other] {
        talk.ground.is_sound(world, Some((&hook, "/x"))).await;
    }
    assert_eq!(ends(&nodes[0], &[session, of_third]).await, 0, "nobody took what was another's");
    split.is_fenced().await;
    split.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_clock_is_ten_minutes_fast_takes_nothing_from_the_others_and_counts_with_them() {
    clock_off(600_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_clock_is_ten_minutes_slow_keeps_what_is_its_own_and_counts_with_the_others() {
    clock_off(-600_000).await;
}
