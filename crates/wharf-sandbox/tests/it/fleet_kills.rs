//! kill -9 at each gap of a send that came in at a node which does not have the session: the promise holds, and the text is shown once.

use serde_json::json;
use tokio::time::Instant;
use wharf_api::ErrorCode;

use crate::fleet::{PATIENTLY, send, until};
use crate::harness::api::{read, try_read};
use crate::harness::nats::Fleet;
use crate::harness::process::fresh_dir;
use crate::harness::{Api, OWNER, SILENT, eventually};

/// A node dies at this gap of a send that came in at the second: of the gap in which the message was accepted that one, of the others the
/// owner. Tells in a row of the table who died, what the client got, what was shown and how long the message took.
async fn killed_at(gap: &str) -> String {
    let kill_file = fresh_dir().join("gap");
    let armed = [("WHARF_KILL_FILE", kill_file.to_str().unwrap())];
    let accepts = gap.starts_with("S0");
    let mut fleet = if accepts { Fleet::start_with_both(&[], &armed).await } else { Fleet::start_with(&armed).await };
    let session = fleet.world.pair(OWNER).await;
    let [second, third] = fleet.others();
    send(&second, &session, "first").await;
    std::fs::write(&kill_file, gap).unwrap();
    let begun = Instant::now();
    let (got, message) = if accepts { repeated(&second, &third, &session, gap).await } else { answered(&second, &session, gap).await };
    let dead = if accepts { &mut fleet.second } else { fleet.world.gateway() };
    dead.ended().await;
    assert!(!kill_file.exists(), "it died at {gap}");
    eventually("what was accepted is sent by a node that is left", async || {
        let shown = third.get(&format!("/v1/messages/{message}")).await;
        let status = &shown.ok(200)["status"];
        if status == "sent" || status == "delivered" { Ok(()) } else { Err(format!("{shown:?}")) }
    })
    .await;
    let took = begun.elapsed();
    let left = if accepts { fleet.world.api() } else { second };
    for node in [&left, &third] {
        until(node, &session, "connected").await;
    }
    let seen: Vec<_> = fleet.world.ledger(SILENT).await.iter().map(|entry| entry["text"].clone()).collect();
    assert_eq!(seen, ["first", gap], "each once");
    let shown = seen.iter().filter(|text| *text == gap).count();
    let died = if accepts {
        fleet.third.terminate().await;
        "the node that was asked"
    } else {
        fleet.end().await;
        "the owner"
    };
    format!("{gap:<13} | {died:<23} | {got:<37} | {shown} | {:>5.1} s", took.as_secs_f64())
}

/// The client has its answer from the node that it asked, whichever node has the session by then.
async fn answered(api: &Api, session: &str, text: &str) -> (String, String) {
    let sent = send(api, session, text).await;
    (format!("201 {}", sent["status"].as_str().unwrap()), sent["messageId"].as_str().unwrap().to_owned())
}

/// The node that was asked dies; the client repeats with its key at the other one.
async fn repeated(dies: &Api, lives: &Api, session: &str, text: &str) -> (String, String) {
    let body = json!({"sessionId": session, "to": SILENT, "text": text});
    let ask = |api: &Api| api.request("POST", PATIENTLY).header("Idempotency-Key", text).json(&body);
    let first = try_read(ask(dies)).await;
    assert!(first.is_none(), "it has no answer: {first:?}");
    let again = eventually("the repeat is answered", async || {
        let again = read(ask(lives)).await;
        match again.status {
            201 => Ok(again),
            503 => Err(format!("{again:?}")),
            409 if again.code() == ErrorCode::IdempotencyKeyInUse.name() => Err(format!("{again:?}")),
            _ => panic!("{again:?}"),
        }
    })
    .await;
    assert_eq!(again.header("idempotent-replayed"), "true", "the death was after the commit: {again:?}");
    let message = again.data();
    let got = format!("nothing, then 201 {} by its key", message["status"].as_str().unwrap());
    (got, message["messageId"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_that_came_in_elsewhere_arrives_once_although_its_owner_dies_with_it_on_the_wire() {
    killed_at("S3-written").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "each of its take-overs waits for a lease: minutes"]
async fn a_send_that_came_in_elsewhere_arrives_once_at_whichever_gap_a_node_dies() {
    let mut table = vec![format!("{:<13} | {:<23} | {:<37} | shown | final after", "gap", "who died", "what the client got")];
    for gap in ["S0-accepted", "S1-claimed", "S2-encrypted", "S3-written", "S4-acked", "S5-stored"] {
        table.push(killed_at(gap).await);
    }
    println!("{}", table.join("\n"));
}
