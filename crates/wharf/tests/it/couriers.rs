//! Couriers, on a network that the test plays.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use wharf::http::Limits;
use wharf::worker::couriers;
use wharf_core::egress::{Egress, Error, Fetch, Fetched, Post, Refused, Reply, Sink};

use crate::harness::Gateway;

/// How requests end for now; where nothing is said they are taken.
#[derive(Clone, Default)]
struct Played(Arc<Mutex<Option<Error>>>);

impl Played {
    fn set(&self, error: Option<Error>) {
        *self.0.lock().unwrap() = error;
    }
}

#[async_trait]
impl Egress for Played {
    async fn post(&self, _request: Post) -> Result<Reply, Error> {
        let error = self.0.lock().unwrap().clone();
        error.map_or(Ok(Reply { status: 200, retry_after: None, body: Bytes::new() }), Err)
    }

    async fn fetch(&self, _request: Fetch, _sink: &mut dyn Sink) -> Result<Fetched, Error> {
        Err(Error::Unresolved)
    }

    fn check(&self, _url: &str) -> Result<(), Refused> {
        Ok(())
    }
}

/// The deliveries, oldest first, once there are so many that were tried or put off.
async fn settled(gateway: &Gateway, webhook: &str, count: usize) -> Vec<Value> {
    let settled = async {
        loop {
            let list = gateway.get(&format!("/v1/webhooks/{webhook}/deliveries")).send().await;
            let mut all = list.ok(200).as_array().unwrap().clone();
            all.reverse();
            let busy = all.iter().any(|one| one["status"] == "pending" && one["nextAttemptAt"].is_null());
            if all.len() == count && !busy {
                return all;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), settled).await.expect("the deliveries were looked after")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_our_own_way_out_is_no_try_of_a_webhook_and_begins_its_five_days_anew() {
    let played = Played::default();
    let gateway = Gateway::start_guarded(Limits::default(), played.clone()).await;
    let session = gateway.connected().await;
    let created = gateway.post("/v1/webhooks", json!({"url": "https://hooks.example.org/x", "events": ["message.status"]})).send().await;
    let webhook = created.ok(201)["webhookId"].as_str().unwrap().to_owned();
    let couriers = couriers::start(&gateway.services, "node".to_owned());
    let health = async || {
        let shown = gateway.get(&format!("/v1/webhooks/{webhook}")).send().await;
        shown.ok(200)["failingSince"].as_str().map(str::to_owned)
    };
    let say = async || gateway.post("/v1/messages/text", json!({"sessionId": session, "to": "15550001001", "text": "hi"})).send().await;

    // Theirs: a try, and the webhook fails since then.
    played.set(Some(Error::Unresolved));
    say().await.ok(201);
    let first = settled(&gateway, &webhook, 1).await;
    assert_eq!(first[0]["attempts"].as_array().map(Vec::is_empty), Some(false), "{first:?}");
    let since = health().await.expect("it fails");
    // Ours: put off for a minute, no try, and it fails since now at the earliest.
    played.set(Some(Error::Offline));
    say().await.ok(201);
    let both = settled(&gateway, &webhook, 2).await;
    assert_eq!((&both[1]["status"], both[1]["attempts"].as_array().unwrap().len()), (&json!("pending"), 0), "{both:?}");
    assert!(health().await.expect("nothing was delivered") > since);
    played.set(None);
    // It goes out with all its tries before it.
    let delivery = both[1]["deliveryId"].as_str().unwrap();
    gateway.post(&format!("/v1/webhooks/{webhook}/deliveries/{delivery}/retry"), json!({})).send().await.ok(200);
    let both = settled(&gateway, &webhook, 2).await;
    assert_eq!((&both[1]["status"], both[1]["attempts"].as_array().unwrap().len()), (&json!("delivered"), 1), "{both:?}");
    assert_eq!(health().await, None);
    couriers.stop().await;
}
