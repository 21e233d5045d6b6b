//! A node that is cut off, from NATS, from PostgreSQL or from both, and servers that start again under load: what it answers meanwhile is
//! right or asks for patience, its sessions go on elsewhere where they have to, it comes back by itself, and nothing is lost or doubled.

use serde_json::json;
use tokio::process::Command;
use tokio::time::Instant;
use wharf_api::ErrorCode;

use crate::fleet::{metric, until};
use crate::fleet_places::ends;
use crate::harness::chaos::Way;
use crate::harness::process::fresh_dir;
use crate::harness::split::Split;
use crate::harness::talk::{Talk, figures, is_right};
use crate::harness::{Hook, OWNER, eventually};
use crate::nodes::connected;
use crate::programs::release_program;

const ANOTHER: &str = "15550000002";

/// What `wharf doctor` says of a NATS server.
async fn doctor_of_nats(url: &str) -> String {
    let mut doctor = Command::new(release_program());
    doctor.args(["doctor", "--offline"]).env("WHARF_DATA_DIR", fresh_dir()).env("WHARF_NATS_URL", url);
    let output = doctor.output().await.unwrap();
    assert!(!output.status.success(), "{output:?}");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    words.lines().find(|line| line.starts_with("NATS")).unwrap_or_else(|| panic!("{words}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_cut_off_from_nats_says_so_and_answers_right_or_asks_for_patience() {
    let split = Split::start().await;
    let (session, of_third) = (split.pair_at(0, OWNER).await, split.pair_at(2, ANOTHER).await);
    let (mut talk, mut other) = (Talk::of(OWNER, &session), Talk::of(ANOTHER, &of_third));
    let (nodes, world) = (split.nodes(), split.world());
    let [first, second, third] = &nodes;
    let shown = |session: &str| format!("/v1/sessions/{session}");
    is_right(&third.get(&shown(&session)).await);

    split.bus(2).make(Way::Silent);
    let nats = format!("nats://{}", split.bus(2).address);
    let knows = eventually("the node knows that NATS is away", async || {
        is_right(&third.get(&shown(&session)).await);
        is_right(&first.get(&shown(&of_third)).await);
        let ready = third.with_key("").get("/readyz").await;
        (ready.ok(200)["status"] == "degraded").then_some(()).ok_or(format!("{ready:?}"))
    });
    let (doctor, ()) = tokio::join!(doctor_of_nats(&nats), knows);
    assert!(doctor.contains("nats_url: "), "{doctor}");
    let up = "wharf_nats_up";
    assert_eq!((metric(third, up).await.as_deref(), metric(first, up).await.as_deref()), (Some("0.0"), Some("1.0")));

    // By looking all goes on at the node itself; what only another node knows is not guessed.
    until(third, &session, "connected").await;
    until(third, &of_third, "connected").await;
    talk.load(world, &nodes, "cut", 6, 6).await;
    other.load(world, &nodes[2..], "cut-other", 6, 6).await;
    let refused = third.get(&format!("/v1/groups?sessionId={session}")).await;
    refused.refused(ErrorCode::ServiceUnavailable);
    assert!(!refused.header("retry-after").is_empty(), "{refused:?}");
    is_right(&second.get(&shown(&of_third)).await);

    split.heal();
    split.until_whole().await;
    until(second, &of_third, "connected").await;
    third.get(&format!("/v1/groups?sessionId={session}")).await.ok(200);
    for (talk, name) in [(&mut talk, "healed"), (&mut other, "healed-other")] {
        talk.load(world, &nodes, name, 3, 3).await;
        talk.ground.is_sound(world, None).await;
    }
    assert_eq!(ends(first, &[session, of_third]).await, 0, "nobody fought for a session");
    split.is_fenced().await;
    split.end().await;
}

/// The third node is cut off from PostgreSQL, with a session: it ends what it has before another one begins it, and says so.
async fn cut_off_from_the_database(from_nats_too: bool) {
    let split = Split::start().await;
    let session = split.pair_at(2, OWNER).await;
    let (nodes, world, mut talk) = (split.nodes(), split.world(), Talk::of(OWNER, &session));
    talk.load(world, &nodes, "before", 4, 4).await;
    let before = split.takes().await;
    split.database(2).make(Way::Silent);
    if from_nats_too {
        split.bus(2).make(Way::Silent);
    }
    eventually("it is not ready", async || {
        let ready = nodes[2].with_key("").get("/readyz").await;
        (ready.status == 503).then_some(()).ok_or(format!("{ready:?}"))
    })
    .await;
    // The others promise what they can, and the people go on writing.
    talk.load(world, &nodes[..2], "meanwhile", 4, 4).await;
    // Nobody replaces it: it says itself that its time is over. A connection that was begun anew meanwhile has no such word.
    eventually("its connection has ended with its lease", async || {
        let (found, log) = (connected(split.process(2)).await, split.process(2).log());
        (found == 0 && log.contains("the node's lease is over")).then_some(()).ok_or(format!("{found}: {log}"))
    })
    .await;
    split.until_taken(before).await;
    for node in &nodes[..2] {
        until(node, &session, "connected").await;
    }
    // What it has no word of it does not make up.
    nodes[2].get(&format!("/v1/sessions/{session}")).await.refused(ErrorCode::ServiceUnavailable);
    talk.load(world, &nodes[..2], "elsewhere", 4, 4).await;

    split.heal();
    split.until_whole().await;
    until(&nodes[2], &session, "connected").await;
    assert_eq!(connected(split.process(2)).await, 0, "who has it keeps it");
    talk.load(world, &nodes, "healed", 6, 4).await;
    talk.ground.is_sound(world, None).await;
    assert_eq!(ends(&nodes[0], &[session]).await, 0, "nobody fought for the session");
    let (_, takes) = split.is_fenced().await;
    assert!(takes >= 1, "the session has another owner");
    split.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_cut_off_from_the_database_ends_its_connections_before_another_takes_them_and_comes_back() {
    cut_off_from_the_database(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_cut_off_from_database_and_nats_ends_its_connections_before_another_takes_them_and_comes_back() {
    cut_off_from_the_database(true).await;
}

/// Ends every connection to the test's database and lets none in until a node says that it is away: what clients see of a server that
/// starts again. Where somebody says by `WHARF_STORM_RESTART` how the server itself is restarted, that is done instead.
pub async fn restart_postgresql(split: &Split) {
    if crate::storm::restart_database().await {
        return;
    }
    let every = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    split.world().database().execute(split.world().dir(), every).await;
    for node in 0..3 {
        split.database(node).make(Way::Cut);
    }
    let open = split.world().api().with_key("");
    eventually("a node says that the database is away", async || {
        let ready = open.get("/readyz").await;
        (ready.status == 503).then_some(()).ok_or(format!("{ready:?}"))
    })
    .await;
    split.heal();
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_and_nats_that_start_again_under_load_cost_no_message_and_no_event() {
    let mut split = Split::start_with(&[("WHARF_WEBHOOK_RETRY_PAUSES_SECS", "0.5,0.5,0.5,1,1,1,1,1,1,1")]).await;
    let hook = Hook::start().await;
    split.world().api().post("/v1/webhooks", &json!({"url": hook.url("/x"), "events": ["*"]})).await.ok(201);
    let (session, of_third) = (split.pair_at(0, OWNER).await, split.pair_at(2, ANOTHER).await);
    let (mut talk, mut other) = (Talk::of(OWNER, &session), Talk::of(ANOTHER, &of_third));
    let nodes = split.nodes();
    let world = split.world();
    let loads = futures::future::join(talk.load(world, &nodes, "postgresql", 40, 40), other.load(world, &nodes, "postgresql-2", 40, 40));
    tokio::join!(loads, restart_postgresql(&split));
    split.until_whole().await;

    let (world, nats) = (&split.fleet.world, &mut split.fleet.nats);
    let restart = async {
        nats.kill().await;
        nats.start_again().await;
    };
    let loads = futures::future::join(talk.load(world, &nodes, "nats", 40, 40), other.load(world, &nodes, "nats-2", 40, 40));
    tokio::join!(loads, restart);
    split.until_whole().await;
    for talk in [&talk, &other] {
        talk.ground.is_sound(split.world(), Some((&hook, "/x"))).await;
    }
    assert_eq!(ends(&nodes[0], &[session, of_third]).await, 0, "nobody fought for a session");
    split.is_fenced().await;
    split.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_three_nodes_that_are_restarted_one_by_one_under_load_cost_no_message_and_no_event() {
    let mut split = Split::start_with(&[("WHARF_WEBHOOK_RETRY_PAUSES_SECS", "0.5,0.5,0.5,1,1,1,1,1,1,1")]).await;
    let hook = Hook::start().await;
    split.world().api().post("/v1/webhooks", &json!({"url": hook.url("/x"), "events": ["*"]})).await.ok(201);
    let sessions = [split.pair_at(0, OWNER).await, split.pair_at(2, ANOTHER).await];
    let mut talks = [Talk::of(OWNER, &sessions[0]), Talk::of(ANOTHER, &sessions[1])];
    let begun = Instant::now();
    for node in 0..3 {
        split.restart_under(node, &mut talks).await;
        split.until_whole().await;
        for api in &split.nodes() {
            for session in &sessions {
                until(api, session, "connected").await;
            }
        }
    }
    for talk in &talks {
        assert!(talk.ground.accepted.len() >= 12, "there was a load at each restart: {}", talk.ground.accepted.len());
        talk.ground.is_sound(split.world(), Some((&hook, "/x"))).await;
    }
    assert_eq!(ends(&split.world().api(), &sessions).await, 0, "nobody fought for a session");
    let fenced = split.is_fenced().await;
    assert!(fenced.1 >= 3, "each node that was restarted had a session: {fenced:?}");
    println!("{}", figures("3 nodes restarted", &talks, fenced, begun));
    split.end().await;
}
