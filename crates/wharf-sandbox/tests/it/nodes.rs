//! Several gateways on one database: what one leaves behind another takes up, and each session runs in one place.

use wharf_api::ErrorCode;

use crate::harness::{Api, Backend, OWNER, Process, SILENT, World, eventually};

const OWNERS: [&str; 4] = [OWNER, "15550000002", "15550000003", "15550000004"];

/// How many sessions are connected at this node.
async fn connected(node: &Process) -> u64 {
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
