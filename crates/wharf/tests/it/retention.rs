//! Messages and their events are kept as long as the plan says, from what happened to them last; usage stays.

use std::sync::Arc;

use serde_json::json;
use wharf_api::Timestamp;
use wharf_core::clock::SystemClock;
use wharf_core::message::{overdue, retain};
use wharf_core::seal::Seal;
use wharf_core::store::MessageStore;
use wharf_core::{Clock, Ports, Services, event};

use crate::harness::requests::Objects;
use crate::harness::{Gateway, engine};

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A clock that is so far ahead.
struct Ahead(i64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_millis(self.0)
    }
}

/// The gateway's services, later.
fn later(gateway: &Gateway, ms: i64) -> Services {
    let now = &gateway.services;
    Services::new(Ports {
        store: Arc::clone(&now.store),
        engine: gateway.engine.clone(),
        egress: Arc::clone(&now.egress),
        files: Arc::clone(&now.files),
        clock: Arc::new(Ahead(ms)),
        chance: Arc::clone(&now.chance),
        outcomes: Arc::default(),
        seal: Seal::new(&[7; 32], Arc::clone(&now.chance)),
        world: now.world,
    })
}

#[tokio::test]
async fn a_message_goes_with_its_events_when_its_last_step_is_older_than_the_plan_keeps_it() {
    let gateway = Gateway::start().await;
    gateway.begin_a_day();
    let key = gateway.key_on("two-days", |plan| plan.message_days = Some(2)).await;
    let ask = |method: &str, path: &str| gateway.ask(method, path).key(&key);
    let made = ask("POST", "/v1/sessions").json(&json!({"name": "s"})).send().await;
    let session = made.ok(201)["sessionId"].as_str().unwrap().to_owned();
    gateway.engine.connect(&wharf_api::ids::SessionId::parse(&session).unwrap());
    let sent = ask("POST", "/v1/messages/text").json(&json!({"sessionId": session, "to": engine::SILENT, "text": "x"})).send().await;
    let message = format!("/v1/messages/{}", sent.ok(201)["messageId"].as_str().unwrap());
    let there = async || ask("GET", &message).send().await.status == 200;
    let events = async || ask("GET", "/v1/events").send().await.ok(200).as_array().unwrap().len();
    let used = ask("GET", "/v1/usage").send().await.ok(200)["today"]["messages"].clone();

    // What is not sent is not old, however long it waits.
    assert_eq!(retain::expire(&later(&gateway, 9 * DAY_MS)).await.unwrap(), 0);
    assert_eq!(overdue::fail_overdue(&later(&gateway, DAY_MS + HOUR_MS)).await.unwrap(), 1);
    // It was made two and a half days ago by then, and has failed one and a half.
    assert_eq!(retain::expire(&later(&gateway, 2 * DAY_MS + DAY_MS / 2)).await.unwrap(), 0);
    assert!(there().await && events().await > 0);

    let at_last = later(&gateway, 3 * DAY_MS + 2 * HOUR_MS);
    event::expire(&at_last).await.unwrap();
    assert_eq!(retain::expire(&at_last).await.unwrap(), 1);
    assert_eq!(at_last.meter.messages_removed.read(), 1);
    assert!(!there().await);
    assert_eq!(events().await, 0, "the log goes back no further than messages do");
    assert_eq!(ask("GET", "/v1/usage").send().await.ok(200)["today"]["messages"], used);
}

#[tokio::test]
async fn what_no_plan_bounds_stays_for_ever_and_what_a_webhook_has_not_had_yet_until_it_has() {
    let gateway = Gateway::start().await;
    let own = Objects::of(&gateway, "owed").await;
    overdue::fail_overdue(&later(&gateway, 2 * DAY_MS)).await.unwrap();
    let far = later(&gateway, 3_000 * DAY_MS);
    assert_eq!(retain::expire(&far).await.unwrap(), 0);

    let account = wharf_core::account::find_or_create(&gateway.services, "owed", "enterprise").await.unwrap();
    let mut plan = gateway.services.store.find_account(&account).await.unwrap().unwrap().plan;
    plan.message_days = Some(1);
    wharf_core::account::put_plan(&gateway.services, &plan).await.unwrap();
    assert!(gateway.store.owed_to_webhooks_since(&account).await.unwrap().is_some());
    assert_eq!(retain::expire(&far).await.unwrap(), 0, "a delivery of it waits");
    gateway.delete(&format!("/v1/webhooks/{}", own.webhook)).key(&own.api_key).send().await.ok(200);
    event::expire(&far).await.unwrap();
    assert_eq!(retain::expire(&far).await.unwrap(), 1);
}
