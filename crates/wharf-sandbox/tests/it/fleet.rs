//! Three gateways on one PostgreSQL that talk over NATS: any of them answers for the sessions of the others, and nobody needs NATS to live.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::time::Instant;
use wharf_api::ErrorCode;

use crate::fleet_places::loads;
use crate::harness::api::read;
use crate::harness::nats::Fleet;
use crate::harness::{Api, OWNER, SILENT, assert_includes, eventually};
use crate::media::{file, hash};

pub async fn until(api: &Api, session: &str, status: &str) {
    eventually(&format!("a node shows the session as {status}"), async || {
        let shown = api.get(&format!("/v1/sessions/{session}")).await;
        (shown.data()["status"] == status).then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
}

/// Changes what each node remembers: from the answer on, all three answer with the status. A node that does not say within a second that it
/// knows is not waited for, and looks again by itself: on a slow machine that is waited for here.
pub async fn at_once(change: impl Future<Output = ()>, nodes: [&Api; 3], path: &str, status: u16) {
    let began = Instant::now();
    change.await;
    let all_know = began.elapsed() < Duration::from_secs(1);
    for node in nodes {
        eventually("the change holds at the node", async || {
            let got = node.get(path).await;
            assert!(got.status == status || !all_know, "{got:?}");
            if got.status == status { Ok(()) } else { Err(format!("{got:?}")) }
        })
        .await;
    }
}

/// As long as a send may wait.
pub const PATIENTLY: &str = "/v1/messages/text?wait=25";

pub async fn send(api: &Api, session: &str, text: &str) -> Value {
    let sent = api.post(PATIENTLY, &json!({"sessionId": session, "to": SILENT, "text": text})).await;
    sent.ok(201).clone()
}

pub async fn metric(api: &Api, name: &str) -> Option<String> {
    let page = api.with_key("").get("/metrics").await;
    let text = String::from_utf8_lossy(&page.bytes).into_owned();
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_one_node_is_shown_by_the_others_and_links_the_session() {
    let fleet = Fleet::start().await;
    let created = fleet.world.api().post("/v1/sessions", &json!({"name": "test"})).await;
    let session = created.ok(201)["sessionId"].as_str().unwrap().to_owned();
    let [second, third] = fleet.others();
    let qr = second.get(&format!("/v1/sessions/{session}/qr")).await;
    fleet.world.scan(qr.ok(200)["qr"].as_str().unwrap(), OWNER).await;
    until(&third, &session, "connected").await;
    let listed = second.get("/v1/sessions?status=connected").await;
    assert_includes(&listed.ok(200)[0], &json!({"sessionId": session, "status": "connected"}));
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_and_a_file_go_through_nodes_that_do_not_have_the_session() {
    let fleet = Fleet::start().await;
    let session = fleet.world.pair(OWNER).await;
    let [second, third] = fleet.others();
    assert_includes(&send(&second, &session, "from afar").await, &json!({"status": "sent"}));
    // More than one piece.
    let bytes = file("document", 1_300_000);
    let stored = read(third.request("POST", "/v1/media?mediaType=document").body(bytes.clone())).await;
    let media = stored.ok(201)["mediaId"].clone();
    let body = json!({"sessionId": session, "to": SILENT, "mediaType": "document", "mediaId": media});
    let sent = third.post("/v1/messages/media", &body).await;
    assert_includes(sent.ok(201), &json!({"status": "sent"}));
    let received = eventually("the phone has both", async || {
        let received = fleet.world.ledger(SILENT).await;
        if received.len() == 2 { Ok(received) } else { Err(format!("{received:?}")) }
    })
    .await;
    assert_eq!(received[0]["text"], "from afar");
    assert_eq!(received[1]["media"]["sha256"], json!(hash(&bytes)), "{}", received[1]);
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_look_ups_restart_and_logout_go_through_another_node() {
    let fleet = Fleet::start().await;
    let session = fleet.world.pair(OWNER).await;
    let (owner, [second, third]) = (fleet.world.api(), fleet.others());
    let body = json!({"sessionId": session, "subject": "Afar", "participants": [SILENT]});
    let group = second.post("/v1/groups", &body).await.ok(201)["groupId"].as_str().unwrap().to_owned();
    let path = format!("/v1/groups/{group}?sessionId={session}");
    assert_eq!(third.get(&path).await.ok(200), owner.get(&path).await.ok(200));
    let check = json!({"sessionId": session, "phoneNumbers": [SILENT, "15550009999"]});
    let checked = third.post("/v1/contacts/check", &check).await;
    assert_eq!(checked.ok(200), owner.post("/v1/contacts/check", &check).await.ok(200));
    second.post(&format!("/v1/chats/{SILENT}/typing"), &json!({"sessionId": session, "status": "typing"})).await.ok(200);
    second.post(&format!("/v1/sessions/{session}/restart"), &json!({})).await.ok(200);
    until(&third, &session, "connected").await;
    third.post(&format!("/v1/sessions/{session}/logout"), &json!({})).await.ok(200);
    for node in [&owner, &second, &third] {
        until(node, &session, "disconnected").await;
    }
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_sends_and_states_go_by_the_database_and_with_it_all_goes_on() {
    let mut fleet = Fleet::start().await;
    let session = fleet.world.pair(OWNER).await;
    let (owner, [second, third]) = (fleet.world.api(), fleet.others());
    assert_includes(&send(&second, &session, "with").await, &json!({"status": "sent"}));
    assert_eq!(metric(&second, "wharf_nats_up").await.as_deref(), Some("1.0"));
    assert_eq!(metric(&second, "wharf_limits_alone").await.as_deref(), Some("0.0"));
    fleet.nats.kill().await;
    eventually("the node knows that NATS is away", async || {
        let ready = second.with_key("").get("/readyz").await;
        (ready.ok(200)["status"] == "degraded").then_some(()).ok_or(format!("{ready:?}"))
    })
    .await;
    assert_eq!(metric(&second, "wharf_nats_up").await.as_deref(), Some("0.0"));
    assert_eq!(metric(&second, "wharf_limits_alone").await.as_deref(), Some("1.0"));
    until(&second, &session, "connected").await;
    assert_includes(&send(&second, &session, "without").await, &json!({"status": "sent"}));
    // What only the owner knows it is not asked for, and the owner itself has it.
    let groups = format!("/v1/groups?sessionId={session}");
    let refused = second.get(&groups).await;
    refused.refused(ErrorCode::ServiceUnavailable);
    assert!(!refused.header("retry-after").is_empty(), "{refused:?}");
    owner.get(&groups).await.ok(200);
    // A session that waits for its scan has its code in the owner's memory alone.
    let fresh = owner.post("/v1/sessions", &json!({"name": "fresh"})).await;
    let fresh = fresh.ok(201)["sessionId"].as_str().unwrap().to_owned();
    third.get(&format!("/v1/sessions/{fresh}/qr")).await.refused(ErrorCode::ServiceUnavailable);
    fleet.nats.start_again().await;
    for node in [&second, &third] {
        eventually("NATS is back", async || {
            let qr = node.get(&format!("/v1/sessions/{fresh}/qr")).await;
            (qr.status == 200).then_some(()).ok_or(format!("{qr:?}"))
        })
        .await;
    }
    fleet.until_whole().await;
    second.get(&groups).await.ok(200);
    assert_includes(&send(&third, &session, "again").await, &json!({"status": "sent"}));
    let texts: Vec<_> = fleet.world.ledger(SILENT).await.iter().map(|entry| entry["text"].clone()).collect();
    assert_eq!(texts, ["with", "without", "again"]);
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused_by_every_node_at_its_next_request() {
    let fleet = Fleet::start().await;
    let (owner, others) = (fleet.world.api(), fleet.others());
    for revoker in [&owner, &others[0], &others[1]] {
        let made = owner.post("/v1/api-keys", &json!({"name": "short", "permissions": ["sessions:read"]})).await;
        let (id, key) = (made.ok(201)["keyId"].as_str().unwrap(), made.data()["apiKey"].as_str().unwrap());
        for node in [&owner, &others[0], &others[1]] {
            node.with_key(key).get("/v1/sessions").await.ok(200);
        }
        let nodes = [&owner, &others[0], &others[1]].map(|node| node.with_key(key));
        let revoke = async {
            revoker.delete(&format!("/v1/api-keys/{id}")).await.ok(200);
        };
        at_once(revoke, nodes.each_ref(), "/v1/sessions", 401).await;
        for node in &nodes {
            node.get("/v1/sessions").await.refused(ErrorCode::InvalidApiKey);
        }
    }
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_the_database_answers_do_not_wait_for_an_owner_that_is_frozen() {
    let mut fleet = Fleet::start().await;
    let session = fleet.world.pair(OWNER).await;
    let [second, _] = fleet.others();
    let sent = send(&second, &session, "before").await;
    let id = Pid::from_raw(i32::try_from(fleet.world.gateway().id()).unwrap());
    kill(id, Signal::SIGSTOP).unwrap();
    // Its lease is good for a while, and so it is asked, in vain.
    eventually("nobody vouches for a session whose owner says nothing", async || {
        let shown = second.get(&format!("/v1/sessions/{session}")).await;
        if shown.status == 503 { Ok(()) } else { Err(format!("{shown:?}")) }
    })
    .await;
    for list in ["messages", "events", "contacts", "chats"] {
        let listed = second.get(&format!("/v1/{list}?sessionId={session}")).await;
        assert!(!listed.ok(200).as_array().unwrap().is_empty(), "{list}: {listed:?}");
    }
    second.get(&format!("/v1/messages/{}", sent["messageId"].as_str().unwrap())).await.ok(200);
    kill(id, Signal::SIGCONT).unwrap();
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_hands_its_sessions_over_and_each_send_meanwhile_arrives_once() {
    let mut fleet = Fleet::start().await;
    let session = fleet.world.pair(OWNER).await;
    let other = fleet.world.pair("15550000002").await;
    let [second, third] = fleet.others();
    let operator = second.with_key(&fleet.world.operator().key);
    send(&second, &session, "0").await;
    // As a client does that repeats what was answered by a 503, and nothing else. On a slow machine the new owner may need more than the
    // three seconds for which a send waits for it.
    let texts: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    let sending = async {
        for text in &texts[1..] {
            let body = json!({"sessionId": session, "to": SILENT, "text": text});
            eventually("the text is accepted", async || {
                let sent = read(third.request("POST", "/v1/messages/text").header("Idempotency-Key", text).json(&body)).await;
                match sent.status {
                    201 => Ok(()),
                    503 => {
                        assert!(!sent.header("retry-after").is_empty(), "{sent:?}");
                        Err(format!("{sent:?}"))
                    }
                    _ => panic!("{sent:?}"),
                }
            })
            .await;
        }
    };
    tokio::join!(fleet.world.stop_gateway(), sending);
    // Without a wait: they were others' before the node ended. It does not wait as long for their connections as a slow machine may need.
    assert_eq!(loads(&operator).await.iter().sum::<u64>(), 2, "nobody else has them yet");
    for node in [&second, &third] {
        for session in [&session, &other] {
            until(node, session, "connected").await;
        }
    }
    let seen = eventually("all have arrived", async || {
        let seen: Vec<_> = fleet.world.ledger(SILENT).await.iter().map(|entry| entry["text"].as_str().unwrap().to_owned()).collect();
        if seen.len() >= texts.len() { Ok(seen) } else { Err(format!("{seen:?}")) }
    })
    .await;
    assert_eq!(seen, texts, "each once, in order");
    fleet.end().await;
}
