//! People who guess passwords at three nodes: each of them counts what the others met.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};
use wharf_api::{ErrorCode, limits};

use crate::harness::nats::Fleet;
use crate::harness::{Api, Reply, api, eventually};

/// Where the three nodes are, the world's own first.
fn nodes(fleet: &Fleet) -> [Api; 3] {
    let [second, third] = fleet.others();
    [fleet.world.api(), second, third].map(|node| node.with_key(""))
}

fn wrong(name: &str) -> Value {
    json!({"name": name, "password": "wrong horse battery"})
}

/// Tries to sign in from an address of this machine.
async fn enter(node: &Api, from: Ipv4Addr, body: &Value) -> Reply {
    #[expect(clippy::disallowed_methods, reason = "a customer's client, not the gateway's")]
    let client = reqwest::Client::builder().no_proxy().local_address(IpAddr::V4(from)).build().unwrap();
    api::read(client.post(format!("{}/v1/login", node.base)).json(body)).await
}

/// How many wrong passwords are looked at before one is refused unseen.
async fn looked_at(node: &Api, from: Ipv4Addr, name: &str) -> u64 {
    let mut tried = 0;
    loop {
        let reply = enter(node, from, &wrong(name)).await;
        if reply.status == 429 {
            reply.refused(ErrorCode::RateLimitExceeded);
            return tried;
        }
        reply.refused(ErrorCode::InvalidApiKey);
        tried += 1;
        assert!(tried <= limits::LOGIN_FAILURES_OF_ADDRESS, "nobody refuses {from}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_that_were_tried_at_one_node_count_at_the_others() {
    let fleet = Fleet::start().await;
    let [first, second, third] = nodes(&fleet);
    let from = Ipv4Addr::new(127, 0, 1, 1);
    for _ in 1..limits::LOGIN_FAILURES_OF_ADDRESS {
        enter(&second, from, &wrong("demo")).await.refused(ErrorCode::InvalidApiKey);
    }
    // By itself it would look at ten of them.
    let tried = looked_at(&third, from, "demo").await;
    assert!(tried < limits::LOGIN_FAILURES_OF_ADDRESS - 1, "it counts by itself: {tried}");
    // The last try is told it a moment later.
    let tried = looked_at(&first, from, "demo").await;
    assert!(tried < limits::LOGIN_FAILURES_OF_ADDRESS - 1, "it counts by itself: {tried}");
    let refused = enter(&first, from, &wrong("demo")).await;
    assert_eq!(refused.refused(ErrorCode::RateLimitExceeded)["limit"], limits::LOGIN_FAILURES_OF_ADDRESS);
    assert_eq!(enter(&first, Ipv4Addr::new(127, 0, 1, 2), &wrong("demo")).await.status, 401, "another address may try");
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_many_addresses_try_at_all_nodes_is_held() {
    let fleet = Fleet::start().await;
    let nodes = nodes(&fleet);
    let mut tried = 0;
    let refused = loop {
        // Two from each address.
        let from = Ipv4Addr::new(127, 0, 2, 1 + u8::try_from(tried / 2).unwrap());
        let reply = enter(&nodes[usize::try_from(tried).unwrap() % 3], from, &wrong("demo")).await;
        if reply.status == 429 {
            break reply;
        }
        reply.refused(ErrorCode::InvalidApiKey);
        tried += 1;
        // By themselves they would look at three times as many.
        assert!(tried < 2 * limits::LOGIN_FAILURES_OF_NAME, "nobody holds the name");
    };
    assert!(tried >= limits::LOGIN_FAILURES_OF_NAME, "{tried}");
    assert_eq!(refused.refused(ErrorCode::RateLimitExceeded)["limit"], limits::LOGIN_FAILURES_OF_NAME);
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn good_passwords_count_nowhere() {
    let mut fleet = Fleet::start().await;
    let password = fleet.world.gateway().ready["password"].clone();
    let nodes = nodes(&fleet);
    let good = json!({"name": "demo", "password": password});
    for number in 0..2 * usize::try_from(limits::LOGIN_FAILURES_OF_ADDRESS).unwrap() {
        enter(&nodes[number % 3], Ipv4Addr::new(127, 0, 3, 1), &good).await.ok(201);
    }
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_each_node_looks_at_its_part() {
    let mut fleet = Fleet::start().await;
    let nodes = nodes(&fleet);
    fleet.nats.kill().await;
    let part = limits::LOGIN_FAILURES_OF_ADDRESS.div_ceil(3);
    let mut turn = 0;
    eventually("each looks at its third", async || {
        turn += 1;
        let mut tried = Vec::new();
        for node in &nodes {
            tried.push(looked_at(node, Ipv4Addr::new(127, 0, 4, turn), &format!("nobody-{turn}")).await);
        }
        (tried == [part; 3]).then_some(()).ok_or(format!("{tried:?}"))
    })
    .await;
    fleet.end().await;
}
