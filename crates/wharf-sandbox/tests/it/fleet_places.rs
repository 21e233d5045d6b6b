//! Where the sessions of a fleet run: those of a lost node are shared, a node that comes gets its part, one that is drained has none.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::nats::{self, Fleet, Nats};
use crate::harness::{Api, Backend, SILENT, World, both_backends, eventually};

async fn pair(world: &World, count: u32) -> Vec<String> {
    let mut sessions = Vec::new();
    for number in 1..=count {
        sessions.push(world.pair(&format!("155500001{number:02}")).await);
    }
    sessions
}

/// What a node tells of all that work: how many sessions each has, itself first.
pub async fn loads(operator: &Api) -> Vec<u64> {
    let nodes = operator.get("/v1/admin/nodes").await;
    let working = nodes.ok(200).as_array().unwrap().iter().filter(|node| node["status"] != "gone");
    working.map(|node| node["sessions"].as_u64().unwrap()).collect()
}

/// Every session is connected, whoever is asked.
async fn until_connected(node: &Api, sessions: &[String]) {
    eventually("every session is connected", async || {
        let listed = node.get("/v1/sessions?status=connected&limit=200").await;
        let found = listed.ok(200).as_array().unwrap().len();
        (found == sessions.len()).then_some(()).ok_or(format!("{found} of {}", sessions.len()))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sessions_of_a_node_that_died_are_shared_by_those_that_are_left() {
    let mut fleet = Fleet::start().await;
    let sessions = pair(&fleet.world, 4).await;
    let operator = fleet.others()[0].with_key(&fleet.world.operator().key);
    fleet.world.kill_gateway().await;
    eventually("each has two", async || {
        let loads = loads(&operator).await;
        (loads == [2, 2]).then_some(()).ok_or(format!("{loads:?}"))
    })
    .await;
    until_connected(&fleet.others()[1], &sessions).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_comes_gets_its_part_and_each_message_meanwhile_arrives_once() {
    let nats = Nats::start().await;
    let over = [("WHARF_NATS_URL", nats.url.as_str()), ("WHARF_MOVES_PER_MINUTE", "600")];
    let world = World::start_with(Backend::Postgres, &over).await;
    let sessions = pair(&world, 10).await;
    let (api, operator) = (world.api(), world.operator());
    let second = world.another_node_with("second", &over).await;
    let mut sent = 0;
    eventually("each has five", async || {
        // From all sessions in turn: some are on their way.
        let session = &sessions[sent % sessions.len()];
        let text = sent.to_string();
        let request = api.request("POST", "/v1/messages/text").header("Idempotency-Key", &text);
        let reply = crate::harness::api::read(request.json(&json!({"sessionId": session, "to": SILENT, "text": text}))).await;
        sent += usize::from(reply.status == 201);
        let loads = loads(&operator).await;
        (loads == [5, 5]).then_some(()).ok_or(format!("{loads:?}, {reply:?}"))
    })
    .await;
    until_connected(&nats::api(&second), &sessions).await;
    assert!(sent > 0, "nothing was accepted while sessions moved");
    eventually("what was accepted has arrived, each text once", async || {
        let mut seen: Vec<usize> =
            world.ledger(SILENT).await.iter().map(|entry| entry["text"].as_str().unwrap().parse().unwrap()).collect();
        seen.sort_unstable();
        // The last one may be there although its answer said that it must be tried again.
        let once = seen.windows(2).all(|two| two[0] < two[1]);
        (once && seen.starts_with(&(0..sent).collect::<Vec<_>>())).then_some(()).ok_or(format!("{seen:?} of {sent}"))
    })
    .await;
    assert_eq!(ends(&api, &sessions).await, 0, "a move is no end of a session");
    second.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_drained_has_no_sessions_until_it_may_and_one_is_moved_back_by_name() {
    let fleet = Fleet::start().await;
    let mut sessions = pair(&fleet.world, 2).await;
    let operator = fleet.world.operator();
    let nodes = operator.get("/v1/admin/nodes").await;
    let (first, second) = (node_of(nodes.ok(200), 0), node_of(nodes.data(), 1));
    let drained = fleet.others()[0].with_key(&operator.key).post(&format!("/v1/admin/nodes/{first}/drain"), &json!({})).await;
    assert_eq!((&drained.ok(200)["nodeId"], &drained.data()["status"]), (&json!(first), &json!("draining")));
    eventually("it has none", async || {
        let loads = loads(&operator).await;
        (loads[0] == 0 && loads.iter().sum::<u64>() == 2).then_some(()).ok_or(format!("{loads:?}"))
    })
    .await;
    until_connected(&fleet.world.api(), &sessions).await;
    // A new one begins elsewhere, although it was asked for here.
    sessions.push(fleet.world.pair("15550000199").await);
    assert_eq!(loads(&operator).await[0], 0);
    let moves = format!("/v1/admin/sessions/{}/move", sessions[2]);
    operator.post(&moves, &json!({"nodeId": first})).await.refused(ErrorCode::Conflict);
    let undrained = operator.post(&format!("/v1/admin/nodes/{first}/undrain"), &json!({})).await;
    assert_eq!(undrained.ok(200)["status"], "working");
    for node in [&first, &second, &second] {
        let moved = fleet.others()[1].with_key(&operator.key).post(&moves, &json!({"nodeId": node})).await;
        assert_eq!(&moved.ok(200)["nodeId"], node);
        until_connected(&fleet.world.api(), &sessions).await;
    }
    let moved = operator.post(&moves, &json!({})).await;
    assert_ne!(moved.ok(200)["nodeId"], second);
    operator.post("/v1/admin/nodes/node_none/drain", &json!({})).await.refused(ErrorCode::ResourceNotFound);
    operator.post(&moves, &json!({"nodeId": "node_none"})).await.refused(ErrorCode::ResourceNotFound);
    let nobodys = format!("/v1/admin/sessions/ses_{}/move", "0".repeat(32));
    operator.post(&nobodys, &json!({})).await.refused(ErrorCode::SessionNotFound);
    assert_eq!(ends(&fleet.world.api(), &sessions).await, 0, "a move is no end of a session");
    fleet.end().await;
}

fn node_of(nodes: &Value, place: usize) -> String {
    nodes[place]["nodeId"].as_str().unwrap().to_owned()
}

both_backends! {
    async fn a_lone_node_keeps_its_sessions_drained_or_not(backend) {
        let world = World::start(backend).await;
        let sessions = pair(&world, 1).await;
        let operator = world.operator();
        let node = node_of(operator.get("/v1/admin/nodes").await.ok(200), 0);
        operator.post(&format!("/v1/admin/sessions/{}/move", sessions[0]), &json!({})).await.refused(ErrorCode::Conflict);
        let drained = operator.post(&format!("/v1/admin/nodes/{node}/drain"), &json!({})).await;
        assert_eq!(drained.ok(200)["status"], "draining");
        world.send(&sessions[0], SILENT, "still here").await.ok(201);
        assert_eq!(operator.post(&format!("/v1/admin/nodes/{node}/undrain"), &json!({})).await.ok(200)["status"], "working");
    }
}

/// How often sessions were told to be disconnected.
pub async fn ends(api: &Api, sessions: &[String]) -> usize {
    let mut ends = 0;
    for session in sessions {
        let events = api.get(&format!("/v1/events?sessionId={session}&events=session.disconnected&cursor=oldest")).await;
        ends += events.ok(200).as_array().map_or(0, Vec::len);
    }
    ends
}
