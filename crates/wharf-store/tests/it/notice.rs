//! Notices of what WhatsApp keeps: each is an event once, on both databases.

use serde_json::json;
use wharf_api::Timestamp;
use wharf_api::types::event::EventKind;
use wharf_core::store::{Error, EventFilter, EventStore, Fence, NOTICE_KEPT, NewEvent, OwnerStore, SessionStore};

use crate::harness::{Db, both_backends};
use crate::tenant::{Tenant, session};

both_backends!(a_notice_is_announced_once_by_the_owner_alone, what_was_announced_long_ago_is_forgotten);

fn event() -> NewEvent {
    NewEvent::new(EventKind::CallReceived, &json!({}))
}

async fn calls(db: &Db, tenant: &Tenant) -> usize {
    let filter = EventFilter { kinds: vec![EventKind::CallReceived], ..EventFilter::default() };
    db.store.list_events(&tenant.account, &filter, 0, 100).await.unwrap().rows.len()
}

async fn a_notice_is_announced_once_by_the_owner_alone(db: &Db) {
    let tenant = Tenant::new(db).await;
    let at = Timestamp::from_millis(1_000);
    let fence = &tenant.fence;
    let stale = Fence { epoch: fence.epoch - 1, ..fence.clone() };
    assert!(matches!(db.store.announce(&stale, at, "call:1", event()).await, Err(Error::Fenced)));
    assert!(db.store.announce(fence, at, "call:1", event()).await.unwrap(), "what a stale owner tried left nothing behind");
    assert!(!db.store.announce(fence, at, "call:1", event()).await.unwrap());
    assert!(db.store.announce(fence, at, "call:2", event()).await.unwrap());
    assert_eq!(calls(db, &tenant).await, 2);

    // Another session hears of the same call by itself.
    let other = session(db, &tenant.account).await;
    let theirs = db.store.take_session(&other, "node", at).await.unwrap().unwrap();
    assert!(db.store.announce(&theirs, at, "call:1", event()).await.unwrap());
    db.store.release_session(fence).await.unwrap();
    assert!(db.store.delete_session(&tenant.account, &tenant.session).await.unwrap());
    assert_eq!(db.texts("SELECT name FROM notices").await, ["call:1"], "a deleted session's are gone, the other's stay");
}

async fn what_was_announced_long_ago_is_forgotten(db: &Db) {
    let tenant = Tenant::new(db).await;
    let then = Timestamp::from_millis(0);
    let now = (then + NOTICE_KEPT).plus_millis(1);
    assert!(db.store.announce(&tenant.fence, then, "call:1", event()).await.unwrap());
    assert!(db.store.announce(&tenant.fence, now, "call:2", event()).await.unwrap());
    assert_eq!(db.texts("SELECT name FROM notices").await, ["call:2"]);
}
