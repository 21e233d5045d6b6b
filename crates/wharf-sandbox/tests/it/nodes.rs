//! Several gateways on one database: what one leaves behind another takes up, and each session runs in one place.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{Api, Backend, OWNER, Process, SILENT, World, both_backends, eventually};

const OWNERS: [&str; 4] = [OWNER, "15550000002", "15550000003", "15550000004"];

/// How many sessions are connected at this node.
pub async fn connected(node: &Process) -> u64 {
    let metrics = Api::new(node.ready["url"].as_str().unwrap(), "").get("/metrics").await;
    let text = String::from_utf8_lossy(&metrics.bytes).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(r#"wharf_sessions{status="connected"} "#));
    line.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_comes_back_under_another_id_runs_its_sessions_again() {
    let mut world = World::start(Backend::Postgres).await;
    let session = world.pair(OWNER).await;
    world.kill_gateway().await;
    // As in a container whose folder does not survive.
    std::fs::remove_file(world.dir().join("gateway/node-id")).unwrap();
    world.start_gateway(&[]).await;
    world.send(&session, SILENT, "too early").await.refused(ErrorCode::SessionNotConnected);
    world.until_connected(&session).await;
    world.send(&session, SILENT, "back").await.ok(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sessions_of_a_node_that_died_are_taken_over_and_each_by_one() {
    let mut world = World::start(Backend::Postgres).await;
    let mut sessions = Vec::new();
    for owner in OWNERS {
        sessions.push(world.pair(owner).await);
    }
    let others = [world.another_node("second").await, world.another_node("third").await];
    assert_eq!((connected(&others[0]).await, connected(&others[1]).await), (0, 0), "what lives is left alone");
    world.kill_gateway().await;
    let all = OWNERS.len() as u64;
    eventually("every session is connected again", async || {
        let found = connected(&others[0]).await + connected(&others[1]).await;
        (found == all).then_some(()).ok_or(format!("{found} of {all}"))
    })
    .await;
    let apis = others.each_ref().map(|node| Api::new(node.ready["url"].as_str().unwrap(), node.ready["apiKey"].as_str().unwrap()));
    let api = &apis[0];
    for session in &sessions {
        let mut running = 0;
        for node in &apis {
            let shown = node.get(&format!("/v1/sessions/{session}")).await;
            // A node that does not run it cannot vouch for its connection.
            running += usize::from(shown.ok(200)["status"] == "connected");
        }
        assert_eq!(running, 1, "{session} runs in one place");
        let events = api.get(&format!("/v1/events?sessionId={session}&events=session.disconnected")).await;
        assert_eq!(events.ok(200).as_array().unwrap().len(), 0, "two nodes fought for it: {events:?}");
    }
    for node in others {
        node.terminate().await;
    }
}

async fn listed(base: &str, key: &str) -> Vec<Value> {
    Api::new(base, key).get("/v1/admin/nodes").await.ok(200).as_array().unwrap().clone()
}

both_backends! {
    async fn a_lone_node_is_a_list_of_one_that_tells_its_release_and_its_sessions(backend) {
        let world = World::start(backend).await;
        world.pair(OWNER).await;
        let operator = world.operator();
        let nodes = listed(&operator.base, &operator.key).await;
        assert_eq!(nodes.len(), 1, "{nodes:?}");
        let node = &nodes[0];
        let id = std::fs::read_to_string(world.dir().join("gateway/node-id")).unwrap();
        let fixed = (&node["nodeId"], &node["current"], &node["status"], &node["version"], &node["sessions"]);
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(fixed, (&json!(id.trim()), &json!(true), &json!("working"), &json!(version), &json!(1)), "{node}");
        assert!(node["since"].as_str().unwrap() < node["leaseUntil"].as_str().unwrap(), "{node}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_names_itself_and_one_that_stops_is_draining_until_its_lease_is_over() {
    let mut world = World::start(Backend::Postgres).await;
    let other = world.another_node("second").await;
    let second = other.ready["url"].as_str().unwrap().to_owned();
    let (first, key) = (world.operator().base.clone(), world.operator().key.clone());
    let (here, there) = (listed(&first, &key).await, listed(&second, &key).await);
    assert_eq!((here.len(), there.len()), (2, 2), "{here:?} {there:?}");
    assert_eq!((&here[0]["current"], &there[0]["current"]), (&json!(true), &json!(true)));
    assert_eq!(here[0]["nodeId"], there[1]["nodeId"], "whoever answers comes first");
    assert!(here.iter().all(|node| node["status"] == "working"), "{here:?}");
    other.terminate().await;
    let status = async || listed(&first, &key).await[1]["status"].clone();
    assert_eq!(status().await, "draining");
    // It is killed before it can tell anything.
    let session = world.pair(OWNER).await;
    let third = world.another_node("third").await;
    let base = third.ready["url"].as_str().unwrap().to_owned();
    world.kill_gateway().await;
    eventually("the session is the third's, and who was killed is gone", async || {
        let nodes = listed(&base, &key).await;
        let gone = nodes.iter().filter(|node| node["status"] == "gone" && node["sessions"] == 0).count();
        (gone == 2 && nodes[0]["sessions"] == 1).then_some(()).ok_or(format!("{session}: {nodes:?}"))
    })
    .await;
    third.terminate().await;
}
