//! Couriers, on a network that the test plays.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;
use wharf::http::Limits;
use wharf::worker::couriers;
use wharf_api::ids::WebhookId;
use wharf_api::types::event::EventKind;
use wharf_api::types::session::SessionStatus;
use wharf_core::egress::{Egress, Error, Fetch, Fetched, Post, Refused, Reply, Sink};
use wharf_core::store::{DueWebhook, LinkChange, NewEvent, WebhookRow};

use crate::harness::{Gateway, NODE};

/// How requests end for now, where nothing is said they are taken; and the ids of all that were made.
#[derive(Clone, Default)]
struct Played {
    error: Arc<Mutex<Option<Error>>>,
    ids: Arc<Mutex<Vec<String>>>,
}

impl Played {
    fn set(&self, error: Option<Error>) {
        *self.error.lock().unwrap() = error;
    }

    /// The ids of the requests since this was asked last.
    fn take_ids(&self) -> Vec<String> {
        std::mem::take(&mut *self.ids.lock().unwrap())
    }
}

#[async_trait]
impl Egress for Played {
    async fn post(&self, request: Post) -> Result<Reply, Error> {
        let ids = request.headers.into_iter().filter(|(name, _)| name == "webhook-id").map(|(_, id)| id);
        self.ids.lock().unwrap().extend(ids);
        let error = self.error.lock().unwrap().clone();
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

#[tokio::test(flavor = "multi_thread")]
async fn a_courier_whose_secret_does_not_open_looks_anew_whether_its_node_fits_and_leaves_the_webhook_to_others_where_it_does_not() {
    let gateway = Gateway::start_guarded(Limits::default(), Played::default()).await;
    let (services, store) = (&gateway.services, &gateway.services.store);
    let session = gateway.connected().await;
    let create = async || {
        let created =
            gateway.post("/v1/webhooks", json!({"url": "https://hooks.example.org/x", "events": ["message.status"]})).send().await;
        created.ok(201)["webhookId"].as_str().unwrap().to_owned()
    };
    let (sealed, open) = (create().await, create().await);
    let id = WebhookId::parse(&sealed).unwrap();
    let change = Arc::new(|row: &mut WebhookRow| row.secret = vec![0]);
    let row = store.change_webhook(&gateway.account, &id, change).await.unwrap().unwrap();
    let due = DueWebhook { number: row.number, account: row.account };
    let is_failing = async || {
        let shown = gateway.get(&format!("/v1/webhooks/{sealed}")).send().await;
        shown.ok(200)["failingSince"].is_string()
    };
    gateway.post("/v1/messages/text", json!({"sessionId": session, "to": "15550001001", "text": "hi"})).send().await.ok(201);

    // Nobody has heard of the node, the look of a moment ago found it fit, and by now its database is another one: of no name.
    services.readiness.heeded(Instant::now());
    services.readiness.looked(Instant::now() + Duration::from_hours(1), true);
    let couriers = couriers::start(services, "node".to_owned());
    // Whoever wakes the courier of this one has woken the other one too, and a stop lets both end what they began.
    let delivered = settled(&gateway, &open, 1).await;
    assert_eq!(delivered[0]["status"], "delivered", "{delivered:?}");
    couriers.stop().await;
    assert!(!is_failing().await, "it may be this node that does not know the key");
    let now = services.clock.now();
    assert!(store.claim_webhook(&due, "another", now, now + Duration::from_hours(1)).await.unwrap().is_some(), "any other may try");

    // The node is the right one: it is the row.
    store.release_webhook(&due, "another").await.unwrap();
    store.claim_installation(&services.installation).await.unwrap();
    let couriers = couriers::start(services, "node".to_owned());
    let told = async {
        while !is_failing().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.expect("its owner sees that it fails");
    couriers.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_out_beside_much_else_goes_out_once_and_is_written_down() {
    // More than are gathered for a commit.
    const COUNT: usize = 200;
    let played = Played::default();
    let gateway = Gateway::start_guarded(Limits::default(), played.clone()).await;
    let (services, session) = (&gateway.services, gateway.session().await);
    let created = gateway.post("/v1/webhooks", json!({"url": "https://hooks.example.org/x", "events": ["call.received"]})).send().await;
    let webhook = created.ok(201)["webhookId"].as_str().unwrap().to_owned();
    assert_eq!(played.take_ids().len(), 1, "the test of the address");
    let now = services.clock.now();
    let fence = services.store.take_session(&session, NODE, now).await.unwrap().unwrap();
    for _ in 0..COUNT / 20 {
        let calls = LinkChange {
            status: SessionStatus::Connected,
            reason: None,
            refusal: None,
            jid: None,
            lid: None,
            push_name: None,
            unlink: false,
            at: now,
            events: NewEvent::each(vec![EventKind::CallReceived; 20], &json!({})),
        };
        services.store.record_link(&fence, &calls).await.unwrap();
    }
    let couriers = couriers::start(services, "node".to_owned());
    let delivered = async {
        loop {
            let list = gateway.get(&format!("/v1/webhooks/{webhook}/deliveries?status=delivered&limit={COUNT}")).send().await;
            let all = list.ok(200).as_array().unwrap().clone();
            if all.len() == COUNT {
                return all;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let delivered = tokio::time::timeout(Duration::from_secs(30), delivered).await.expect("all of it is delivered");
    couriers.stop().await;
    let tries = |one: &Value| one["attempts"].as_array().map(Vec::len);
    assert!(delivered.iter().all(|one| tries(one) == Some(1)), "{delivered:?}");
    let ids: BTreeSet<String> = delivered.iter().map(|one| one["eventId"].as_str().unwrap().to_owned()).collect();
    let sent = played.take_ids();
    assert_eq!((sent.len(), sent.into_iter().collect::<BTreeSet<_>>()), (COUNT, ids));
}
